"""Where serialized clips come from: shards that were prepared, or videos decoded on the fly."""

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import cached, clips, places, planning, records, shard_reader
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, LeftOut, Run, Video
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.places import Places
from soundnet_tf.data.settings import PCM16, Cutting
from soundnet_tf.data.videos import TRAIN, VAL, find_videos, split_and_shard
from soundnet_tf.data.workers import Workers
from soundnet_tf.files import storage
from soundnet_tf.files.progress import progress_bar

_READ_AT_ONCE = 16  # clips


@dataclass(frozen=True)
class Source:
    """A set of clips.

    Attributes:
        count: how many.
        frame_every_secs: time between the frames of a clip.
        read: gives a dataset of the serialized records (string []) of clips with these numbers from
            0, int64 [n], in the order given. For a clip that turns out to be unusable another one
            is given if the second argument is true; else it has no frames.
        teachers: by head, whose posteriors all the clips hold.
        audio_codec: of all the clips.
        places: of clips in shards.
        sha256: by which these clips are told from others: of the shards' content, or of the
            videos' names and sizes with the clips' starts.
    """

    count: int
    frame_every_secs: float
    read: Callable[[tf.Tensor, bool], tf.data.Dataset]
    teachers: Mapping[str, CachedTeacher] = field(default_factory=dict)
    audio_codec: str = PCM16
    places: Places | None = None
    sha256: str | None = None


@contextlib.contextmanager
def damage_named(*some: Source) -> Iterator[None]:
    """Within it a damaged record of these sources is a ValueError that names its shard, itself and
    what to do; TensorFlow's own error tells but the byte."""
    try:
        yield
    except tf.errors.DataLossError as error:
        for source in some:
            if source.places and (said := places.find_damage(source.places, error.message)):
                raise ValueError(said) from error
        raise


def from_records(pattern: str) -> Source:
    """The clips of prepared shards.

    Args:
        pattern: of shards in one prepared folder, such as "DIR/train-*".

    Raises:
        FileNotFoundError: nothing matches, or the folder is not (wholly) prepared.
    """
    manifest = load_manifest(os.path.dirname(pattern))
    matching = set(map(os.path.basename, storage.glob(pattern)))
    shards = [
        shard
        for split in manifest.splits.values()
        for shard in split.shards
        if shard.name in matching and shard.clips
    ]
    if not shards:
        raise FileNotFoundError(f"no shard with clips matches {pattern}")
    found = places.places_of(manifest.directory, shards)
    return Source(
        count=sum(shard.clips for shard in shards),
        frame_every_secs=manifest.settings["frame_every_secs"],
        read=functools.partial(_read_shards, found),
        teachers=cached.teachers_of(manifest.directory, shards),
        audio_codec=manifest.settings.get("audio_codec", PCM16),
        places=found,
        sha256=_sha256([shard.sha256 for shard in shards]),
    )


def from_videos(
    videos: Sequence[Video],
    cutting: Cutting = Cutting(),
    workers: int | None = None,
    progress: bool = True,
) -> Source:
    """The clips of videos, decoded by worker processes each time they are read.

    Some stretch may turn out to be unusable (silent, damaged) only when it is decoded. In training
    the next one that can be used stands in its place; else it is a clip without frames, of which
    nothing is asked.

    Args:
        videos: what `videos.find_videos` found, or some of it.
        cutting: how they are cut into clips.
        workers: processes; None takes one a core.
        progress: whether to show on stderr how the videos are planned.

    Raises:
        ValueError: no video can be used; says why the first ones cannot.
    """
    workers = workers or os.cpu_count()
    plan = functools.partial(planning.plan, cutting=cutting)
    with Workers(workers, cutting.limits) as pool:
        planned = pool.map(plan, videos, planning.plan_failed)
        planned = progress_bar(len(videos), "planning", "video", progress, items=planned)
        runs = [run for _, runs_of_video in planned for run in runs_of_video]
    problems = [f"{run.video.id}: {run.problem}" for run in runs if run.problem]
    problems += [f"{run.video.id}: {span.reason}" for run in runs for span in run.left_out]
    for problem in problems:
        logging.warning("skipped %s", problem)
    starts = [
        Run(run.video, (start_secs,), last=True) for run in runs for start_secs in run.starts_secs
    ]
    if not starts:
        raise ValueError(f"none of {len(videos)} videos gives a clip ({'; '.join(problems[:3])})")

    def read(numbers, usable_only):
        decode = functools.partial(_decode, starts, cutting, workers, usable_only)
        spec = tf.TensorSpec([], tf.string)
        return tf.data.Dataset.from_generator(decode, output_signature=spec, args=(numbers,))

    told = [(run.video.id, run.video.identity.bytes, *run.starts_secs) for run in starts]
    return Source(len(starts), cutting.frame_every_secs, read, sha256=_sha256(told))


