"""A prepared folder of small clips with posteriors, of videos of which some have several."""

import dataclasses

import cached_records
import numpy as np

from soundnet_tf.data import folder
from soundnet_tf.data.manifest import Manifest


def clip(number, video):
    """3 s of noise, whose posteriors follow from its number."""
    values = {"objects": np.eye(3)[number % 3], "scenes": np.eye(2)[number % 2]}
    made = cached_records.clip(number, 3.0, values)
    return dataclasses.replace(made, video_id=video, id=f"{video}@{number}")


def write_folder(out, train, val, teachers=cached_records.TEACHERS) -> Manifest:
    """Args: the folder; names of videos, shard by shard; names for the one shard held out; by head,
    who labelled it."""
    numbers = iter(range(1000))
    shards = {
        f"train-{i:05d}-of-{len(train):05d}.tfrecord": [clip(next(numbers), v) for v in videos]
        for i, videos in enumerate(train)
    }
    shards["val-00000-of-00001.tfrecord"] = [clip(next(numbers), video) for video in val]
    settings = {"frame_every_secs": cached_records.EVERY_SECS}
    return folder.write_folder(str(out), shards, settings, "VIDEOS", teachers)
