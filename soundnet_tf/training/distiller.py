"""Teacher networks see the frames, the student hears the sound and learns to agree."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.records import posteriors_key
from soundnet_tf.models import replicas
from soundnet_tf.models import student as students
from soundnet_tf.models.masking import masked_call
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.models.training_pass import training_pass
from soundnet_tf.training import alignment, losses
from soundnet_tf.training.means import Means
from soundnet_tf.training.mixing import mix
from soundnet_tf.training.optimizer import counted_norm
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
        kinds = [f"{kind}_{head}" for head in teachers for kind in ("kl", "agreement")]
        self.learned = Means(["loss", *kinds, "gradient_norm"])
        self.judged = Means(["loss", *kinds])
        self.shuffled = {
            head: ShuffledPairs(head, teacher.classes) for head, teacher in teachers.items()
        }
        self._kept_sums = np.zeros(self.learned.sums.shape)
        self.wait_secs = 0.0  # that training has waited for batches, since it was last set to 0
        self.built = True

    @property
    def metrics(self):
        return [self.learned, self.judged, *self.shuffled.values()]

    @property
    def judgement(self) -> list[keras.metrics.Metric]:
        """The metrics of evaluation."""
        return [self.judged, *self.shuffled.values()]

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Class names of each head."""
        return {head: teacher.labels for head, teacher in self._teachers}

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
        self.learn(batch)
        return self.learned.result()

    def test_step(self, batch):
        self.judge(batch)
        return _results(self.judgement)

    def learn(self, batch):
        """Takes one step, within `Strategy.run`: of several replicas each has a part of the batch.
        Its figures are added to `learned`."""
        targets = self.targets(batch)
        if self.config.shuffled_pairs:
            is_mixed = self.config.mix_share > 0
            targets = other_videos_targets(targets, batch["video"], is_mixed)
        if self.config.mix_share:
            seed = tf.stack([tf.constant(self.seed, tf.int64), self._step()])
            share, lengths = self.config.mix_share, batch["lengths"]
            mixed, targets = mix(batch["waveform"], targets, share, seed, lengths)
            batch = batch | {"waveform": mixed}
        steps = dict(zip(targets, replicas.total(_valid_steps(targets)), strict=True))
        with tf.GradientTape() as tape:
            logits = self(batch, training=True)
            loss = self._loss(targets, logits, steps)
            scaled = self.optimizer.scale_loss(loss)  # as it is, but with float16
        weights = self.student.trainable_variables
        gradients = replicas.gradients(tape.gradient(scaled, weights))
        norm = tf.linalg.global_norm(gradients) / self.optimizer.scale_loss(1.0)
        self.optimizer.apply(gradients, weights)
        figures = self._figures(targets, logits, loss * next(iter(steps.values())))
        figures["gradient_norm"] = counted_norm(self.optimizer, norm)
        self.learned.update_state(figures)

    def _step(self) -> tf.Tensor:
        return tf.cast(self.optimizer.iterations.value, tf.int64)

    def judge(self, batch):
        """Adds a batch to the metrics of evaluation, within `Strategy.run`; gives its targets, as
        `targets` does, and the student's logits."""
        targets, logits = self.targets(batch), self(batch, training=False)
        loss = self._loss(targets, logits, {})
        self.judged.update_state(self._figures(targets, logits, loss * _valid_steps(targets)[0]))
        for head, (posteriors, mask) in targets.items():
            self.shuffled[head].update_state(posteriors, logits[head], mask, batch["video"])
        return targets, logits

    def gradients(self, batch) -> list[tf.Tensor]:
        """Of the loss of a batch as it is (no clips mixed, no pairs shuffled), outside of
        `Strategy.run`: one for each trainable variable of the student, whose batch norms' moving
        statistics change."""
        targets = self.targets(batch)
        with tf.GradientTape() as tape:
            loss = self._loss(targets, self(batch, training=True), {})
        return tape.gradient(loss, self.student.trainable_variables)

    def with_student(self, student: keras.Model) -> "Distiller":
        """Another one, which teaches another student the same."""
        teachers = dict(self._teachers)
        return Distiller(student, teachers, self.config, self.mask_sound, self.seed)

    def _loss(self, targets, logits, steps: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The weighted sum of the heads' losses. If the valid `steps` of the whole batch are given,
        by head, it is this replica's part of that."""
        return tf.add_n(
            [
                self.config.weights.get(head, 1.0)
                * losses.head_loss(
                    posteriors,
                    logits[head],
                    mask,
                    self.config.loss,
                    self.config.reduction,
                    len(targets),
                    self.config.temperature,
                    steps.get(head),
                )
                for head, (posteriors, mask) in targets.items()
            ]
        )

    def _figures(self, targets, logits, loss) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Sums and counts of all but the gradient's length; `loss` is already a sum."""
        figures = {"loss": (loss, _valid_steps(targets)[0])}
        for head, (posteriors, mask) in targets.items():
            agreement = tf.argmax(posteriors, -1) == tf.argmax(logits[head], -1)
            steps = {
                f"kl_{head}": losses.kl_divergence(posteriors, logits[head]),
                f"agreement_{head}": tf.cast(agreement, tf.float32),
            }
            valid = tf.cast(mask, tf.float32)
            for name, values in steps.items():
                figures[name] = (tf.reduce_sum(values * valid), tf.reduce_sum(valid))
        return figures

    def keep_means(self):
        """Notes the means of the epoch so far, for the next `save_weights`. All processes have to
        call it, also those that save nothing: it adds up what each has counted."""
        self._kept_sums = self.learned.sums.numpy()

    def save_own_variables(self, store):
        store["learned"] = self._kept_sums

    def load_own_variables(self, store):
        self.learned.sums.assign(store["learned"][...])

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Makes the optimizer's variables: were they made in the step, TensorFlow would trace that
        twice. Keras would build by taking the mean of a batch over all replicas, which fails on
        names and masks."""
        if self.optimizer is None or self.optimizer.built:  # None: it is only evaluated
            return
        with self.distribute_strategy.scope():
            self.optimizer.build(self.student.trainable_variables)


def _results(metrics) -> dict[str, tf.Tensor]:
    found = {}
    for metric in metrics:
        result = metric.result()
        found |= result if isinstance(result, dict) else {metric.name: result}
    return found


def _valid_steps(targets) -> list[tf.Tensor]:
    """How many steps count, float32 [] for each head."""
    return [tf.reduce_sum(tf.cast(mask, tf.float32)) for _, mask in targets.values()]


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
