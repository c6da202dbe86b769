"""Bytes of shards that change, in every part of a record, and shards that end too early: whoever
reads names the shard, the record and what to do, and gives nothing that was not written.

A record is framed by its length (8 bytes), the checksum of that (4), and after it its own (4).
"""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.data import places, shard_reader, sources
from soundnet_tf.data.manifest import Shard
from soundnet_tf.data.sources import _read_shards

RECORDS = [bytes([65 + i]) * size for i, size in enumerate((5, 300, 0, 2100))]
FRAMED = [16 + len(record) for record in RECORDS]
STARTS = np.cumsum([0, *FRAMED]).tolist()
PARTS = {"length": 0, "checksum of the length": 9, "record": 12, "last of the record": -5}
PARTS |= {"checksum": -4, "last byte": -1}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("shard") / "whole"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    return path.read_bytes()


@pytest.fixture
def shard(tmp_path):
    return tmp_path / "train-00000-of-00001.tfrecord"


def flipped(content: bytes, at: int, mask: int = 1) -> bytes:
    return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


def in_turn(shard: Path) -> list[bytes]:
    """All records as training reads them, each by its place."""
    sizes = [len(record) for record in RECORDS]
    known = Shard(shard.name, 1, len(RECORDS), 1.0, STARTS[-1], "")
    content = {"settings": {}, "inputs": [], "shard": asdict(known), "clip_bytes": sizes}
    content |= {"skipped": [], "left_out": []}
    shard.with_suffix(".json").write_text(json.dumps(content))
    of_shard = places.places_of(str(shard.parent), [known], progress=False)
    numbers = tf.range(len(RECORDS), dtype=tf.int64)
    source = sources.Source(len(RECORDS), 1.0, partial(_read_shards, of_shard), places=of_shard)
    with sources.damage_named(source):
        return list(source.read(numbers, False).as_numpy_iterator())


def test_what_is_whole_is_read(whole, shard):
    shard.write_bytes(whole)
    assert [*shard_reader.each(str(shard))] == in_turn(shard) == RECORDS
    for start, size in zip(STARTS, FRAMED, strict=False):
        assert shard_reader.is_whole(whole[start : start + size])


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_byte_in_any_part_is_seen_and_named(whole, shard, part):
    """Of the second record, and of the last one."""
    for number in (1, 3):
        begin, end = STARTS[number : number + 2]
        shard.write_bytes(flipped(whole, (end if PARTS[part] < 0 else begin) + PARTS[part]))
        read = []
        named = rf"of-00001.tfrecord is damaged \(record {number}, counted from 0: .*; remove it"
        with pytest.raises(ValueError, match=named):
            read.extend(shard_reader.each(str(shard)))
        assert read == RECORDS[:number]
        named = rf"of-00001.tfrecord is damaged \(the record at byte {begin}\); remove it and prep"
        with pytest.raises(ValueError, match=named):
            in_turn(shard)
        assert not shard_reader.is_whole(shard.read_bytes()[begin:end])


@given(at=st.integers(0, STARTS[-1] - 1), mask=st.integers(1, 255))
def test_no_changed_byte_is_read_as_if_it_were_whole(whole, at, mask):
    """A CRC-32C finds every change within 32 bits that follow each other."""
    number = int(np.searchsorted(STARTS, at, side="right")) - 1
    begin, end = STARTS[number : number + 2]
    assert not shard_reader.is_whole(flipped(whole, at, mask)[begin:end])


@pytest.mark.parametrize("cut", [*(STARTS[2] + more for more in (-1, 1, 11, 12, 15)), 20, 3, 0])
def test_a_shard_that_ends_too_early_is_named(whole, shard, cut):
    """Within a record's length TensorFlow takes the end for the file's: it gives no error."""
    shard.write_bytes(whole[:cut])
    errors = (tf.errors.InvalidArgumentError, ValueError)
    with pytest.raises(errors, match=r"is damaged \(the record at byte"):
        in_turn(shard)
    if cut in STARTS:
        return  # whole records, as any shard has: how many, its JSON knows
    with pytest.raises(ValueError, match=r"of-00001.tfrecord is damaged .*; remove it and prepare"):
        list(shard_reader.each(str(shard)))


def test_a_shard_that_goes_while_it_is_read_is_named(whole, shard):
    shard.write_bytes(whole)
    assert in_turn(shard) == RECORDS
    shard.unlink()
    with pytest.raises(tf.errors.NotFoundError, match=r"of-00001.tfrecord; No such file"):
        in_turn(shard)


def test_the_checksum_is_the_one_that_tensorflow_writes(tmp_path):
    """It masks the CRC-32C; that of the digits 1 to 9 is 0xE3069283 (RFC 3720)."""
    path = tmp_path / "one"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"123456789")
    written = int.from_bytes(path.read_bytes()[-4:], "little")
    rotated = (written - 0xA282EAD8) % 2**32
    assert (rotated << 15 | rotated >> 17) % 2**32 == 0xE3069283
    assert shard_reader.masked_crc32c(b"123456789") == written


@pytest.mark.parametrize("part", PARTS)
def test_a_record_in_a_bucket_is_checked_against_its_checksums(whole, monkeypatch, part):
    begin, end = STARTS[1:3]
    at = (end if PARTS[part] < 0 else begin) + PARTS[part]
    for content, is_whole in ((whole, True), (flipped(whole, at), False)):
        monkeypatch.setattr(
            shard_reader.remote, "read_range", lambda path, a, b, _, content=content: content[a:b]
        )
        if is_whole:
            assert shard_reader._read_at(b"s3://b/x", begin, FRAMED[1]) == RECORDS[1]
            continue
        with pytest.raises(ValueError, match=rf"^s3://b/x is damaged \(the record at byte {begin}"):
            shard_reader._read_at(b"s3://b/x", begin, FRAMED[1])
