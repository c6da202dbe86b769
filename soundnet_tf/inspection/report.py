"""What a look at videos came to, in numbers: report.json, and the table that is printed."""

import collections
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import soundnet_tf
from soundnet_tf.files import atomic
from soundnet_tf.inspection.findings import COPY, UNREADABLE, Group, Pair, Seen
from soundnet_tf.inspection.settings import InspectConfig

_MOST_LINES = 20


@dataclass(frozen=True)
class Report:
    """Everything that a look gave; see `findings`."""

    config: InspectConfig
    videos: Sequence[Seen]
    pairs: Sequence[Pair]
    groups: Sequence[Group]
    match: str

    def clips_found(self) -> dict[str, int]:
        """By finding, of how many clips it was."""
        return dict(
            collections.Counter(
                name for video in self.videos for found in video.found for name in found
            )
        )

    def left_out(self) -> dict[str, int]:
        """By reason, how many videos are left out."""
        return dict(collections.Counter(_kind(v) for v in self.videos if v.reason))


def write_json(report: Report) -> None:
    """The figures, and the settings that they were found with."""
    videos = report.videos
    content = {
        "version": soundnet_tf.__version__,
        "settings": asdict(report.config),
        "videos": len(videos),
        "clips": sum(len(video.clips) for video in videos),
        "hours": sum(video.secs for video in videos) / 3600,
        "clips_found": report.clips_found(),
        "odd_videos": sum(bool(video.odd) for video in videos),
        "copies": {
            "groups": len(report.groups),
            "groups_in_both_splits": sum(group.is_split for group in report.groups),
            "pairs_that_share_less": _pairs_apart(report),
        },
        "match": report.match,
        "kept_videos": sum(not video.reason for video in videos),
        "left_out_videos": report.left_out(),
    }
    atomic.write_json(os.path.join(report.config.out, "report.json"), content, sort_keys=False)


def summary(report: Report) -> str:
    """What was found, copies in both splits first, and what to run next."""
    config, videos = report.config, report.videos
    clips = sum(len(video.clips) for video in videos)
    hours = sum(video.secs for video in videos) / 3600
    lines = [f"{len(videos)} videos, {clips} clips, {hours:.2f} hours"]
    in_both = [group for group in report.groups if group.is_split]
    if in_both:
        lines.append("Copies of each other that stand in both splits:")
        for group in in_both[:_MOST_LINES]:
            named = (f"{videos[i].id} ({videos[i].split})" for i in group.members)
            lines.append(f"  {', '.join(named)}")
        if len(in_both) > _MOST_LINES:
            lines.append(f"  and {len(in_both) - _MOST_LINES} groups more, see duplicates.csv")
    found = report.clips_found()
    lines.append(f"{'found':<34}{'clips':>8}{'videos':>8}")
    for name in sorted(found):
        of_videos = sum(any(name in f for f in video.found) for video in videos)
        lines.append(f"{name:<34}{found[name]:>8}{of_videos:>8}")
    copied = sum(len(group.members) for group in report.groups)
    lines.append(f"{_copies(len(report.groups)):<34}{'':>8}{copied:>8}")
    lines.append(f"{'something odd':<34}{'':>8}{sum(bool(video.odd) for video in videos):>8}")
    lines.append(report.match)
    reasons = ", ".join(f"{count} {name}" for name, count in sorted(report.left_out().items()))
    kept = sum(not video.reason for video in videos)
    lines.append(f"keep.csv keeps {kept} videos" + (f", leaves out {reasons}" if reasons else ""))
    page, keep = (os.path.join(config.out, name) for name in ("index.html", "keep.csv"))
    lines.append(f"Look at {page}; change yes and no in {keep} as you like")
    lines.append(f"Next: bin/prepare.py --videos={shlex.quote(keep)} --out=SHARDS")
    return "\n".join(lines)


def _copies(groups: int) -> str:
    """The title of a line."""
    return f"copies, in {groups} group{'' if groups == 1 else 's'}" if groups else "copies"


def _pairs_apart(report: Report) -> int:
    of_group = {number: i for i, group in enumerate(report.groups) for number in group.members}
    return sum(
        of_group.get(pair.one) is None or of_group.get(pair.one) != of_group.get(pair.other)
        for pair in report.pairs
    )


def _kind(video: Seen) -> str:
    if video.reason.startswith(f"{COPY} of "):
        return COPY
    has_been_read = any(UNREADABLE not in found for found in video.found)
    return video.reason if has_been_read else UNREADABLE
