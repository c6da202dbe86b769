"""Teachers look at every frame of a prepared folder once; what they say goes into its shards.

Shard by shard: a new file with the posteriors takes the place of the old one, then its JSON says
who labelled it. So a killed run goes on at the next shard, and `prepare` still finds its shards
finished.
"""

import functools
import itertools
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf.data import cached, manifest, records, shard_json, shard_reader, shards
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.manifest import Manifest, Shard
from soundnet_tf.data.settings import LabelConfig
from soundnet_tf.files import lock
from soundnet_tf.files.progress import Bar, progress_bar
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher

Sight = Callable[[tf.Tensor], dict[str, tf.Tensor]]
Rows = Iterator[dict[str, np.ndarray]]


@dataclass(frozen=True)
class Labelled:
    """What a run did: shards `written`, those of its part that were labelled `already`, those that
    are `left` to other parts."""

    teachers: dict[str, CachedTeacher]
    written: int
    already: int
    left: int


def label(config: LabelConfig, progress: bool = True) -> Labelled:
    """Writes the teachers' posteriors into the shards of a prepared folder.

    Frames are decoded as for training. Shards that hold a teacher's posteriors already are left
    untouched. The same teachers, machine and `batch_frames` give the same bytes, however often a
    run was killed. Until all shards are labelled the folder has no manifest and cannot be trained
    on; shards without clips need no label.

    Raises:
        FileNotFoundError: the folder is not prepared, or a teacher's file is not there.
        ValueError: a teacher that cannot be loaded or gives numbers that are not finite, or a
            damaged shard.
        HeldError: another run is writing there, other than one that labels another of `parts`.
    """
    manifest.load_for_labelling(config.data)  # there is nothing to hold where there is none
    with lock.hold_folder(config.data, "label", (config.part, config.parts)):
        return _label(config, progress)


def _label(config: LabelConfig, progress: bool) -> Labelled:
    known = manifest.load_for_labelling(config.data)
    shard_json.settle(config.data, {shard.name for shard in _mine(known, config)})
    known = shards.refreshed(known)
    loaded = {head: load_teacher(spec) for head, spec in config.teachers.items()}
    teachers = {h: CachedTeacher(t.name, t.fingerprint, t.labels) for h, t in loaded.items()}
    mine = _mine(known, config)
    todo = [shard for shard in mine if _lacking(shard, teachers)]
    _announce_replaced(todo, teachers)
    for teacher in teachers.values():
        cached.write_teacher(config.data, teacher)
    if todo:
        manifest.begin_labelling(known)
    sight = functools.cache(lambda heads: _sight({head: loaded[head] for head in heads}))
    clips = sum(shard.clips for shard in todo)
    with progress_bar(clips, "labelling", "clip", progress) as bar:
        for shard in todo:
            lacking = _lacking(shard, teachers)
            _label_shard(config, shard, lacking, sight(tuple(lacking)), bar)
    known = shards.refreshed(known)
    left = sum(bool(_lacking(shard, teachers)) for shard in _shards(known))
    if not left:
        manifest.end_labelling(known)
    return Labelled(teachers, len(todo), len(mine) - len(todo), left)


def summary(data: str, labelled: Labelled) -> str:
    """Who labelled what in the folder `data`, and what to run next."""
    lines = [f"{'head':<10}{'classes':>8}  {'fingerprint':<18}teacher"]
    for head, teacher in labelled.teachers.items():
        lines.append(f"{head:<10}{teacher.classes:>8}  {teacher.fingerprint:<18}{teacher.name}")
    lines.append(f"{labelled.written} shards labelled, {labelled.already} were already")
    if labelled.left:
        lines.append(
            f"{labelled.left} shards are left to the other parts; then the folder is complete"
        )
    else:
        lines.append(f"Next: bin/train.py --data={shlex.quote(data)} --out=RUN")
    return "\n".join(lines)


def _shards(known: Manifest) -> list[Shard]:
    return [shard for split in known.splits.values() for shard in split.shards if shard.clips]


def _mine(known: Manifest, config: LabelConfig) -> list[Shard]:
    return _shards(known)[config.part :: config.parts]


def _lacking(shard: Shard, teachers: Mapping[str, CachedTeacher]) -> dict[str, CachedTeacher]:
    """Those of the teachers of whom a shard has no posteriors."""
    return {head: t for head, t in teachers.items() if shard.teachers.get(head) != t.labelling}


def _announce_replaced(todo: list[Shard], teachers: Mapping[str, CachedTeacher]) -> None:
    for head, teacher in teachers.items():
        others = [shard.teachers[head] for shard in todo if head in shard.teachers]
        others = {t["fingerprint"]: t["teacher"] for t in others if t != teacher.labelling}
        for fingerprint, name in others.items():
            logging.warning("%s of %s (%s) give way to %s.", head, name, fingerprint, teacher)


def _sight(teachers: Mapping[str, Teacher]) -> Sight:
    """What the teachers see in frames (uint8 [n, *SQUARE]), compiled: head to float32 [n, classes].
    One graph for batches of all sizes, so that posteriors don't depend on what was seen before."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, *records.SQUARE.shape], tf.uint8)], autograph=False
    )
    def see(squares):
        return {head: teacher(squares[tf.newaxis])[0] for head, teacher in teachers.items()}

    return see


def _label_shard(
    config: LabelConfig, shard: Shard, teachers: Mapping[str, CachedTeacher], see: Sight, bar: Bar
) -> None:
    path = os.path.join(config.data, shard.name)
    rows = _rows(path, see, config.batch_frames)
    clips = _labelled_clips(path, teachers, rows, bar)
    labellings = {head: teacher.labelling for head, teacher in teachers.items()}
    try:
        shards.rewrite_shard(config.data, shard, clips, shard.teachers | labellings)
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"{path} is damaged ({error.message}); remove it and prepare {config.data} again"
        ) from error


def _rows(path: str, see: Sight, batch_frames: int) -> Rows:
    """What is seen in each frame of a shard, in order: head to float16 [classes]."""
    jpegs = shard_reader.read(path).flat_map(
        lambda clip: tf.data.Dataset.from_tensor_slices(records.parse_jpegs(clip))
    )
    squares = jpegs.map(records.decode_square, num_parallel_calls=tf.data.AUTOTUNE)
    for batch in squares.batch(batch_frames).prefetch(2):
        seen = {head: values.numpy() for head, values in see(batch).items()}
        for head, values in seen.items():
            if not np.isfinite(values).all():
                raise ValueError(f"the {head} teacher gives numbers that are not finite in {path}")
        seen = {head: values.astype(np.float16) for head, values in seen.items()}
        yield from ({head: seen[head][i] for head in seen} for i in range(len(batch)))


def _labelled_clips(
    path: str, teachers: Mapping[str, CachedTeacher], rows: Rows, bar: Bar
) -> Iterator[ClipRecord]:
    """The clips of a shard with their rows, posteriors of other heads as they were."""
    for serialized in shard_reader.read(path).as_numpy_iterator():
        clip = records.decode(serialized)
        seen = list(itertools.islice(rows, len(clip.jpegs)))
        new = {
            head: Posteriors(t.name, t.fingerprint, np.stack([row[head] for row in seen]))
            for head, t in teachers.items()
        }
        yield replace(clip, posteriors={**clip.posteriors, **new})
        bar.update()
