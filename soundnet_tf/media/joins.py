"""Where the time stamps of a file begin anew, and how its parts make one timeline.

Joined transport streams, cells of a DVD, chained Ogg or recordings with breaks count from zero, or
from somewhere else, in their middle. What comes behind such a place is moved so that it begins
where all before it has ended: sound and pictures of one part by the same time, so that they stay
together. The ffmpeg program does the same while it reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# What goes back by more begins a part. The ffmpeg program takes a tenth of a second; where not all
# streams go back by that it may be pictures in their order of presentation, or jitter, and counts
# only if it is more.
_BACKWARD_SECS = (0.1, 0.5)
_INTERLEAVED_SECS = 2.0  # by which writers put packets of one stream before those of another
_ENDED_SECS = 0.5  # the same, where a stream ends


@dataclass(frozen=True)
class Stamps:
    """The packets of one stream that have time stamps, in the order of the file.

    order: int64 [packets], rising: the packet's number among those of all streams.
    decode_secs: float64 [packets], rising but where stamps begin anew.
    begin_secs, end_secs: float64 [packets], when it is presented.
    """

    order: np.ndarray
    decode_secs: np.ndarray
    begin_secs: np.ndarray
    end_secs: np.ndarray


@dataclass(frozen=True)
class Join:
    """From the packet of this `index` among a stream's stamped ones on, stamps are `shift_secs`
    too large."""

    index: int
    shift_secs: float


class AmbiguousStampsError(ValueError):
    """The streams do not show where one part ends and the next begins; says what they show."""


def find_joins(
    streams: Mapping[str, Stamps], longest_pause_secs: float
) -> dict[str, tuple[Join, ...]]:
    """The joins of each stream, in order; none for a file whose stamps are one timeline.

    Args:
        streams: by "audio" and "video", or one of them.
        longest_pause_secs: for which all streams may have nothing, where stamps only jump ahead.

    Raises:
        AmbiguousStampsError: stamps begin anew in one stream and not in the other, or jump at
            places of the file that are far apart.
    """
    if not streams:
        return {}
    starts = _part_starts(streams)
    parts = [dict.fromkeys(streams, slice(0, 0))]
    for number in range(len(next(iter(starts.values()))) + 1):
        part = {name: _part(starts[name], number, streams[name]) for name in streams}
        parts += _divided_at_pauses(streams, part, longest_pause_secs)
    return _placed(streams, parts[1:])


def _part_starts(streams: Mapping[str, Stamps]) -> dict[str, np.ndarray]:
    """Where parts begin whose stamps are earlier than those before: in all streams as many, at the
    same places of the file."""
    for backward_secs in _BACKWARD_SECS:
        starts = {name: _backward(stamps, backward_secs) for name, stamps in streams.items()}
        if len({len(found) for found in starts.values()}) == 1 and "audio" in streams:
            break
    counts = {name: len(found) for name, found in starts.items()}
    if len(set(counts.values())) > 1:
        told = " and ".join(f"{count} times in its {name}" for name, count in counts.items())
        raise AmbiguousStampsError(f"its time stamps begin anew {told}")
    for places in zip(*starts.values(), strict=True):
        orders = [streams[name].order[at] for name, at in zip(starts, places, strict=True)]
        for name, stamps in streams.items():
            if _span_secs(stamps, min(orders), max(orders)) > _INTERLEAVED_SECS:
                raise AmbiguousStampsError(
                    f"its time stamps begin anew at other places than those of its {name}"
                )
    return starts


def _backward(stamps: Stamps, by_secs: float) -> np.ndarray:
    return np.flatnonzero(np.diff(stamps.decode_secs) < -by_secs) + 1


def _span_secs(stamps: Stamps, first_order: int, last_order: int) -> float:
    """How long what lies between two places of the file lasts."""
    between = (stamps.order > first_order) & (stamps.order < last_order)
    return float(np.sum(stamps.end_secs[between] - stamps.begin_secs[between]))


def _part(starts: np.ndarray, number: int, stamps: Stamps) -> slice:
    bounds = [0, *starts.tolist(), len(stamps.order)]
    return slice(bounds[number], bounds[number + 1])


def _divided_at_pauses(
    streams: Mapping[str, Stamps], part: dict[str, slice], longest_pause_secs: float
) -> list[dict[str, slice]]:
    """The part, divided where nothing of any stream is presented for too long."""
    begins = np.concatenate([streams[name].begin_secs[part[name]] for name in part])
    ends = np.concatenate([streams[name].end_secs[part[name]] for name in part])
    by_time = np.argsort(begins, kind="stable")
    begins, ends = begins[by_time], np.maximum.accumulate(ends[by_time])
    resumed_secs = begins[1:][begins[1:] - ends[:-1] > longest_pause_secs]
    divided = []
    for resumes_secs in resumed_secs:
        before, behind = {}, {}
        for name, within in part.items():
            late = streams[name].begin_secs[within] >= resumes_secs
            first_late = within.start + (int(np.argmax(late)) if late.any() else len(late))
            if not late[first_late - within.start :].all():
                raise AmbiguousStampsError(f"time stamps of its {name} jump there and back")
            before[name] = slice(within.start, first_late)
            behind[name] = slice(first_late, within.stop)
        if "audio" in part and _is_empty(behind["audio"]):
            break  # a picture that stays, or comes late: there is no sound that would be moved
        _check_one_place(streams, before, behind)
        divided.append(before)
        part = behind
    return [*divided, part]


def _check_one_place(
    streams: Mapping[str, Stamps], before: dict[str, slice], behind: dict[str, slice]
) -> None:
    """A jump of all streams is at one place of the file; of one stream alone, the others go on."""
    for name, other in ((a, b) for a in streams for b in streams if a != b):
        ahead, rest = behind[name], before[other]
        if _is_empty(ahead) or _is_empty(rest):
            continue
        jumped_at = streams[name].order[ahead.start]
        inside = streams[other].order[rest] > jumped_at
        begins = streams[other].begin_secs[rest][inside]
        # Where the other stream has nothing behind the jump it may just have ended before.
        longest_secs = _INTERLEAVED_SECS if not _is_empty(behind[other]) else _ENDED_SECS
        if begins.size and np.ptp(begins) > longest_secs:
            raise AmbiguousStampsError(
                f"time stamps of its {name} jump ahead, those of {other} do not"
            )


def _is_empty(part: slice) -> bool:
    return part.start == part.stop


def _placed(
    streams: Mapping[str, Stamps], parts: Sequence[dict[str, slice]]
) -> dict[str, tuple[Join, ...]]:
    joins = {name: [] for name in streams}
    end_secs = None
    for part in parts:
        begins = [stamps.begin_secs[part[name]] for name, stamps in streams.items()]
        ends = [stamps.end_secs[part[name]] for name, stamps in streams.items()]
        if not sum(map(len, begins)):
            continue
        first_secs = min(begin.min() for begin in begins if begin.size)
        shift_secs = 0.0 if end_secs is None else first_secs - end_secs
        if end_secs is not None:
            for name, within in part.items():
                joins[name].append(Join(within.start, shift_secs))
        end_secs = max(end.max() for end in ends if end.size) - shift_secs
    return {name: tuple(found) for name, found in joins.items()}
