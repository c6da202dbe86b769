"""Contestants in processes of their own, that run in turn.

Processes, since TensorFlow reads its environment when it is imported, and since peak memory is a
process's. In turn, since a machine is not as fast in one minute as in the next: ratios are taken
within a round, and the median of all rounds counts. While one runs the others wait for input.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from soundnet_tf.files.progress import progress_bar

_ROOT = str(pathlib.Path(__file__).parents[1])  # of the checkout, where processes find us
# As `soundnet_tf.bin.launch.set_up_tensorflow` does for our commands.
_OUR_ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "1"}
_PATIENCE_SECS = 10.0  # from asking a process to end to ending it
_LAST_LINES = 8  # of what a failed process said


@dataclass(frozen=True)
class Contestant:
    """Something to be timed.

    Attributes:
        setup: a module's function, which gives the callable that is timed.
        arguments: of `setup`, JSON values.
        plain: run with TensorFlow's own defaults, not with what our commands set.
    """

    setup: Callable[..., Any]
    arguments: Mapping[str, Any]
    plain: bool = False


@dataclass(frozen=True)
class Measurement:
    """What a contestant took: seconds of each round, and the largest memory of its processes."""

    seconds: tuple[float, ...]
    peak_bytes: int

    @property
    def median_secs(self) -> float:
        return statistics.median(self.seconds)

    def over(self, other: "Measurement") -> float:
        """The median over all rounds of this one's time over the other's."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(mine / its for mine, its in pairs)


def measure(
    title: str, contestants: Mapping[str, Contestant], rounds: int, warm_ups: int = 1
) -> dict[str, Measurement]:
    """Times contestants in turn: in every round each runs once, in their order.

    Args:
        title: of the progress bar.
        contestants: by name.
        rounds: that count.
        warm_ups: rounds before those, in which graphs are traced and files come into memory.

    Raises:
        RuntimeError: a contestant failed; the message has the end of what it said.
    """
    seconds = {name: [] for name in contestants}
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(worker(name, contestant))
            for name, contestant in contestants.items()
        }
        for process in workers.values():
            process.answer("result")
        turns = [name for _ in range(warm_ups + rounds) for name in workers]
        for name in progress_bar(len(turns), title, "run", items=turns):
            seconds[name].append(workers[name].run())
        return {
            name: Measurement(tuple(seconds[name][warm_ups:]), process.finish())
            for name, process in workers.items()
        }


def call(function: Callable[..., Any], **arguments: Any) -> Any:
    """The JSON value that a module's function gives, called in a process of its own. What it loads
    then does not weigh on this one, from which the contestants' processes inherit their peak.

    Raises:
        RuntimeError: it failed; the message has the end of what it said.
    """
    with worker(function.__name__, Contestant(function, arguments)) as process:
        result = process.answer("result")
        process.finish()
    return result


@contextlib.contextmanager
def worker(name: str, contestant: Contestant) -> Iterator["Worker"]:
    """Starts the process of a contestant, which ends with the context, whatever it is doing."""
    setup = contestant.setup
    target = f"{setup.__module__}:{setup.__qualname__}"
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmark.worker"),
                *(target, json.dumps(contestant.arguments)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=_environment(contestant.plain),
        ) as process,
    ):
        try:
            yield Worker(name, process, said)
        finally:
            _end(process)


@dataclass(frozen=True)
class Worker:
    """The process of a contestant, see `benchmark.worker`, and the file of what it says."""

    name: str
    process: subprocess.Popen
    said: IO[str]

    def run(self) -> float:
        """Seconds of one run."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and `answer` says why
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        return self.answer("seconds")

    def finish(self) -> int:
        """Lets the process end; its peak memory in bytes."""
        self.process.stdin.close()
        peak_bytes = self.answer("peak_bytes")
        self.process.wait()
        return peak_bytes

    def answer(self, key: str) -> Any:
        """Waits for the next answer."""
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.said.seek(0)
            lines = self.said.read().strip().splitlines()[-_LAST_LINES:]
            raise RuntimeError("\n  ".join([f"{self.name} ended with {code}:", *lines]))
        return json.loads(line)[key]


def _end(process: subprocess.Popen) -> None:
    with contextlib.suppress(BrokenPipeError):  # what could not be written to one that has ended
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_PATIENCE_SECS)
    except subprocess.TimeoutExpired:
        process.kill()


def _environment(plain: bool) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _OUR_ENVIRONMENT}
    own["PYTHONPATH"] = os.pathsep.join(filter(None, (_ROOT, own.get("PYTHONPATH"))))
    return own if plain else own | _OUR_ENVIRONMENT
