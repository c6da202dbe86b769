"""Records into a shard. What TensorFlow says of a disk that is full or cannot be written becomes
Python's own error, of the file."""

import tensorflow as tf

from soundnet_tf.files import storage


class ShardWriter:
    """A TFRecord file that is written, in a `with` block.

    Args:
        path: local.

    Raises:
        OSError: it cannot be written, now or at a later call; says what to do.
    """

    def __init__(self, path: str):
        self._path = path
        self._bytes = 0
        self._writer = self._done(tf.io.TFRecordWriter, path)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind, *_) -> None:
        self._done(self._writer.close)
        if kind is None and storage.size(self._path) != self._bytes:
            raise OSError(
                f"{self._path} has {storage.size(self._path)} bytes, {self._bytes} were written; "
                "the disk loses data, choose another"
            )

    def write(self, serialized: bytes) -> None:
        """Adds a record, with the 16 bytes around it."""
        self._done(self._writer.write, serialized)
        self._bytes += len(serialized) + 16

    def _done(self, function, *args):
        try:
            return function(*args)
        except tf.errors.OpError as error:
            raise OSError(
                f"{self._path} cannot be written ({error.message.split('; ')[-1]}); make room or "
                "choose another folder, then run the same command again"
            ) from error
