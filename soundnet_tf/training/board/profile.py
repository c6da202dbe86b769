"""TensorFlow's profiler, on chosen steps of a run."""

import os
from collections.abc import Iterable

import keras
import tensorflow as tf

from soundnet_tf.files import storage
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.training.monitor import steps_done


class Profile(keras.callbacks.Callback):
    """Writes `LOGS/profile_STEP`, named by the first of steps that follow on each other
    within an epoch.

    Args:
        log_dir: of the run.
        steps: of the whole run, counted from 1.
    """

    def __init__(self, log_dir: str, steps: Iterable[int]):
        super().__init__()
        self._log_dir, self._steps = log_dir, frozenset(steps)
        self._logs: Mirror | None = None  # of the profile that goes on

    def on_train_batch_begin(self, batch, logs=None):
        step = steps_done(self.model) + 1
        if step in self._steps and self._logs is None:
            folder = os.path.join(self._log_dir, f"profile_{step:06d}")
            storage.remove_folder(folder)  # of the same step before a kill
            self._logs = Mirror(folder)
            tf.profiler.experimental.start(self._logs.local)

    def on_train_batch_end(self, batch, logs=None):
        if self._logs is not None and steps_done(self.model) + 1 not in self._steps:
            self._stop()

    def on_test_begin(self, logs=None):
        if self._logs is not None:  # the evaluation is no step
            self._stop()

    def _stop(self):
        tf.profiler.experimental.stop()
        self._logs.send()
        self._logs = None
