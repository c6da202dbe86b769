"""Contestants that train: the distiller's step, and the same of plain Keras layers."""

import itertools
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from benchmark import material
from soundnet_tf import constants
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.records import posteriors_key
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import FLOAT32
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.training import losses
from soundnet_tf.training.cluster import alone
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.optimizer import build_optimizer
from soundnet_tf.training.settings import DistillConfig, OptimizerConfig
from soundnet_tf.training.steps import compiled

_MANY_STEPS = 1_000_000  # the schedule is constant; its length does not matter

Batch = Mapping[str, tf.Tensor]


def plain_step(batch_size: int, clip_secs: float) -> Callable[[], float]:
    """Contestant: a step of plain Keras layers and Keras's Adam, compiled by `tf.function`."""
    student = students.SoundNet8(plain_layers=True)
    optimizer = keras.optimizers.Adam(OptimizerConfig().learning_rate)
    batch = fixed_batch(batch_size, clip_secs)
    targets = distiller(student, cached_teachers()).targets(batch)

    @tf.function
    def step(waveform, targets):
        with tf.GradientTape() as tape:
            loss = kl_loss(student(waveform, training=True), targets)
        gradients = tape.gradient(loss, student.trainable_variables)
        optimizer.apply(gradients, student.trainable_variables)
        return loss

    return lambda: float(step(batch["waveform"], targets))


def bare_steps(
    batch_size: int, clip_secs: float, count: int, precision: str = FLOAT32
) -> Callable[[], float]:
    """Contestant: steps of a distiller on one batch that holds its targets."""
    batch = fixed_batch(batch_size, clip_secs)
    with standard_settings(precision):
        student = students.SoundNet8()
    ours = distiller(student, cached_teachers())
    return steps(ours, itertools.repeat(batch), count)


def distiller(student: keras.Model, teachers: Mapping[str, Teacher | CachedTeacher]) -> Distiller:
    """A distiller that is ready to train, as `training.loop` makes it."""
    made = Distiller(student, teachers, DistillConfig())
    made.compile(optimizer=build_optimizer(OptimizerConfig(), _MANY_STEPS, made.heads))
    made.optimizer.build(made.trainable_variables)
    return made


def steps(distiller: Distiller, batches: Iterable[Batch], count: int) -> Callable[[], float]:
    """Takes `count` steps at each call, always on the next batches; gives the loss."""
    rest, step = iter(batches), compiled(distiller, alone())

    def run():
        for _ in range(count):
            metrics = step(next(rest))
        return float(metrics["loss"])

    return run


def fixed_batch(batch_size: int, clip_secs: float, seed: int = 0) -> Batch:
    """A batch of noise with random posteriors, as of the pipeline with cached targets."""
    waveform = material.noise(batch_size, clip_secs, seed)
    frame_secs = np.arange(0, clip_secs, constants.FRAME_EVERY_SECS, dtype=np.float32)
    shape = [batch_size, len(frame_secs)]
    rng = np.random.default_rng(seed)
    batch = {
        "waveform": waveform,
        "lengths": np.full(batch_size, waveform.shape[1], np.int32),
        "frame_secs": np.broadcast_to(frame_secs, shape),
        "video": np.array([f"video {i}" for i in range(batch_size)]),
        "frame_mask": np.ones(shape, bool),
    }
    for head, classes in material.CLASSES.items():
        batch[posteriors_key(head)] = tf.nn.softmax(
            rng.normal(0, 3, (*shape, classes)).astype(np.float32)
        )
    return {name: tf.constant(values) for name, values in batch.items()}


def cached_teachers() -> dict[str, CachedTeacher]:
    """Whose the posteriors of `fixed_batch` are."""
    return {head: CachedTeacher("random", head, names) for head, names in material.LABELS.items()}


def kl_loss(logits, targets) -> tf.Tensor:
    """The sum of the heads' losses, as a distiller has it; `targets` as it gives them."""
    return tf.add_n(
        [losses.head_loss(seen, logits[head], mask) for head, (seen, mask) in targets.items()]
    )
