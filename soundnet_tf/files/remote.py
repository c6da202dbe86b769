"""Remote files through TensorFlow's `tf.io.gfile`, with Python's errors; else see `storage`."""

import contextlib
import errno
import io
import os

_WEB = ("http", "https", "ftp", "ftps")


@contextlib.contextmanager
def gfile(path: str):
    """Gives `tf.io.gfile`, whose errors about `path` become Python's.

    Raises:
        OSError: a file system that TensorFlow does not know, of the web for example.
    """
    scheme = os.fsdecode(path).partition("://")[0]
    if scheme.lower() in _WEB:
        raise OSError(
            errno.EPROTONOSUPPORT, f"{scheme}:// is not read; download it first", os.fsdecode(path)
        )
    import tensorflow as tf  # only remote paths pay for it

    kinds = {
        tf.errors.NotFoundError: errno.ENOENT,
        tf.errors.AlreadyExistsError: errno.EEXIST,
        tf.errors.PermissionDeniedError: errno.EACCES,
    }
    try:
        yield tf.io.gfile
    except tf.errors.UnimplementedError as error:
        reason = f"{error.message}; copy it to a local path first"
        raise OSError(errno.EPROTONOSUPPORT, reason, os.fspath(path)) from error
    except tf.errors.OpError as error:
        # Of the number Python makes the class: FileNotFoundError, FileExistsError, ...
        number = kinds.get(type(error), errno.EIO)
        raise OSError(number, error.message, os.fspath(path)) from error


class RemoteFile(io.RawIOBase):
    """A remote file as Python's buffers and texts want it.

    Args:
        path: of the file.
        mode: "r" or "w"; it gives or takes bytes.

    Raises:
        OSError: it is not there, or cannot be written.
    """

    def __init__(self, path: str, mode: str):
        self._path, self._mode, self._at, self._size = path, mode, 0, 0
        with gfile(path) as files:
            self._file = files.GFile(path, f"{mode}b")
            if mode == "r":
                self._size = self._file.size()  # it is to be there now, not at the first read
            else:
                self._file.write(b"")  # so that an empty file is a file

    def readable(self):
        return self._mode == "r"

    def writable(self):
        return self._mode == "w"

    def seekable(self):
        return self._mode == "r"

    def readinto(self, buffer):
        content = b""
        if self._at < self._size:
            with gfile(self._path):
                content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def write(self, content):
        with gfile(self._path):
            self._file.write(bytes(content))
        self._at += len(content)
        return len(content)

    def seek(self, offset, whence=io.SEEK_SET):
        """Also beyond the end, as Python's files can, and TensorFlow's cannot."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        with gfile(self._path):
            self._file.seek(min(self._at, self._size))
        return self._at

    def tell(self):
        return self._at

    def close(self):
        if not self.closed:
            try:
                with gfile(self._path):
                    self._file.close()
            finally:
                super().close()
