"""A prepared folder of clips that somebody has at hand, instead of videos: written at once, whole
or not at all."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import cached, manifest, records, shard_json
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.manifest import Manifest, Shard, Split
from soundnet_tf.data.shard_writer import ShardWriter
from soundnet_tf.data.videos import TRAIN, VAL
from soundnet_tf.files import atomic, identity, storage
from soundnet_tf.version import __version__


def write_folder(
    directory: str,
    shards: Mapping[str, Iterable[ClipRecord]],
    settings: Mapping,
    videos: str,
    teachers: Mapping[str, CachedTeacher],
) -> Manifest:
    """Writes shards, their JSONs, the teachers and the manifest, in place of what is there.

    Args:
        directory: local or remote.
        shards: name ("train-00000-of-00002.tfrecord", "val-...") to the clips.
        settings: for the manifest; `frame_every_secs` is read by whoever reads the clips.
        videos: what the clips were made of.
        teachers: by head, whose posteriors all clips hold.

    Raises:
        ValueError: a split without clips.
    """
    with atomic.new_folder(directory, manifest.MANIFEST_NAME) as folder:
        labellings = {head: teacher.labelling for head, teacher in teachers.items()}
        written = [_write(folder, name, clips, labellings) for name, clips in shards.items()]
        splits = {
            split: Split.of(tuple(shard for shard, _ in written if shard.name.startswith(split)))
            for split in (TRAIN, VAL)
        }
        if empty := [split for split, found in splits.items() if not found.clips]:
            raise ValueError(f"{directory}: no clips for {' and '.join(empty)}; give more of them")
        for shard, clip_bytes in written:
            content = {"settings": settings, "inputs": [], "shard": asdict(shard)}
            content |= {"clip_bytes": clip_bytes, "skipped": [], "left_out": [], "streams": []}
            shard_json.write(folder, shard.name, content)
        for teacher in teachers.values():
            cached.write_teacher(folder, teacher)
        manifest.write_manifest(Manifest(folder, __version__, videos, dict(settings), splits, ()))
    return manifest.load_manifest(directory)


def is_written(directory: str, settings: Mapping) -> bool:
    """Whether `write_folder` has written this folder, with these settings."""
    if not storage.exists(os.path.join(directory, manifest.MANIFEST_NAME)):
        return False
    return manifest.load_manifest(directory).settings == settings


def _write(folder: str, name: str, clips: Iterable[ClipRecord], labellings: Mapping):
    """The shard, and the bytes of each of its clips."""
    path = os.path.join(folder, name)
    samples, videos, clip_bytes = 0, set(), []
    with ShardWriter(path) as writer:
        for clip in clips:
            serialized = records.encode(clip)
            writer.write(serialized)
            clip_bytes.append(len(serialized))
            samples += clip.sample_count
            videos.add(clip.video_id)
    shard = Shard(
        name=name,
        videos=len(videos),
        clips=len(clip_bytes),
        seconds=samples / SAMPLE_RATE,
        bytes=storage.size(path),
        sha256=identity.sha256(path),
        teachers=dict(labellings),
    )
    return shard, clip_bytes
