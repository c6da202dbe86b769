"""Serialized records of shards, local or in buckets, as datasets.

TensorFlow reads local files alone (see `files.remote`). A shard in a bucket is fetched whole when
its turn comes, by the threads that read ahead, and its copy goes when it has been read: Python runs
once a shard, not in the training step. The disk of TMPDIR has to hold the shards that are read at
the same time.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import google_crc32c
import tensorflow as tf

from soundnet_tf.data.elements import elements
from soundnet_tf.files import remote, scratch, storage

FRAME_BYTES = 16  # around a record in a TFRecord file: its length, that checksum, the record's
HEADER_BYTES = 12
_SIZE, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8  # by which TFRecord files tell a checksum from data
_REMEDY = "remove it and prepare its folder again (and label it again, if it was)"


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


def each(
    paths: str | Iterable[str], parse: Callable[[tf.Tensor], Any] | None = None
) -> Iterator[Any]:
    """Every record of shards in their order, or what `parse` makes of it in a graph, as NumPy has
    it.

    Raises:
        ValueError: a shard that is damaged, or cut off: also where TensorFlow takes what is left of
            a record for the file's end.
        tf.errors.OpError: one that is not there or cannot be fetched, or what `parse` refuses.
    """
    parsed = parse and tf.function(parse, input_signature=[tf.TensorSpec([], tf.string)])
    for path in [paths] if isinstance(paths, str) else paths:
        found, number = 0, 0
        try:
            for record in map(_as_numpy, elements(read(path))):
                number += 1
                found += len(record) + FRAME_BYTES
                yield _as_numpy(parsed(record)) if parsed else record
        except tf.errors.DataLossError as error:
            raise ValueError(
                f"{path} is damaged (record {number}, counted from 0: {error.message}); {_REMEDY}"
            ) from error
        size = storage.size(path)
        if size != found:
            raise ValueError(
                f"{path} is damaged (its {number} records have {found} bytes, the file {size}); "
                f"{_REMEDY}"
            )


def _as_numpy(values: Any) -> Any:
    return tf.nest.map_structure(lambda value: value.numpy(), values)


def read_at(path: tf.Tensor, offset: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """One record (string []) of a remote shard, by one request.

    Args:
        path: string [], of the shard.
        offset: int64 [], the byte at which the record's frame begins.
        length: int64 [], bytes of the record with its frame.
    """
    record = tf.numpy_function(_read_at, [path, offset, length], tf.string)
    return tf.ensure_shape(record, [])


def never_missing(record: tf.data.Dataset, path: tf.Tensor, offset: tf.Tensor) -> tf.data.Dataset:
    """A dataset of the one record (string []) of a shard, which begins at the byte `offset`, with
    an error in its place where the file ends before it: TensorFlow gives none then."""
    broken = tf.data.Dataset.from_tensors(path).map(lambda path: _refuse(path, offset))
    return record.take(1).concatenate(broken).take(1)


def _refuse(path: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    before, after = damage("", "\0").split("\0")
    text = tf.strings.join([path, before, tf.strings.as_string(offset), after])
    with tf.control_dependencies([tf.debugging.Assert(False, [text], summarize=1)]):
        return tf.constant("")


def _read_at(path: bytes, offset: int, length: int) -> bytes:
    framed = remote.read_range(os.fsdecode(path), int(offset), int(offset + length), None)
    if len(framed) != length or not is_whole(framed):
        raise ValueError(damage(os.fsdecode(path), offset))
    return framed[HEADER_BYTES : length - _CRC.size]


def damage(path: str, offset: int | str) -> str:
    """What to say of a record that cannot be read."""
    return f"{path} is damaged (the record at byte {offset}); {_REMEDY}"


def is_whole(framed: bytes) -> bool:
    """Whether these are the bytes of one record with its frame, as TensorFlow writes it: length
    (uint64), its checksum, the record, its checksum (uint32)."""
    if len(framed) < FRAME_BYTES or _SIZE.unpack_from(framed)[0] + FRAME_BYTES != len(framed):
        return False
    of_length, content = framed[: _SIZE.size], framed[HEADER_BYTES : -_CRC.size]
    sums = _CRC.unpack_from(framed, _SIZE.size) + _CRC.unpack_from(framed, len(framed) - _CRC.size)
    return sums == (masked_crc32c(of_length), masked_crc32c(content))


def masked_crc32c(content: bytes) -> int:
    """The checksum (CRC-32C) of bytes as TFRecord files have it, behind a length and a record."""
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


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
