"""Members of tars as files of their own, read where they lie.

A member's path is that of its tar as if it were a folder, and behind `#` which bytes are its own:
"/data/part-0000.tar/key.mp4#1536+1048576". So whoever opens it needs no look through the tar.
"""

import errno
import io
import re
from typing import IO, NamedTuple

_PATH = re.compile(r"(.+\.tar)/(.+)#(\d+)\+(\d+)", re.DOTALL | re.IGNORECASE)


class Member(NamedTuple):
    """A member of a tar: its name there, and where its bytes lie."""

    tar: str
    name: str
    offset: int
    size: int

    def path(self) -> str:
        return f"{self.tar}/{self.name}#{self.offset}+{self.size}"


def member(path: str) -> Member | None:
    """Which member a path is of; None of any other file."""
    found = _PATH.fullmatch(path)
    return found and Member(found[1], found[2], int(found[3]), int(found[4]))


def plain(path: str) -> str:
    """A path as people write it: without which bytes are its own."""
    found = member(path)
    return f"{found.tar}/{found.name}" if found else path


class Window(io.RawIOBase):
    """Some bytes of an open file as a file, which is read, and closed with this.

    Args:
        file: open for reading; it can be sought in.
        of: where its bytes lie.

    Raises:
        OSError: the file ends before.
    """

    def __init__(self, file: IO[bytes], of: Member):
        if file.seek(0, io.SEEK_END) < of.offset + of.size:
            file.close()
            raise OSError(
                errno.EIO, "the tar is not the one that it was; begin again", plain(of.path())
            )
        self._file, self._begin, self._size, self._at = file, of.offset, of.size, 0
        self.name = of.name  # FFmpeg guesses formats by it

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=io.SEEK_SET):
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning", self.name)
        self._at = base + offset
        return self._at

    def readinto(self, buffer):
        wanted = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._begin + self._at)
        content = self._file.read(wanted)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self):
        if not self.closed:
            self._file.close()
        super().close()
