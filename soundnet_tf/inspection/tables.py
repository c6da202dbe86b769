"""The tables of a report: clips.csv, duplicates.csv and keep.csv."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from soundnet_tf.files import atomic, windows
from soundnet_tf.files.find import printable
from soundnet_tf.files.lists import END, KEEP, NO, PATH, START, YES, csv_line
from soundnet_tf.inspection.findings import Agreement, Group, Pair, Seen
from soundnet_tf.inspection.look import Row


class Figure(NamedTuple):
    """A column of clips.csv and of the page: its digits, and what it says in a line."""

    digits: int
    meaning: str


FIGURES = {
    "secs": Figure(2, "length of the clip"),
    "still_share": Figure(3, "steps between pictures, half a second apart, that change nothing"),
    "plain_share": Figure(3, "pictures of one colour; they have no hash"),
    "cuts_per_min": Figure(1, "sudden changes of a large part of the picture, a minute"),
    "silent_share": Figure(3, "windows of 20 ms that are silent"),
    "clipped_share": Figure(5, "samples in runs of three or more at full scale"),
    "peak_dbfs": Figure(1, "the largest sample, in dB below full scale"),
    "mean_dbfs": Figure(1, "root of the mean square of the samples, in dB below full scale"),
    "dc_offset": Figure(4, "mean of the samples, of full scale"),
    "steadiness": Figure(3, "how much partials stay where they are, as held tones do"),
    "delay_secs": Figure(3, "sound behind picture; a guess where delay_peak is low"),
    "delay_peak": Figure(1, "by how many deviations the best delay stands out; told from 5 on"),
    "match_rank": Figure(3, "other videos' pictures that fit the sound better than its own"),
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
    """A row a video, or one for each of its spans, as `prepare` takes it and people may change
    it."""
    with_spans = any(video.spans for video in videos)
    columns = [PATH, *([START, END] if with_spans else ()), KEEP]
    columns += ["reason", "shown", "video_id", "split", "secs", "clips"]
    rows = (
        [
            windows.plain(video.path),
            *span,
            NO if video.reason else YES,
            video.reason,
            "; ".join(video.odd + video.shown),
            video.id,
            video.split,
            f"{video.secs:.2f}",
            len(video.clips),
        ]
        for video in videos
        for span in video.spans or ((),)
    )
    _write(out, "keep.csv", columns, rows)


def figure(clip: Row, name: str) -> str:
    """Rounded; empty where there is none."""
    value = clip.get(name)
    return "" if value is None else f"{value:.{FIGURES[name].digits}f}"


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
