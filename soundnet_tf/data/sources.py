"""Where serialized clips come from: shards that were prepared, or videos decoded on the fly."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import cached, clips, records
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, LeftOut, Run, Video
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import PCM16, Cutting
from soundnet_tf.data.videos import TRAIN, VAL, find_videos, split_and_shard
from soundnet_tf.data.workers import Workers
from soundnet_tf.files import storage
from soundnet_tf.files.progress import progress_bar

_INTERLEAVED_SHARDS = 16


@dataclass(frozen=True)
class Source:
    """A set of clips.

    Attributes:
        count: clips that one pass gives.
        frame_every_secs: time between the frames of a clip.
        read: gives a dataset of serialized records (string []), in the source's own order for None,
            or in an order drawn from a seed, int64 [2].
        teachers: by head, whose posteriors all the clips hold.
        audio_codec: of all the clips.
    """

    count: int
    frame_every_secs: float
    read: Callable[[tf.Tensor | None], tf.data.Dataset]
    teachers: Mapping[str, CachedTeacher] = field(default_factory=dict)
    audio_codec: str = PCM16


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
    paths = [os.path.join(manifest.directory, shard.name) for shard in shards]
    return Source(
        count=sum(shard.clips for shard in shards),
        frame_every_secs=manifest.settings["frame_every_secs"],
        read=functools.partial(_read_shards, paths),
        teachers=cached.teachers_of(manifest.directory, shards),
        audio_codec=manifest.settings.get("audio_codec", PCM16),
    )


def from_videos(
    videos: Sequence[Video],
    cutting: Cutting = Cutting(),
    workers: int | None = None,
    progress: bool = True,
) -> Source:
    """The clips of videos, decoded by worker processes each time they are read.

    Every pass gives `count` clips, although some stretch may turn out to be unusable (silent,
    damaged) only when it is decoded: a training pass then reads another one a second time; in the
    source's own order the clip has no frames, so that nothing is asked of it.

    Args:
        videos: what `videos.find_videos` found, or some of it.
        cutting: how they are cut into clips.
        workers: processes; None takes one a core.
        progress: whether to show on stderr how the videos are planned.

    Raises:
        ValueError: no video can be used; says why the first ones cannot.
    """
    workers = workers or os.cpu_count()
    plan = functools.partial(clips.plan, cutting=cutting)
    with Workers(workers) as pool:
        planned = pool.map(plan, videos, clips.plan_crashed)
        planned = progress_bar(len(videos), "planning", "video", progress, items=planned)
        runs = [run for _, runs_of_video in planned for run in runs_of_video]
    problems = [f"{run.video.id}: {run.problem}" for run in runs if run.problem]
    for problem in problems:
        logging.warning("skipped %s", problem)
    starts = [
        Run(run.video, (start_secs,), last=True) for run in runs for start_secs in run.starts_secs
    ]
    if not starts:
        raise ValueError(f"none of {len(videos)} videos gives a clip ({'; '.join(problems[:3])})")

    def read(seed):
        decode = functools.partial(_decode, starts, cutting, workers)
        spec = tf.TensorSpec([], tf.string)
        arguments = () if seed is None else (seed,)
        return tf.data.Dataset.from_generator(decode, output_signature=spec, args=arguments)

    return Source(len(starts), cutting.frame_every_secs, read)


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


def repeated(source: Source, passes: int) -> Source:
    """A source that gives all clips so many times in a training pass, each time in another order.
    In its own order it gives them once, and `count` is not of that."""

    def read(seed):
        if seed is None:
            return source.read(None)
        seeds = [
            seed,
            *(tf.random.experimental.stateless_fold_in(seed, i) for i in range(1, passes)),
        ]
        first, *others = map(source.read, seeds)
        return functools.reduce(tf.data.Dataset.concatenate, others, first)

    return dataclasses.replace(source, count=source.count * passes, read=read)


def order_seed(seed: tf.Tensor) -> tf.Tensor:
    """One int64 seed, as Dataset.shuffle wants it, from a pair."""
    return tf.random.stateless_uniform([], seed, maxval=tf.int64.max, dtype=tf.int64)


def _read_shards(paths: list[str], seed: tf.Tensor | None) -> tf.data.Dataset:
    if seed is None:
        return tf.data.TFRecordDataset(paths)
    shards = tf.data.Dataset.from_tensor_slices(paths).shuffle(
        len(paths), seed=order_seed(seed), reshuffle_each_iteration=False
    )
    return shards.interleave(
        tf.data.TFRecordDataset,
        cycle_length=min(_INTERLEAVED_SHARDS, len(paths)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _decode(starts: list[Run], cutting: Cutting, workers: int, seed=None) -> Iterator[bytes]:
    """Serialized clips, in order; with a seed exactly as many as there are starts."""
    order = starts
    if seed is not None:
        rng = np.random.default_rng(np.asarray(seed).astype(np.uint64))
        order = [starts[i] for i in rng.permutation(len(starts))]
    given = 0
    with Workers(workers) as pool:
        cut = functools.partial(clips.cut, cutting=cutting)
        while True:
            before = given
            for run, (outcome,) in pool.map(cut, order, clips.cut_crashed):
                if isinstance(outcome, LeftOut) and seed is not None:
                    continue
                given += 1
                yield records.encode(outcome if isinstance(outcome, ClipRecord) else _blank(run))
                if given == len(starts):
                    return
            if given == before:
                raise ValueError(f"none of {len(starts)} stretches of video gives a clip")


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
