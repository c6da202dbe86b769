"""What a shard's writer says of disks that do not keep what they are given."""

import pytest
import tensorflow as tf

from soundnet_tf.data.shard_writer import ShardWriter


def test_records_are_those_that_were_written(tmp_path):
    path = str(tmp_path / "a.tfrecord")
    with ShardWriter(path) as writer:
        for record in (b"one", b""):
            writer.write(record)
    assert list(tf.data.TFRecordDataset(path).as_numpy_iterator()) == [b"one", b""]


def test_a_file_that_lost_what_was_written_is_named(tmp_path):
    """Another one took its place: of a record of 3 bytes and 16 around it nothing is there."""
    path = tmp_path / "a.tfrecord"
    with (
        pytest.raises(OSError, match=r"a.tfrecord has 0 bytes, 19 were written; the disk loses"),
        ShardWriter(str(path)) as writer,
    ):
        writer.write(b"one")
        path.unlink()
        path.touch()


def test_an_error_within_is_what_is_heard(tmp_path):
    path = tmp_path / "a.tfrecord"
    with pytest.raises(KeyError, match="first"), ShardWriter(str(path)) as writer:
        writer.write(b"one")
        path.unlink()
        raise KeyError("first")
