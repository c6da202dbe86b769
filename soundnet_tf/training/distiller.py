"""Teacher networks see the frames, the student hears the sound and learns to agree."""

import time
from collections.abc import Mapping

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.records import posteriors_key
from soundnet_tf.models import student as students
from soundnet_tf.models.masking import masked_call
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.models.training_pass import training_pass
from soundnet_tf.training import alignment, losses
from soundnet_tf.training.mixing import mix
from soundnet_tf.training.pairs import ShuffledPairs, other_videos_targets
from soundnet_tf.training.settings import DistillConfig


class Distiller(keras.Model):
    """Trains a student to predict from sound what the teachers see.

    A batch is a dict (see `data.pipeline`): `video` string [batch], `waveform` float32 [batch,
    samples] in [-1, 1], `lengths` int32 [batch], `frames` uint8 [batch, frames, height, width, 3],
    `frame_secs` float32 [batch, frames], `frame_mask` bool [batch, frames]. For a head whose
    teacher has labelled the shards there is `posteriors/<head>` float32 [batch, frames, classes];
    `frames` are for the other teachers. Losses are the same either way, but for the float16 of the
    shards.

    Metrics: `loss`, what is minimised; for every head `kl_*`, KL(teacher || student) in nats a
    step, and `agreement_*`, how often the student's most probable class is the teacher's; in
    training `gradient_norm`, over all trainable weights, before clipping; in evaluation
    `shuffled_*` and `hears_*`, see `pairs.ShuffledPairs`.

    Args:
        student: a SoundNet that gives logits.
        teachers: head name to the teacher of that head; every head of the student has one. A
            `Teacher` looks at the frames; the posteriors of a `CachedTeacher` are in the batch.
            They are no part of this model: never trained, never saved.
        config: what is minimised.
        mask_sound: keep the padding behind short clips out of what the student hears and of its
            batch norms' statistics, see `models.masking`.
        seed: of which clips are mixed, and how.

    Raises:
        ValueError: heads without teachers, teachers without heads, or class counts that differ.
    """

    def __init__(
        self,
        student: keras.Model,
        teachers: Mapping[str, Teacher | CachedTeacher],
        config: DistillConfig,
        mask_sound: bool = False,
        seed: int = 0,
    ):
        super().__init__(name="distiller")
        _check_heads(students.heads_of(student), teachers)
        self.student = student
        self.config = config
        self.mask_sound = mask_sound
        self.seed = seed
        # A tuple of plain objects: Keras would track, train and save models that it finds.
        self._teachers = tuple(teachers.items())
        self.wait_secs = 0.0  # time that training has waited for batches, since the last reset
        self.loss_mean = keras.metrics.Mean("loss", dtype="float32")
        self.gradient_norm_mean = keras.metrics.Mean("gradient_norm", dtype="float32")
        self.head_means = {
            f"{kind}_{head}": keras.metrics.Mean(f"{kind}_{head}", dtype="float32")
            for head in teachers
            for kind in ("kl", "agreement")
        }
        self.shuffled = {
            head: ShuffledPairs(head, teacher.classes) for head, teacher in teachers.items()
        }
        self.built = True

    @property
    def metrics(self):
        return [*self._metrics_of(training=True), *self.shuffled.values()]

    def _metrics_of(self, training: bool) -> list[keras.metrics.Metric]:
        means = [self.loss_mean, *self.head_means.values()]
        return [*means, *([self.gradient_norm_mean] if training else self.shuffled.values())]

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(head for head, _ in self._teachers)

    def call(self, batch, training=False):
        """The student's logits, head name to [batch, steps, classes]."""
        if self.mask_sound:
            return masked_call(self.student, batch["waveform"], batch["lengths"], training)
        if training:
            return training_pass(self.student, batch["waveform"])
        return self.student(batch["waveform"], training=training)

    def targets(self, batch):
        """What the teachers saw at the moment of each output step.

        Returns:
            Head name to (float32 [batch, steps, classes], bool [batch, steps]), see `align`.
        """
        architecture = students.architecture_of(self.student)
        steps = architecture.output_length("heads", batch["waveform"].shape[1])
        centres = alignment.step_centres_secs(
            architecture.heads.first_centre_secs, architecture.heads.hop_secs, steps
        )
        sound_secs = tf.cast(batch["lengths"], tf.float32) / constants.SAMPLE_RATE
        return {
            head: alignment.align(
                _seen(head, teacher, batch),
                batch["frame_secs"],
                batch["frame_mask"],
                centres,
                sound_secs,
                self.config.alignment,
            )
            for head, teacher in self._teachers
        }

    def train_step(self, batch):
        targets = self.targets(batch)
        if self.config.shuffled_pairs:
            is_mixed = self.config.mix_share > 0
            targets = other_videos_targets(targets, batch["video"], is_mixed)
        if self.config.mix_share:
            seed = tf.stack([tf.constant(self.seed, tf.int64), self._step()])
            share, lengths = self.config.mix_share, batch["lengths"]
            mixed, targets = mix(batch["waveform"], targets, share, seed, lengths)
            batch = batch | {"waveform": mixed}
        with tf.GradientTape() as tape:
            loss = self._loss(batch, targets, training=True)
            # Keras sums gradients over replicas; each replica's loss is the mean of its own share.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            scaled = loss / replicas
        gradients = tape.gradient(scaled, self.student.trainable_variables)
        self.optimizer.apply(gradients, self.student.trainable_variables)
        self.gradient_norm_mean.update_state(tf.linalg.global_norm(gradients) * replicas)
        return _results(self._metrics_of(training=True))

    def _step(self) -> tf.Tensor:
        return tf.cast(self.optimizer.iterations.value, tf.int64)

    def test_step(self, batch):
        self._loss(batch, self.targets(batch), training=False)
        return _results(self._metrics_of(training=False))

    def _loss(self, batch, targets, training: bool) -> tf.Tensor:
        """The weighted sum of the heads' losses; updates every metric but the gradient's."""
        logits = self(batch, training=training)
        total = 0.0
        for head, (posteriors, mask) in targets.items():
            total += self.config.weights.get(head, 1.0) * losses.head_loss(
                posteriors,
                logits[head],
                mask,
                self.config.loss,
                self.config.reduction,
                len(targets),
                self.config.temperature,
            )
            self._update_head(head, posteriors, logits[head], mask)
            if not training:
                self.shuffled[head].update_state(posteriors, logits[head], mask, batch["video"])
        any_mask = next(iter(targets.values()))[1]
        self.loss_mean.update_state(total, tf.reduce_sum(tf.cast(any_mask, tf.float32)))
        return total

    def _update_head(self, head, posteriors, logits, mask):
        agreement = tf.argmax(posteriors, -1) == tf.argmax(logits, -1)
        divergence = losses.kl_divergence(posteriors, logits)
        self.head_means[f"kl_{head}"].update_state(divergence, mask)
        self.head_means[f"agreement_{head}"].update_state(tf.cast(agreement, tf.float32), mask)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Makes the optimizer's variables: were they made in the step, TensorFlow would trace that
        twice. Keras would build by taking the mean of a batch over all replicas, which fails on
        names and masks."""
        if self.optimizer is None or self.optimizer.built:  # None: it is only evaluated
            return
        with self.distribute_strategy.scope():
            self.optimizer.build(self.student.trainable_variables)

    def make_train_function(self, force=False):
        """Keras's, with the time spent on waiting for the next batch added to `wait_secs`."""
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        step = self.train_function

        def timed_step(iterator):
            start = time.perf_counter()
            batch = next(iterator)
            self.wait_secs += time.perf_counter() - start
            return step(iter((batch,)))

        self.train_function = timed_step


def _results(metrics) -> dict[str, tf.Tensor]:
    found = {}
    for metric in metrics:
        result = metric.result()
        found |= result if isinstance(result, dict) else {metric.name: result}
    return found


def _seen(head: str, teacher: Teacher | CachedTeacher, batch) -> tf.Tensor:
    """float32 [batch, frames, classes]: what the teacher says, or once said, of each frame."""
    if isinstance(teacher, CachedTeacher):
        return batch[posteriors_key(head)]
    return teacher(batch["frames"])


def _check_heads(heads: Mapping[str, int], teachers) -> None:
    if set(heads) != set(teachers):
        raise ValueError(f"the student has heads {sorted(heads)}, teachers are {sorted(teachers)}")
    for head, teacher in teachers.items():
        if heads[head] != teacher.classes:
            raise ValueError(
                f"the student's head {head!r} has {heads[head]} classes, its teacher "
                f"{teacher.name} has {teacher.classes}; build the student with the teacher's count"
            )
