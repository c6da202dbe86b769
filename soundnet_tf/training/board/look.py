"""Looks at a run that goes on: filters, classes, clips, histograms and projector for TensorBoard.

All of it is of a copy of the student that was just saved, outside of the replicas' steps: one
process looks while the others wait for its next step.
"""

import os

import keras
import tensorflow as tf

from soundnet_tf.data import pipeline
from soundnet_tf.data.sources import Source
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.models import checkpoint
from soundnet_tf.training.board import classes, clips, filters, histograms, projector
from soundnet_tf.training.board.budget import Budget
from soundnet_tf.training.monitor import SaveStudents, steps_done
from soundnet_tf.training.settings import TrainConfig
from soundnet_tf.training.steps import Judge

FOLDER = "board"  # in the run's logs


class Board(keras.callbacks.Callback):
    """Writes `LOGS/board` after the epochs that the budget allows; what never changes, the clips'
    sounds and frames, at the run's first look.

    Args:
        log_dir: of the run.
        judge: that has just evaluated the student.
        students: saves the run's students; comes before this one.
        training: its first clips are those whose gradients are drawn.
        validation: the held-out clips, some of which are shown.
        config: of the run.
        budget: when to look.
    """

    def __init__(
        self,
        log_dir: str,
        judge: Judge,
        students: SaveStudents,
        training: Source,
        validation: Source,
        config: TrainConfig,
        budget: Budget,
    ):
        super().__init__()
        self._logs = Mirror(os.path.join(log_dir, FOLDER))
        self._writer = tf.summary.create_file_writer(self._logs.local)
        self._judge, self._students, self._budget = judge, students, budget
        self._training, self._validation, self._config = training, validation, config
        self._parts = None

    def on_epoch_end(self, epoch, logs=None):
        if self._budget.allows(epoch):
            with self._budget.look(), self._writer.as_default(step=steps_done(self.model)):
                self._look(epoch)
            self._writer.flush()
            self._logs.send()

    def on_train_end(self, logs=None):
        self._writer.close()
        self._logs.send()

    def _look(self, epoch: int):
        student, answers, shown, projected, spread = self._parts = self._parts or self._make()
        checkpoint.copy_weights(self._students.saved, student)
        filters.draw(student)
        classes.draw(self._judge.by_class, self._judge.distiller.labels)
        if epoch == self._budget.first:
            clips.draw_once(shown)
        answers.draw(shown)
        projected.write()
        spread.draw()  # the last: it moves the copy's statistics

    def _make(self):
        """What all looks of this process share."""
        trained, config = self._judge.distiller, self._config
        student = checkpoint.float32_copy(self._students.saved)
        for layer in trained.student.layers:
            student.get_layer(layer.name).trainable = layer.trainable
        distiller = trained.with_student(student)
        shown = clips.choose(self._validation, config.pipeline, config.seed)
        few = pipeline.eval_batches(self._training, config.pipeline, at_most=histograms.CLIPS)
        return (
            student,
            clips.Answers(distiller),
            shown,
            projector.Projector(
                self._logs.local, distiller, self._validation, config.pipeline, config.seed
            ),
            histograms.Histograms(distiller, next(iter(few))),
        )
