"""Serialized records of shards, local or in buckets, as datasets.

TensorFlow reads local files alone (see `files.remote`). A shard in a bucket is fetched whole when
its turn comes, by the threads that read ahead, and its copy goes when it has been read: Python runs
once a shard, not in the training step. The disk of TMPDIR has to hold the shards that are read at
the same time.
"""

import os
from collections.abc import Sequence

import tensorflow as tf

from soundnet_tf.files import remote, scratch, storage


def read(paths: str | Sequence[str]) -> tf.data.Dataset:
    """Records (string []) of one shard after the other.

    Raises, while it is read:
        tf.errors.DataLossError: a damaged shard.
        tf.errors.OpError: one that is not there or cannot be fetched.
    """
    paths = [paths] if isinstance(paths, str) else list(paths)
    if not any(map(storage.is_remote, paths)):
        return tf.data.TFRecordDataset(paths)
    return tf.data.Dataset.from_tensor_slices(paths).flat_map(reader(paths))


def reader(paths: Sequence[str]):
    """What gives a dataset of the records of any one of these shards, by its path (a tensor too),
    for `interleave` and `flat_map`."""
    return _fetched if any(map(storage.is_remote, paths)) else tf.data.TFRecordDataset


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
