"""A remote object as a Python file of which only the bytes that are asked for are fetched."""

import errno
import io
import os

from soundnet_tf.files import remote

FIRST_BYTES, LARGEST_BYTES = 1 << 18, 1 << 23
_KEPT = 4  # stretches: sound and pictures of a film lie apart


class RangedFile(io.RawIOBase):
    """An object to be read from. A read that goes on where a stretch ends fetches twice as much as
    that, up to LARGEST_BYTES; any other begins with FIRST_BYTES.

    Args:
        path: of the object.

    Raises:
        OSError: there is none; later on, it was replaced.
    """

    def __init__(self, path: str):
        found = remote.head(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._path, self._at = path, 0
        self._size, _, self._tag = found
        self._kept: list[tuple[int, bytes]] = []  # where they begin; the last used one last

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        """Also beyond the end, as Python's files can."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), self._path)
        self._at = base + offset
        return self._at

    def tell(self):
        return self._at

    def readinto(self, buffer):
        if self._at >= self._size:
            return 0
        start, content = self._stretch()
        found = content[self._at - start : self._at - start + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _stretch(self) -> tuple[int, bytes]:
        """Where it begins, and the bytes of one that has the place."""
        count = FIRST_BYTES
        for i, (start, content) in enumerate(self._kept):
            if start <= self._at < start + len(content):
                self._kept.append(self._kept.pop(i))
                return self._kept[-1]
            if self._at == start + len(content):
                count = min(2 * len(content), LARGEST_BYTES)
        stop = min(self._at + count, self._size)
        self._kept.append((self._at, remote.read_range(self._path, self._at, stop, self._tag)))
        del self._kept[:-_KEPT]
        return self._kept[-1]


class WholeFile(io.BytesIO):
    """Becomes an object when it is closed, unless that is since its `with` block failed."""

    def __init__(self, path: str):
        super().__init__()
        self._path = path

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        super().close()

    def __del__(self):
        """What nobody closed is perhaps not whole."""

    def close(self):
        if not self.closed:
            content = self.getvalue()
            super().close()
            remote.write_bytes(self._path, content)
