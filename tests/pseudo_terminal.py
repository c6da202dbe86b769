"""A terminal of the system's own (a pty), and what was written to it."""

import contextlib
import os
import pty
import re
import termios
import threading
from collections.abc import Iterator
from typing import NamedTuple, TextIO

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(NamedTuple):
    """A file that is a terminal for whoever writes to it, and what came out on its other side.

    Attributes:
        file: to write to; its `fileno` can be a child's stdout or stderr.
        chunks: bytes so far, all there are when the `with` block has ended.
    """

    file: TextIO
    chunks: list[bytes]

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode("utf-8")

    @property
    def lines(self) -> list[str]:
        """What stood on the lines in turn, without colours: a bar's states are lines too."""
        states = re.split("[\r\n]+", ESCAPES.sub("", self.text))
        return [state.rstrip() for state in states if state.strip()]


@contextlib.contextmanager
def terminal(columns: int = 120) -> Iterator[Terminal]:
    """Opens a terminal of 40 lines; a thread reads it, so that no writer waits."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, columns))
    chunks: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # how Linux tells that the other side is closed
            while chunk := os.read(master, 4096):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with open(slave, "w", encoding="utf-8", newline="") as file:
            yield Terminal(file, chunks)
    finally:
        reader.join()
        os.close(master)
