"""A remote object as a Python file of which only the bytes that are asked for are fetched."""

import collections
import errno
import io
import os
import threading

from soundnet_tf.files import remote

BLOCK_BYTES = 1 << 18
LONGEST_RUN = 32  # blocks at once, when they are read one after the other
KEPT_BLOCKS = 256  # in a process, of all files: a film is opened several times for its clips

_kept: collections.OrderedDict[tuple, bytes] = collections.OrderedDict()
_lock = threading.Lock()


class RangedFile(io.RawIOBase):
    """An object to be read from, block by block; where reading goes on, twice as many at once each
    time, up to LONGEST_RUN.

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
        self._size, self._changed_ns, self._tag = found
        self._run, self._next = 0, 0  # blocks fetched last, and the one behind them

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
        index, begin = divmod(self._at, BLOCK_BYTES)
        found = self._block(index)[begin : begin + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _block(self, index: int) -> bytes:
        with _lock:
            if (content := _kept.get(self._key(index))) is not None:
                _kept.move_to_end(self._key(index))
                return content
        self._run = min(2 * self._run, LONGEST_RUN) if index == self._next and self._run else 1
        self._next = index + self._run
        stop = min(self._next * BLOCK_BYTES, self._size)
        fetched = remote.read_range(self._path, index * BLOCK_BYTES, stop, self._tag)
        blocks = [
            fetched[i * BLOCK_BYTES : (i + 1) * BLOCK_BYTES]
            for i in range(-(-len(fetched) // BLOCK_BYTES))
        ]
        with _lock:
            for i, block in enumerate(blocks, index):
                _kept[self._key(i)] = block
                _kept.move_to_end(self._key(i))
            while len(_kept) > KEPT_BLOCKS:
                _kept.popitem(last=False)
        return blocks[0]

    def _key(self, index: int) -> tuple:
        return self._path, self._tag, self._changed_ns, index


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
