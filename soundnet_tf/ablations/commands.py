"""Binaries of this package as processes of their own, which do not outlive the one that waits."""

import contextlib
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

_BIN = "soundnet_tf.bin"
_PATIENCE_SECS = 10.0  # from asking a process to end to ending it


def as_line(command: Sequence[str]) -> str:
    """What to type to run a command, the name of a binary and its flags."""
    binary, *flags = command
    return shlex.join(("python", "-m", f"{_BIN}.{binary}", *flags))


def call(command: Sequence[str], log_file: pathlib.Path) -> None:
    """Runs a command, whose output goes to the terminal and to the end of the log.

    An exception while it runs, such as KeyboardInterrupt, ends it. What it had written stays.

    Args:
        command: the name of a binary and its flags.
        log_file: to which its line and output are added.

    Raises:
        RuntimeError: it failed; the message has the last line that it said.
    """
    binary, *flags = command
    arguments = [sys.executable, "-u", "-m", f"{_BIN}.{binary}", *flags]
    with open(log_file, "ab") as log:
        _tell(f"$ {as_line(command)}\n".encode(), log)
        output_to = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = None
        try:
            with _signals_held():
                process = subprocess.Popen(arguments, **output_to)
            for output in iter(process.stdout.read1, b""):
                _tell(output, log)
            process.wait()
        except BaseException:
            if process is not None:
                _end(process)
            raise
        finally:
            if process is not None:
                process.stdout.close()
    if process.returncode:
        said = log_file.read_text("utf-8", "replace").strip().splitlines()[-1]
        raise RuntimeError(f"{binary} ended with {process.returncode}, see {log_file}: {said}")


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Has what would interrupt the `with` block interrupt its end: a process that has begun, and of
    which nobody knows yet, would be left behind."""
    if threading.current_thread() is not threading.main_thread():  # signals come to that one
        yield
        return
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))  # others raise nothing
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number in received:
        signal.raise_signal(number)


def _tell(output: bytes, log: BinaryIO) -> None:
    for stream in (sys.stdout.buffer, log):
        stream.write(output)
        stream.flush()
