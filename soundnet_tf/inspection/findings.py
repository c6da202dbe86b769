"""What the figures of clips and videos amount to, and which videos are kept.

A video is left out if it cannot be read, if all its clips are still or all silent, or if another
one that is kept has the same sound or pictures. Everything else is shown only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from soundnet_tf.data.reasons import CANCELLED
from soundnet_tf.data.videos import VAL
from soundnet_tf.files.spans import Span
from soundnet_tf.inspection import copies
from soundnet_tf.inspection.copies import Agreement, Hashes, agreements
from soundnet_tf.inspection.facts import oddities
from soundnet_tf.inspection.look import Row, from_text
from soundnet_tf.inspection.settings import InspectConfig

STILL, SILENT, CLIPPED, DELAYED, UNREADABLE, MISMATCH = (
    "still",
    "silent",
    "clipped",
    "delayed",
    "unreadable",
    "sound and picture do not match",
)
COPY = "copy"
_MISMATCH_RANK = 0.9  # of other clips' pictures, that fit the sound better than its own
_LEAST_DELAY_SECS = 0.1  # what people notice begins near it, and what is measured is 0.04 s rough
_PICTURES_OVER_SOUNDS = 2  # how much more of the pictures has to agree
_NO_UTF8 = "its name is no UTF-8, which no table can hold: rename it"


@dataclass
class Seen:
    """A video and what was found.

    id, path, split: of the video; "train" or "val".
    bytes: of the file; 0 if that is not known.
    row: what it is made of, see `rows`.
    clips: rows of its clips, in their order.
    found: of each clip, what it is.
    reason: why it is left out; empty if it is kept.
    odd: about the file, a phrase each.
    shown: what else is worth a look, likewise.
    spans: of the video that are meant; none: all of it.
    """

    id: str
    path: str
    split: str
    bytes: int
    row: Row
    clips: list[Row]
    found: list[list[str]] = field(default_factory=list)
    reason: str = ""
    odd: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    spans: tuple[Span, ...] = ()

    @property
    def secs(self) -> float:
        return float(sum(clip.get("secs", 0.0) for clip in self.clips))


@dataclass(frozen=True)
class Pair:
    """Two videos by number, and what of them agrees."""

    one: int
    other: int
    pictures: Agreement | None
    sounds: Agreement | None

    def share(self) -> float:
        return max(a.share for a in (self.pictures, self.sounds) if a is not None)

    def is_copy(self, copied_share: float) -> bool:
        """Whether so much of the sound agrees, or twice as much of the pictures: what one camera
        took from one place looks alike, and two recordings never sound so."""
        shares = [
            (self.sounds, copied_share),
            (self.pictures, min(1.0, _PICTURES_OVER_SOUNDS * copied_share)),
        ]
        return any(agreed is not None and agreed.share >= share for agreed, share in shares)

    def kind(self) -> str:
        kinds = {"sound": self.sounds, "pictures": self.pictures}
        return " and ".join(kind for kind, agreement in kinds.items() if agreement)


@dataclass(frozen=True)
class Group:
    """Copies of each other, by number, the best one first. `is_split`: they are in both splits."""

    members: tuple[int, ...]
    is_split: bool


def clip_findings(clip: Row, config: InspectConfig) -> list[str]:
    """What a clip is by its figures."""
    if clip.get("problem"):
        return [UNREADABLE]
    is_told = clip["delay_peak"] is not None and clip["delay_peak"] >= config.delay_peak
    match = clip.get("match_rank")
    found = {
        STILL: clip["still_share"] is not None and clip["still_share"] >= config.still_share,
        SILENT: clip["silent_share"] >= config.silent_share,
        CLIPPED: clip["clipped_share"] >= config.clipped_share,
        DELAYED: is_told and abs(clip["delay_secs"]) >= _LEAST_DELAY_SECS,
        MISMATCH: match is not None and match >= _MISMATCH_RANK,
    }
    return [name for name, is_found in found.items() if is_found]


def judge(videos: Sequence[Seen], config: InspectConfig) -> None:
    """Fills in what was found, and why a video is left out, all but copies."""
    for video in videos:
        video.found = [clip_findings(clip, config) for clip in video.clips]
        video.odd = oddities(video.row["facts"])
        if not _is_utf8(video.path):
            video.reason = _NO_UTF8
            continue
        read = [found for found in video.found if UNREADABLE not in found]
        if not read:
            problems = [video.row["problem"], *(clip.get("problem") for clip in video.clips)]
            video.reason = next(filter(None, problems), "no clip")
            continue
        for finding in (STILL, SILENT):
            if all(finding in found for found in read):
                video.reason = finding
                break
        if video.reason == SILENT and any(clip.get("is_cancelled") for clip in video.clips):
            video.reason = CANCELLED
        counts = {name: sum(name in found for found in video.found) for name in _SHOWN}
        video.shown = [
            f"{name} in {count} of {len(video.found)} clips"
            for name, count in counts.items()
            if count and name != video.reason
        ]


def _is_utf8(path: str) -> bool:
    """Whether all bytes of a name are text: others stand in it as lone surrogates."""
    return not any("\udc80" <= letter <= "\udcff" for letter in path)


def pairs_of(videos: Sequence[Seen], config: InspectConfig) -> list[Pair]:
    """Videos of which something agrees, in the order of their numbers."""
    found: dict[str, Mapping[tuple[int, int], Agreement]] = {}
    kinds = {
        "picture": (config.picture_bits, copies.PICTURE_SHIFT_SECS, copies.LEAST_PICTURES),
        "sound": (config.sound_bits, copies.SOUND_SHIFT_SECS, copies.LEAST_SOUNDS),
    }
    for kind, options in kinds.items():
        parts = [
            (
                number,
                from_text(clip[f"{kind}_hashes"]),
                clip["start_secs"] + np.array(clip[f"{kind}_secs"], float),
            )
            for number, video in enumerate(videos)
            for clip in video.clips
            if not clip.get("problem")
        ]
        found[kind] = agreements(Hashes.joined(parts), *options)
    keys = sorted(found["picture"].keys() | found["sound"].keys())
    return [Pair(*key, found["picture"].get(key), found["sound"].get(key)) for key in keys]


def drop_copies(videos: Sequence[Seen], pairs: Sequence[Pair], copied_share: float) -> list[Group]:
    """Leaves out all copies but the best one: the longest, then the largest, then the first of
    those that are kept otherwise. Groups that stand in both splits come first."""
    close = [(pair.one, pair.other) for pair in pairs if pair.is_copy(copied_share)]
    found = []
    for members in copies.groups(close):

        def rank(number: int) -> tuple:
            video = videos[number]
            return bool(video.reason), -round(video.secs, 1), -video.bytes, number

        best, *others = sorted(members, key=rank)
        for number in others:
            if not videos[number].reason:
                videos[number].reason = f"{COPY} of {videos[best].id}"
        splits = {videos[number].split for number in members}
        found.append(Group((best, *others), len(splits) > 1 and VAL in splits))
    return sorted(found, key=lambda group: (not group.is_split, group.members))


_SHOWN = (STILL, SILENT, CLIPPED, DELAYED, MISMATCH, UNREADABLE)
