"""Records of shards in buckets come as those of local ones, and no copy stays."""

import os

import pytest
import tensorflow as tf

from soundnet_tf.data import shard_reader
from soundnet_tf.files import remote, scratch


@pytest.fixture
def shards(tmp_path, bucket):
    """Three of 0, 2 and 3 records: their local paths and their remote ones."""
    near = [str(tmp_path / name) for name in "abc"]
    for path, count in zip(near, (0, 2, 3), strict=True):
        with tf.io.TFRecordWriter(path) as writer:
            for i in range(count):
                writer.write(f"{os.path.basename(path)}{i}")
    far = [f"s3://{bucket}/{name}" for name in "abc"]
    for local, path in zip(near, far, strict=True):
        remote.upload(local, path)
    return near, far


def read(dataset):
    return [record.decode() for record in dataset.as_numpy_iterator()]


def copies():
    return os.listdir(scratch._folder_of(os.getpid()))


def test_one_after_the_other(shards):
    before = copies()
    for paths in shards:
        assert read(shard_reader.read(paths)) == ["b0", "b1", "c0", "c1", "c2"]
        assert read(shard_reader.read(paths[1])) == ["b0", "b1"]
        assert read(shard_reader.read(paths).skip(3)) == ["c1", "c2"]
    assert copies() == before


def test_a_damaged_one_and_one_that_is_gone(shards):
    content = bytearray(remote.read_bytes(shards[1][2]))
    content[14] ^= 1
    remote.write_bytes(shards[1][2], bytes(content))
    with pytest.raises(tf.errors.DataLossError):
        read(shard_reader.read(shards[1]))
    remote.remove(shards[1][1])
    with pytest.raises(tf.errors.OpError, match=r"No such file or directory: 's3://.*/b'"):
        read(shard_reader.read(shards[1]))
