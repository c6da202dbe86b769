"""The tables of a report: clips.csv, duplicates.csv and keep.csv."""

import os
from collections.abc import Iterable, Sequence

from soundnet_tf.files import atomic
from soundnet_tf.files.find import printable
from soundnet_tf.files.lists import NO, YES, csv_line
from soundnet_tf.inspection.findings import Agreement, Group, Pair, Seen
from soundnet_tf.inspection.look import Row

FIGURES = {  # columns of clips.csv: a clip's figures, with their digits
    "secs": 2,
    "still_share": 3,
    "plain_share": 3,
    "cuts_per_min": 1,
    "silent_share": 3,
    "clipped_share": 5,
    "peak_dbfs": 1,
    "mean_dbfs": 1,
    "dc_offset": 4,
    "steadiness": 3,
    "delay_secs": 3,
    "delay_peak": 1,
    "match_rank": 3,
}


def write_clips(out: str, videos: Sequence[Seen]) -> None:
    """A row a clip: whose, which split, what was found, and the figures."""
    columns = ["video_id", "split", "start_secs", "found", "problem", *FIGURES]
    rows = (
        [
            video.id,
            video.split,
            f"{clip['start_secs']:.3f}",
            "; ".join(found),
            clip.get("problem") or "",
            *(figure(clip, name) for name in FIGURES),
        ]
        for video in videos
        for clip, found in zip(video.clips, video.found, strict=True)
    )
    _write(out, "clips.csv", columns, rows)


def write_duplicates(
    out: str, videos: Sequence[Seen], groups: Sequence[Group], pairs: Sequence[Pair]
) -> None:
    """A row for each video of a group of copies, the one that is kept first, groups in both splits
    before others; then the pairs that share something, but less (group 0)."""
    columns = [
        "group", "in_both_splits", "video_id", "split", "secs", "bytes", "kept", "agrees_in",
        "with_video_id", "pictures_share", "pictures_shift_secs", "sounds_share",
        "sounds_shift_secs",
    ]  # fmt: skip
    rows: list[list] = []
    of_group = {member: i for i, group in enumerate(groups) for member in group.members}
    closest: dict[int, Pair] = {}
    apart = []
    for pair in pairs:
        if of_group.get(pair.one) is None or of_group.get(pair.one) != of_group.get(pair.other):
            apart.append(pair)
            continue
        for number in (pair.one, pair.other):
            if number not in closest or pair.share() > closest[number].share():
                closest[number] = pair
    for i, group in enumerate(groups, 1):
        said = YES if group.is_split else NO
        rows += [[i, said, *_of_pair(videos, number, closest[number])] for number in group.members]
    for pair in apart:
        is_split = videos[pair.one].split != videos[pair.other].split
        rows.append([0, YES if is_split else NO, *_of_pair(videos, pair.one, pair)])
    _write(out, "duplicates.csv", columns, rows)


def write_keep(out: str, videos: Sequence[Seen]) -> None:
    """A row a video, as `prepare` takes it and people may change it."""
    columns = ["path", "keep", "reason", "shown", "video_id", "split", "secs", "clips"]
    rows = (
        [
            video.path,
            NO if video.reason else YES,
            video.reason,
            "; ".join(video.odd + video.shown),
            video.id,
            video.split,
            f"{video.secs:.2f}",
            len(video.clips),
        ]
        for video in videos
    )
    _write(out, "keep.csv", columns, rows)


def figure(clip: Row, name: str) -> str:
    """Rounded; empty where there is none."""
    value = clip.get(name)
    return "" if value is None else f"{value:.{FIGURES[name]}f}"


def _of_pair(videos: Sequence[Seen], number: int, pair: Pair) -> list:
    video = videos[number]
    other = videos[pair.other if number == pair.one else pair.one]
    sign = 1 if number == pair.one else -1
    return [
        video.id,
        video.split,
        f"{video.secs:.2f}",
        video.bytes,
        NO if video.reason else YES,
        pair.kind(),
        other.id,
        *_agreed(pair.pictures, sign),
        *_agreed(pair.sounds, sign),
    ]


def _agreed(agreement: Agreement | None, sign: int) -> tuple[str, str]:
    if agreement is None:
        return "", ""
    return f"{agreement.share:.3f}", f"{sign * agreement.shift_secs + 0.0:.2f}"


def _write(out: str, name: str, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    text = "".join(map(csv_line, (columns, *rows)))
    atomic.write_text(os.path.join(out, name), printable(text))
