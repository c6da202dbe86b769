"""One run of an ablation: its commands, whether it is finished, and carrying it out."""

import pathlib
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from soundnet_tf.ablations import commands
from soundnet_tf.ablations.tables import Row
from soundnet_tf.files import atomic, identity

RESULTS_FILE = "results.json"
LOG_FILE = "log.txt"
_SPENT_FILE = "seconds.json"
_BY_CONTENT = ("finetune", "evaluate")  # commands that go on, and know recordings

Note = Mapping[str, str | None]  # of `identity.note_of`
Found = Mapping[pathlib.Path, dict]  # of runs, by their folders
Errors = Mapping[pathlib.Path, str]


@dataclass(frozen=True)
class Run:
    """A flagfile with a seed: the rows that it gives, its folder, and its commands, each the name
    of a binary and its flags. One without rows measures the floors; one that learns from labels
    has a command for each of its folds."""

    rows: tuple[Row, ...]
    folder: pathlib.Path
    commands: tuple[tuple[str, ...], ...]
    seed: int | None = None
    folds: tuple[str, ...] = ()

    @property
    def command_lines(self) -> list[str]:
        return [commands.as_line(command) for command in self.commands]


def work_off(
    everything: Sequence[Run],
    recordings: Note | None,
    measure: Callable[[Run], dict],
    write: Callable[[Found, Errors], dict],
    is_wanted: Callable[[Run], bool] = lambda run: True,
) -> dict:
    """Carries out what is not finished, and writes the table after every run.

    A run that fails is noted, and the others go on.

    Args:
        everything: all runs of a table, in their order.
        recordings, measure: see `carry_out`.
        write: is called with what was found and what failed, and gives the table.
        is_wanted: of a run; others are shown if they are finished.

    Returns:
        What `write` gave last.
    """
    found = {run.folder: results for run in everything if (results := finished(run, recordings))}
    errors: dict[pathlib.Path, str] = {}
    content = write(found, errors)
    for run in everything:
        if run.folder in found or not is_wanted(run):
            continue
        try:
            found[run.folder] = carry_out(run, recordings, measure)
        except Exception as error:  # whatever it is, it is of one run
            if not isinstance(error, ValueError | OSError | RuntimeError):
                traceback.print_exc()
            print(f"{run.folder}: {error}", file=sys.stderr)
            errors[run.folder] = str(error) or type(error).__name__
        content = write(found, errors)
    return content


def finished(run: Run, recordings: Note | None) -> dict | None:
    """The results of a run that left them by the same commands, of the same recordings."""
    results = atomic.read_json(str(run.folder / RESULTS_FILE)) or {}
    known = results.get("recordings") or {}
    if recordings and not identity.is_note_of_the_same(recordings, known):
        return None
    return results if results.get("commands") == run.command_lines else None


def carry_out(run: Run, recordings: Note | None, measure: Callable[[Run], dict]) -> dict:
    """Writes the run's `results.json`: what `measure` gives, the commands and the time."""
    print(f"\n== {run.folder}", flush=True)
    run.folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        results = measure(run)
    finally:  # also of a run that failed or was interrupted
        seconds = add_seconds(run.folder / _SPENT_FILE, time.monotonic() - start)
    results |= {"commands": run.command_lines, "recordings": recordings, "seconds": seconds}
    atomic.write_json(str(run.folder / RESULTS_FILE), results)
    return results


def call_commands(run: Run, checksum: bool) -> None:
    """One after the other; RuntimeError if one fails.

    Args:
        run: whose they are.
        checksum: whether those that go on with unfinished work know recordings by their content.
    """
    for command in run.commands:
        more = ("--checksum",) if checksum and command[0] in _BY_CONTENT else ()
        commands.call((*command, *more), run.folder / LOG_FILE)


def add_seconds(path: pathlib.Path, seconds: float) -> float:
    """Adds to what earlier attempts took."""
    total = seconds + (atomic.read_json(str(path)) or 0)
    atomic.write_json(str(path), total)
    return total
