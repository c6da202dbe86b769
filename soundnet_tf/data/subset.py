"""Fewer clips of a prepared folder, to see what more of them are worth: nested, by whole videos."""

import collections
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import tensorflow as tf

from soundnet_tf.data import cached, folder, manifest, records, shard_reader
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.manifest import Manifest
from soundnet_tf.data.videos import TRAIN

SMALLEST_CLIPS = 30
LEAST_SIZES = 4


def sizes(clips: int) -> tuple[int, ...]:
    """How many clips to take, rising by one factor of at most 2.4 or so to all there are.

    Args:
        clips: all; the smallest number is SMALLEST_CLIPS, of fewer than twice as many an eighth.

    Raises:
        ValueError: too few for LEAST_SIZES different numbers.
    """
    smallest = SMALLEST_CLIPS if clips >= 2 * SMALLEST_CLIPS else max(clips // 8, 1)
    count = max(LEAST_SIZES, 1 + round(np.log2(clips / smallest))) if clips else 0
    found = tuple(sorted({round(size) for size in np.geomspace(smallest, max(clips, 1), count)}))
    if len(found) < LEAST_SIZES:
        raise ValueError(
            f"{clips} training clips are too few for {LEAST_SIZES} sizes; prepare more videos"
        )
    return found


def clips_of_videos(known: Manifest) -> dict[str, int]:
    """How many training clips each video of a prepared folder has."""
    schema = {records.VIDEO_ID: tf.io.FixedLenFeature([], tf.string)}
    ids = shard_reader.each(
        known.shard_paths(TRAIN),
        lambda clip: tf.io.parse_single_example(clip, schema)[records.VIDEO_ID],
    )
    return dict(collections.Counter(id.decode() for id in ids))


def choose(clips: Mapping[str, int], size: int, seed: int) -> tuple[str, ...]:
    """Videos that have `size` clips together, or as few more as whole videos allow.

    What is chosen for a size is among what is chosen for every larger one.

    Args:
        clips: video id to its number of clips.
        size: at most all.
        seed: of the order in which videos are taken.
    """
    order = sorted(clips, key=lambda id: hashlib.sha256(f"{seed} {id}".encode()).digest())
    ends = np.cumsum([clips[id] for id in order])
    return tuple(order[: int(np.searchsorted(ends, size)) + 1])


def write_subset(known: Manifest, videos: Collection[str], out: str) -> Manifest:
    """A prepared folder with the training clips of these videos, and all that are held out.

    A folder that is there already is left alone.

    Args:
        known: of the prepared folder.
        videos: ids.
        out: local folder.
    """
    of_videos = clips_of_videos(known)
    clips = sum(of_videos[id] for id in videos)
    shards = {split: found.shards for split, found in known.splits.items()}
    content = json.dumps([sorted(videos), [s.sha256 for found in shards.values() for s in found]])
    settings = known.settings | {
        "subset_clips": clips,
        "subset_of": hashlib.sha256(content.encode()).hexdigest(),
    }
    if folder.is_written(out, settings):
        return manifest.load_manifest(out)
    kept = {
        shard.name: _clips(os.path.join(known.directory, shard.name), videos)
        if split == TRAIN
        else _clips(os.path.join(known.directory, shard.name))
        for split, found in shards.items()
        for shard in found
    }
    labelled = [shard for found in shards.values() for shard in found if shard.clips]
    teachers = cached.teachers_of(known.directory, labelled)
    return folder.write_folder(out, kept, settings, known.videos, teachers)


def _clips(path: str, videos: Collection[str] | None = None) -> Iterator[ClipRecord]:
    for clip in map(records.decode, shard_reader.each(path)):
        if videos is None or clip.video_id in videos:
            yield clip
