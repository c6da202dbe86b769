"""Teachers who look together at the frames of shards, and the labelling of one shard by them.

They are loaded once a process, here or in a worker; what they say of a shard depends on neither.
"""

import functools
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import tensorflow as tf

from soundnet_tf.data import records, shard_json, shard_reader, shards
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.elements import elements
from soundnet_tf.data.manifest import Shard
from soundnet_tf.data.settings import LabelConfig
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher

Sight = Callable[[tf.Tensor], dict[str, tf.Tensor]]
Rows = Iterator[dict[str, np.ndarray]]


class Panel:
    """Loaded teachers.

    Attributes:
        teachers: by head, what of them is kept with the shards.
    """

    def __init__(self, specs: Mapping[str, str], precision: str):
        """Args: specs: by head, as of `load_teacher`; precision: of all. Raises: as that."""
        loaded = {head: load_teacher(spec, precision) for head, spec in specs.items()}
        self.teachers = {
            head: CachedTeacher(t.name, t.fingerprint, t.labels) for head, t in loaded.items()
        }
        self._sights = functools.cache(lambda heads: _sight({h: loaded[h] for h in heads}))

    def sight(self, heads: tuple[str, ...]) -> Sight:
        """What the teachers of these heads see, compiled once."""
        return self._sights(heads)


def shard_of(directory: str, name: str) -> Shard:
    """What the JSON of a shard says of it now. Raises FileNotFoundError if there is none."""
    return Shard(**shard_json.read_known(directory, name)["shard"])


def lacking(shard: Shard, teachers: Mapping[str, CachedTeacher]) -> dict[str, CachedTeacher]:
    """Those of the teachers of whom a shard has no posteriors."""
    return {head: t for head, t in teachers.items() if shard.teachers.get(head) != t.labelling}


def label_shard(
    config: LabelConfig, shard: Shard, panel: Panel, after_clip: Callable[[], object] = lambda: None
) -> None:
    """Writes the posteriors that a shard lacks into it: a new file takes its place, then its JSON.

    Args:
        config: where it lies, and how many frames are looked at at once.
        shard: what its JSON says of it.
        panel: who looks.
        after_clip: called after each clip.

    Raises:
        ValueError: it is damaged, or a teacher gives numbers that are not finite.
    """
    path = os.path.join(config.data, shard.name)
    teachers = lacking(shard, panel.teachers)
    rows = _rows(path, panel.sight(tuple(teachers)), config.batch_frames)
    clips = _labelled_clips(path, teachers, rows, after_clip)
    labellings = {head: teacher.labelling for head, teacher in teachers.items()}
    try:
        shards.rewrite_shard(config.data, shard, clips, shard.teachers | labellings)
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"{path} is damaged ({error.message}); remove it and prepare {config.data} again"
        ) from error


def _sight(teachers: Mapping[str, Teacher]) -> Sight:
    """What the teachers see in frames (uint8 [n, *SQUARE]), compiled: head to float32 [n, classes].
    One graph for batches of all sizes, so that posteriors don't depend on what was seen before."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, *records.SQUARE.shape], tf.uint8)], autograph=False
    )
    def see(squares):
        return {head: teacher(squares[tf.newaxis])[0] for head, teacher in teachers.items()}

    return see


def _rows(path: str, see: Sight, batch_frames: int) -> Rows:
    """What is seen in each frame of a shard, in order: head to float16 [classes]."""
    jpegs = shard_reader.read(path).flat_map(
        lambda clip: tf.data.Dataset.from_tensor_slices(records.parse_jpegs(clip))
    )
    squares = jpegs.map(records.decode_square, num_parallel_calls=tf.data.AUTOTUNE)
    for batch in elements(squares.batch(batch_frames).prefetch(2)):
        seen = {head: values.numpy() for head, values in see(batch).items()}
        for head, values in seen.items():
            if not np.isfinite(values).all():
                raise ValueError(f"the {head} teacher gives numbers that are not finite in {path}")
        seen = {head: values.astype(np.float16) for head, values in seen.items()}
        yield from ({head: seen[head][i] for head in seen} for i in range(len(batch)))


def _labelled_clips(
    path: str,
    teachers: Mapping[str, CachedTeacher],
    rows: Rows,
    after_clip: Callable[[], object],
) -> Iterator[ClipRecord]:
    """The clips of a shard with their rows, posteriors of other heads as they were."""
    for serialized in shard_reader.each(path):
        clip = records.decode(serialized)
        seen = list(itertools.islice(rows, len(clip.jpegs)))
        new = {
            head: Posteriors(t.name, t.fingerprint, np.stack([row[head] for row in seen]))
            for head, t in teachers.items()
        }
        yield replace(clip, posteriors={**clip.posteriors, **new})
        after_clip()