def _sha256(told: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def open_sources(config: SourceConfig) -> tuple[Source, Source]:
    """Training and validation clips.

    Raises:
        FileNotFoundError: there is nothing there.
        ValueError: a split is empty.
    """
    if config.data:
        return from_prepared(config.data)
    found = find_videos(config.videos)
    return from_videos_split(found, config.val_fraction, config.cutting, config.workers)


def from_prepared(folder: str) -> tuple[Source, Source]:
    """Training and validation clips of a prepared folder.

    Raises:
        FileNotFoundError: the folder is not prepared, or a split has no clips.
    """
    return tuple(from_records(os.path.join(folder, f"{split}-*")) for split in (TRAIN, VAL))


def from_videos_split(
    videos: Sequence[Video], val_fraction: float, cutting: Cutting, workers: int | None = None
) -> tuple[Source, Source]:
    """Training and validation clips of videos, divided as `prepare` would divide them.

    Raises:
        ValueError: a split has no video, or none that can be used.
    """
    members = {TRAIN: [], VAL: []}
    for video in videos:
        split, _ = split_and_shard(video.id, val_fraction, {TRAIN: 1, VAL: 1})
        members[split].append(video)
    for split, chosen in members.items():
        if not chosen:
            raise ValueError(
                f"of {len(videos)} videos none falls into {split!r} with a validation fraction of "
                f"{val_fraction}; give more videos, or another fraction"
            )
    return tuple(from_videos(members[split], cutting, workers) for split in (TRAIN, VAL))


def _read_shards(found: Places, numbers: tf.Tensor, _: bool) -> tf.data.Dataset:
    paths, shards, offsets, lengths = (tf.constant(values) for values in found)

    def one(number):
        # The operation behind TFRecordDataset, which has no argument for where to begin.
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=paths[shards[number]][None],
            compression_type="",
            buffer_size=lengths[number],  # one request, where it is far
            byte_offsets=offsets[number][None],
        )
        record = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
        return shard_reader.never_missing(record, paths[shards[number]], offsets[number])

    wanted = tf.data.Dataset.from_tensor_slices(numbers)
    if any(map(storage.is_remote, map(os.fsdecode, found.paths))):
        return wanted.map(
            lambda number: shard_reader.read_at(
                paths[shards[number]], offsets[number], lengths[number]
            ),
            num_parallel_calls=_READ_AT_ONCE,
            deterministic=True,
        )
    return wanted.interleave(
        one,
        cycle_length=_READ_AT_ONCE,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _decode(
    starts: list[Run], cutting: Cutting, workers: int, usable_only: bool, numbers
) -> Iterator[bytes]:
    """Serialized clips of these numbers, in their order."""
    with Workers(workers, cutting.limits) as pool:
        cut = functools.partial(clips.cut, cutting=cutting)

        def outcomes(chosen):
            return pool.map(cut, (starts[number] for number in chosen), clips.cut_failed)

        for number, (run, (outcome,)) in zip(numbers, outcomes(numbers), strict=True):
            if usable_only and isinstance(outcome, LeftOut):
                others = (np.arange(1, len(starts)) + number) % len(starts)
                found = (other for _, (other,) in map(next, map(outcomes, others[:, None])))
                outcome = next((o for o in found if isinstance(o, ClipRecord)), None)
                if outcome is None:
                    raise ValueError(f"none of {len(starts)} stretches of video gives a clip")
            yield records.encode(outcome if isinstance(outcome, ClipRecord) else _blank(run))


def _blank(run: Run) -> ClipRecord:
    """A second of silence without frames, in the place of an unusable stretch."""
    (start_secs,) = run.starts_secs
    return ClipRecord(
        id=f"{run.video.id}@{start_secs:.3f}",
        video_id=run.video.id,
        start_secs=start_secs,
        audio=bytes(2 * SAMPLE_RATE),
        sample_count=SAMPLE_RATE,
        jpegs=(),
        frame_secs=(),
    )
