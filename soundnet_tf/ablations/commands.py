"""Binaries of this package as processes of their own, which do not outlive the one that waits."""

import pathlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
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
        with subprocess.Popen(arguments, **output_to) as process:
            try:
                for output in iter(process.stdout.read1, b""):
                    _tell(output, log)
            except BaseException:
                _end(process)
                raise
    if process.returncode:
        said = log_file.read_text("utf-8", "replace").strip().splitlines()[-1]
        raise RuntimeError(f"{binary} ended with {process.returncode}, see {log_file}: {said}")


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_SECS)
    except subprocess.TimeoutExpired:
        process.kill()


def _tell(output: bytes, log: BinaryIO) -> None:
    for stream in (sys.stdout.buffer, log):
        stream.write(output)
        stream.flush()
