"""Serialized records of shards, local or in buckets, as datasets.

TensorFlow reads local files alone (see `files.remote`). A shard in a bucket is fetched whole when
its turn comes, by the threads that read ahead, and its copy goes when it has been read: Python runs
once a shard, not in the training step. The disk of TMPDIR has to hold the shards that are read at
the same time.
"""

import os
import struct
from collections.abc import Sequence

import tensorflow as tf

from soundnet_tf.files import remote, scratch, storage

FRAME_BYTES = 16  # around a record in a TFRecord file: its length, that checksum, the record's
_HEADER_BYTES = 12
_SIZE = struct.Struct("<Q")


def read(paths: str | Sequence[str]) -> tf.data.Dataset:
    """Records (string []) of one shard after the other.

    Raises, while it is read:
        tf.errors.DataLossError: a damaged shard.
        tf.errors.OpError: one that is not there or cannot be fetched.
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    if not any(map(storage.is_remote, paths)):
        return tf.data.TFRecordDataset(paths)
    return tf.data.Dataset.from_tensor_slices(paths).flat_map(_fetched)


def read_at(path: tf.Tensor, offset: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """One record (string []) of a remote shard, by one request.

    Args:
        path: string [], of the shard.
        offset: int64 [], the byte at which the record's frame begins.
        length: int64 [], bytes of the record with its frame.
    """
    record = tf.numpy_function(_read_at, [path, offset, length], tf.string)
    return tf.ensure_shape(record, [])


def _read_at(path: bytes, offset: int, length: int) -> bytes:
    framed = remote.read_range(os.fsdecode(path), int(offset), int(offset + length), None)
    (size,) = _SIZE.unpack_from(framed)
    if len(framed) != length or size + FRAME_BYTES != length:
        raise OSError(f"{os.fsdecode(path)} is not the shard that it was; prepare it again")
    return framed[_HEADER_BYTES : _HEADER_BYTES + size]


def _fetched(path: tf.Tensor) -> tf.data.Dataset:
    local = tf.numpy_function(_fetch, [path], tf.string)
    local.set_shape([])
    # Nothing comes of the second one but that the copy goes.
    end = tf.data.Dataset.from_tensors(local).filter(
        lambda copy: tf.ensure_shape(tf.numpy_function(_remove, [copy], tf.bool), [])
    )
    return tf.data.TFRecordDataset(local).concatenate(end)


def _fetch(path: bytes) -> bytes:
    path = os.fsdecode(path)
    local = scratch.new_path(f"-{os.path.basename(path)}")
    remote.download(path, local)
    return os.fsencode(local)


def _remove(local: bytes) -> bool:
    storage.remove(os.fsdecode(local))
    return False
