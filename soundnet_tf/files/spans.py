"""Stretches of a video, in seconds from its beginning, where only those are meant."""

import math
from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From `start_secs` (0 or more) to before `end_secs` (above that)."""

    start_secs: float
    end_secs: float

    def __str__(self) -> str:
        return f"{self.start_secs:g} to {self.end_secs:g} s"


def read_span(start: str, end: str) -> Span:
    """A span as people write it in a table.

    Raises:
        ValueError: one that has no length, or ends before it starts, and what is no number of
            seconds from 0 on; says which and what to write.
    """
    start_secs, end_secs = _secs("start", start), _secs("end", end)
    if not start_secs < end_secs:
        relation = "is empty" if start_secs == end_secs else "ends before it starts"
        raise ValueError(
            f"the span from {start_secs:g} to {end_secs:g} s {relation}; give an end after the "
            "start, or take the row out"
        )
    return Span(start_secs, end_secs)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In rising order, no second in two of them: those that overlap become one. Those that only
    touch stay apart."""
    apart: list[Span] = []
    for span in sorted(spans):
        if apart and span.start_secs < apart[-1].end_secs:
            apart[-1] = Span(apart[-1].start_secs, max(apart[-1].end_secs, span.end_secs))
        else:
            apart.append(span)
    return tuple(apart)


def _secs(name: str, text: str) -> float:
    try:
        secs = float(text) + 0.0  # no -0, which would stand in names
    except ValueError:
        secs = math.nan
    if not (math.isfinite(secs) and secs >= 0):
        raise ValueError(
            f"{name} is {text!r}; write seconds from the video's beginning, such as 30 or 30.5, or "
            "take the row out"
        )
    return secs
