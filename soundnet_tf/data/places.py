"""Where in its shard every clip lies, so that any of them can be read without the others."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from soundnet_tf.data import shard_json, shard_reader
from soundnet_tf.data.manifest import Shard
from soundnet_tf.data.shard_reader import FRAME_BYTES
from soundnet_tf.files import storage
from soundnet_tf.files.progress import progress_bar


class Places(NamedTuple):
    """Of clips in the order of shards, and of each in its own.

    Attributes:
        paths: string [shards].
        shards: int32 [clips], the number of a clip's shard.
        offsets: int64 [clips], the byte at which its record begins.
        lengths: int64 [clips], bytes of its record, with what is around it.
    """

    paths: np.ndarray
    shards: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray


def places_of(directory: str, shards: Sequence[Shard], progress: bool = True) -> Places:
    """The places of all clips of some shards of a prepared folder.

    A shard whose JSON does not tell, since an earlier version wrote it, is read through.

    Raises:
        FileNotFoundError: a shard has no JSON.
        ValueError: a JSON that does not fit its shard; says what to do.
    """
    known = [shard_json.read_known(directory, shard.name).get("clip_bytes") for shard in shards]
    paths = [os.path.join(directory, shard.name) for shard in shards]
    old = sum(shard.bytes for shard, found in zip(shards, known, strict=True) if found is None)
    with progress_bar(old, "finding clips", "B", progress and bool(old), leave=False) as bar:
        for i, found in enumerate(known):
            if found is None:
                known[i] = _read_through(paths[i])
                bar.update(shards[i].bytes)
    for shard, found in zip(shards, known, strict=True):
        _check(directory, shard, found)
    lengths = [np.array(found, np.int64) + FRAME_BYTES for found in known]
    return Places(
        np.array(paths, dtype=np.bytes_),
        np.repeat(np.arange(len(shards), dtype=np.int32), [len(each) for each in lengths]),
        np.concatenate([np.cumsum(each) - each for each in lengths]),
        np.concatenate(lengths),
    )


def find_damage(places: Places, message: str) -> str | None:
    """Which record a DataLossError of TensorFlow is about, in words; None: of none of these clips.

    Args:
        places: of the clips.
        message: such as "corrupted record at 4064": where the record begins, or what follows on
            its length (12 bytes). Only records that begin there are read.
    """
    numbers = [int(number) for number in re.findall(r"record at (\d+)", message)]
    begins = [number - before for number in numbers for before in (0, shard_reader.HEADER_BYTES)]
    for clip in np.flatnonzero(np.isin(places.offsets, begins)):
        path = os.fsdecode(places.paths[places.shards[clip]])
        offset, length = int(places.offsets[clip]), int(places.lengths[clip])
        with storage.open_file(path, "rb") as file:
            file.seek(offset)
            if not shard_reader.is_whole(file.read(length)):
                return shard_reader.damage(path, offset)
    return None


def _read_through(path: str) -> list[int]:
    return [int(size) for size in shard_reader.each(path, tf.strings.length)]


def _check(directory: str, shard: Shard, found: Iterable[int]) -> None:
    found = list(found)
    if len(found) != shard.clips or sum(found) + FRAME_BYTES * len(found) != shard.bytes:
        raise ValueError(
            f"{os.path.join(directory, shard.name)} is not as its JSON says: remove both and "
            "prepare it again"
        )
