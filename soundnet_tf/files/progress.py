"""Progress on stderr: a live bar on a terminal, a line a minute in a log file."""

import sys
from collections.abc import Iterable
from typing import TypeAlias

from tqdm import tqdm

_TERMINAL_SECS, _LOG_FILE_SECS = 0.5, 60

Bar: TypeAlias = tqdm


def progress_bar(
    total: int,
    title: str,
    unit: str,
    show: bool = True,
    initial: int = 0,
    items: Iterable | None = None,
    leave: bool = True,
    form: str | None = None,
) -> Bar:
    """A bar whose `update` is called, or that is iterated over.

    Args:
        total: how many `unit`s there are.
        title: stands before the bar.
        unit: what is counted, in the singular.
        show: whether to show anything.
        initial: how many are done already.
        items: what iterating over the bar gives.
        leave: whether the finished bar stays; of one that does not, a log file has no line if its
            work takes less than a minute.
        form: tqdm's `bar_format`, where it is not the usual one.
    """
    is_terminal = sys.stderr.isatty()
    return tqdm(
        items,
        total=total,
        desc=title,
        unit=unit,
        disable=not show,
        initial=initial,
        leave=leave,
        bar_format=form,
        mininterval=_TERMINAL_SECS if is_terminal else _LOG_FILE_SECS,
        maxinterval=_LOG_FILE_SECS,
        delay=0 if is_terminal or leave else _LOG_FILE_SECS,
    )


def print_line(text: str) -> None:
    """Prints to stdout at once; bars that are shown meanwhile move down."""
    with tqdm.external_write_mode():
        print(text, flush=True)
