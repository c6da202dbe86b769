"""Colours of a terminal, from its own palette, so that light and dark ones both can be read."""

import os
from typing import TextIO

_BOLD, _DIM, _GREEN = "1", "2", "32"
# Of a thousand classes one rarely has more than half; what has a twentieth may be chance.
_GRADES = ((0.5, f"{_BOLD};{_GREEN}"), (0.2, _GREEN), (0.05, ""), (0.0, _DIM))


def are_wanted(out: TextIO) -> bool:
    """Whether `out` is a terminal that shows colours, and its user has not said NO_COLOR."""
    is_able = os.environ.get("TERM", "dumb") not in ("", "dumb")
    return out.isatty() and is_able and not os.environ.get("NO_COLOR")


def bold(text: str) -> str:
    return _in(_BOLD, text)


def dim(text: str) -> str:
    return _in(_DIM, text)


def graded(text: str, probability: float) -> str:
    """From bold green (a half and more) and green (a fifth) over plain (a twentieth) to dim, of
    the whole percents that are shown."""
    shown = round(probability, 2)
    return _in(next(codes for least, codes in _GRADES if shown >= least), text)


def _in(codes: str, text: str) -> str:
    return f"\x1b[{codes}m{text}\x1b[0m" if codes else text
