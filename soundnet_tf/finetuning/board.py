"""What TensorBoard shows of a fine-tuning.

OUT/logs/first/{train,validation,filters}   the training that held-out clips end
OUT/logs/all/{train,filters}                the one on all clips
OUT/logs/test                               the exported classifier's accuracy
"""

import os
from collections.abc import Mapping

import keras
import tensorflow as tf

from soundnet_tf.files import storage
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.training import events
from soundnet_tf.training.board import filters, hparams
from soundnet_tf.training.board.budget import Budget
from soundnet_tf.training.monitor import steps_done

LOGS_FOLDER = "logs"
FIRST, ALL, _TEST = "first", "all", "test"
_METRICS = (
    (f"{FIRST}/validation", "loss"),
    (f"{FIRST}/validation", "accuracy"),
    (_TEST, "accuracy"),
)


def write_settings(out: str, config: FinetuneConfig) -> None:
    """For TensorBoard's HParams, beside the figures that runs are compared by."""
    values = hparams.of_settings(config)
    hparams.write(os.path.join(out, LOGS_FOLDER), values, _METRICS, out)


def write_test(out: str, accuracy: float, epochs: int) -> None:
    """The accuracy on the test fold, after so many epochs of the last training; in place of what a
    run that was killed right then had written."""
    folder = os.path.join(out, LOGS_FOLDER, _TEST)
    storage.remove_folder(folder)
    logs = Mirror(folder)
    writer = tf.summary.create_file_writer(logs.local)
    with writer.as_default(step=epochs):
        tf.summary.scalar("accuracy", accuracy)
    writer.close()
    logs.send()


class Board(keras.callbacks.Callback):
    """Of one training, after every epoch `loss` and `accuracy` (means of the epoch), the held-out
    clips', and the learning rate; and conv1's filters, as often as takes little of the time.

    Args:
        out: folder of the run.
        training: FIRST or ALL.
        epochs: of it, at most.
        done: steps that are taken already; what was written of later ones is taken out.
    """

    def __init__(self, out: str, training: str, epochs: int, done: int):
        super().__init__()
        folder = os.path.join(out, LOGS_FOLDER, training)
        events.forget_after(folder, done)
        self._logs = Mirror(folder)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}
        self._budget = Budget(None, epochs)

    def on_epoch_end(self, epoch, logs=None):
        prefix = "val_"
        rate = float(tf.convert_to_tensor(self.model.optimizer.learning_rate))
        trained = {k: v for k, v in logs.items() if not k.startswith(prefix)}
        self._write("train", trained | {"learning_rate": rate})
        held_out = {k.removeprefix(prefix): v for k, v in logs.items() if k.startswith(prefix)}
        if held_out:
            self._write("validation", held_out)
        if self._budget.allows(epoch) or self.model.stop_training:
            with self._budget.look(), self._writer("filters").as_default(self._step):
                filters.draw(self.model.trunk)
        self._logs.send()

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._logs.send()

    @property
    def _step(self) -> int:
        return steps_done(self.model)

    def _writer(self, name: str) -> tf.summary.SummaryWriter:
        if name not in self._writers:
            folder = os.path.join(self._logs.local, name)
            self._writers[name] = tf.summary.create_file_writer(folder)
        return self._writers[name]

    def _write(self, name: str, scalars: Mapping[str, float]):
        with self._writer(name).as_default(self._step):
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value)
        self._writer(name).flush()
