"""What a run writes down while it goes: TensorBoard at every step, history.csv at every epoch."""

import csv
import io
import math
import os
import time
from collections.abc import Mapping

import keras
import tensorflow as tf

from soundnet_tf.files import atomic, storage
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.models import checkpoint

HISTORY_FILE = "history.csv"


def steps_done(model: keras.Model) -> int:
    """How many steps its optimizer has taken, on one device or several."""
    return int(tf.convert_to_tensor(model.optimizer.iterations))


class StepMonitor(keras.callbacks.Callback):
    """TensorBoard scalars from the first step on.

    `train/*` after every step: the distiller's metrics (means since the epoch began), the learning
    rate, `clips_per_second`, and `waiting_share`, the part of the time spent on waiting for data.
    `validation/*` after every epoch, at the step reached.
    """

    def __init__(self, log_dir: str, batch_size: int):
        super().__init__()
        self._logs = Mirror(log_dir)
        self._train = tf.summary.create_file_writer(os.path.join(self._logs.local, "train"))
        self._validation = tf.summary.create_file_writer(
            os.path.join(self._logs.local, "validation")
        )
        self._batch_size = batch_size
        self._begun_secs = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self._restart_clock()

    def on_train_batch_end(self, batch, logs=None):
        elapsed_secs = time.perf_counter() - self._begun_secs
        scalars = dict(logs) | {
            "learning_rate": float(tf.convert_to_tensor(self.model.optimizer.learning_rate)),
            "clips_per_second": self._batch_size / elapsed_secs,
            "waiting_share": self.model.wait_secs / elapsed_secs,
        }
        self._write(self._train, scalars)
        self._restart_clock()

    def on_epoch_end(self, epoch, logs=None):
        prefix = "val_"
        validation = {k.removeprefix(prefix): v for k, v in logs.items() if k.startswith(prefix)}
        self._write(self._validation, validation)
        self.send()

    def on_train_end(self, logs=None):
        self._train.close()
        self._validation.close()
        self.send()

    def send(self):
        """Sends what was written to where the folder is, if that is remote."""
        self._logs.send()

    def _restart_clock(self):
        self._begun_secs = time.perf_counter()
        self.model.wait_secs = 0.0

    def _write(self, writer, scalars):
        with writer.as_default(step=steps_done(self.model)):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
        writer.flush()


class Lines(keras.callbacks.Callback):
    """What held-out figures stand beside, as lines in TensorBoard's charts of `kl_*`: `constant`
    and `start` of the run's baselines, and `shuffled`, other videos' pictures with each sound."""

    def __init__(self, log_dir: str, baselines: Mapping[str, Mapping[str, float]]):
        super().__init__()
        self._baselines = {
            name: {k: v for k, v in figures.items() if k.startswith("kl_")}
            for name, figures in baselines.items()
        }
        self._logs = Mirror(log_dir)
        self._writers = {
            name: tf.summary.create_file_writer(os.path.join(self._logs.local, name))
            for name in (*self._baselines, "shuffled")
        }

    def on_epoch_end(self, epoch, logs=None):
        prefix = "val_shuffled_"
        shuffled = {
            f"kl_{k.removeprefix(prefix)}": v for k, v in logs.items() if k.startswith(prefix)
        }
        for name, figures in (self._baselines | {"shuffled": shuffled}).items():
            with self._writers[name].as_default(step=steps_done(self.model)):
                for tag, value in figures.items():
                    tf.summary.scalar(tag, value)
            self._writers[name].flush()
        self._logs.send()

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._logs.send()


class History(keras.callbacks.Callback):
    """`history.csv`: one row an epoch. After a resume, epochs that run again replace their rows."""

    def __init__(self, folder: str):
        super().__init__()
        self._path = os.path.join(folder, HISTORY_FILE)

    def on_epoch_end(self, epoch, logs=None):
        rows = [row for row in read_history(self._path) if int(row["epoch"]) < epoch]
        rows.append({"epoch": epoch} | {name: float(value) for name, value in logs.items()})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=list(rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        atomic.write_text(self._path, text.getvalue())


def read_history(path: str) -> list[dict[str, str]]:
    """The rows of a `history.csv`; none if there is no such file yet."""
    if not storage.exists(path):
        return []
    with storage.open_file(path) as file:
        return list(csv.DictReader(io.StringIO(file.read())))


class Backup(keras.callbacks.Callback):
    """Keeps what a run needs to go on after a kill, the weights and the optimizer's state, in one
    file that is renamed once it is whole. (Keras's BackupAndRestore can be killed in the middle of
    its file, and between it and the one that says which epoch it is of.)

    Args:
        folder: is made if need be.
        steps_per_epoch: which epoch comes next, the optimizer's count of steps tells.
    """

    def __init__(self, folder: str, steps_per_epoch: int):
        super().__init__()
        self._folder = folder
        self._path = os.path.join(folder, "latest.weights.h5")
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        self.restore()
        self.model._initial_epoch = self.epochs_done

    def on_epoch_end(self, epoch, logs=None):
        self.keep()

    def restore(self):
        """Takes up the state that was kept, if there is one; the model must be compiled. ValueError
        of one that cannot be read."""
        optimizer = self.model.optimizer
        if not optimizer.built:  # or its state would not be loaded
            optimizer.build(self.model.trainable_variables)
        if storage.exists(self._path):
            with storage.local(self._path) as local:
                self._load(local)

    def _load(self, local: str):
        try:
            self.model.load_weights(local)
        except (OSError, KeyError, ValueError) as error:  # of h5py and Keras, which name no file
            raise ValueError(
                f"{self._path} is damaged, or of another network ({error}); put a copy of it in "
                "its place, or remove it, and the run begins anew"
            ) from error

    def keep(self):
        """Writes the state of now."""
        storage.make_folder(self._folder)
        with atomic.new_file(self._path, suffix=".weights.h5") as temporary:
            self.model.save_weights(temporary)

    @property
    def steps_done(self) -> int:
        return steps_done(self.model)

    @property
    def epochs_done(self) -> int:
        return self.steps_done // self.steps_per_epoch


class SaveStudents(keras.callbacks.Callback):
    """Saves the student after every epoch: `last`, and `best` by the lowest `monitored` value.

    Args:
        folder: of the run.
        student: that is trained; a float32 copy is made once and saved with its weights.
        labels: class names of each head.
        averages: swaps averaged weights in while they are saved; None saves the plain ones.
        writes: whether this process saves; of several all have to swap.
    """

    monitored = "val_loss"

    def __init__(
        self,
        folder: str,
        student: keras.Model,
        labels: checkpoint.Labels,
        averages: keras.callbacks.SwapEMAWeights | None = None,
        writes: bool = True,
    ):
        super().__init__()
        self._folder = folder
        self._student = student
        self.saved = checkpoint.float32_copy(student)
        self._labels = labels
        self._averages = averages
        self._writes = writes

    def update(self, averaged: bool = True):
        """Gives `saved` the weights that the student has now, or if there are averages those.
        Before the first step there are none yet."""
        averages = self._averages if averaged else None
        if averages:
            averages.on_test_begin()
        checkpoint.copy_weights(self._student, self.saved)
        if averages:
            averages.on_test_end()

    def on_epoch_end(self, epoch, logs=None):
        self.update()
        if not self._writes:
            return
        self.save("last")
        earlier = read_history(os.path.join(self._folder, HISTORY_FILE))
        values = [float(row[self.monitored]) for row in earlier if int(row["epoch"]) < epoch]
        numbers = [value for value in values if not math.isnan(value)]  # of no order beside NaN
        if not values or logs[self.monitored] < min(numbers, default=math.inf):
            self.save("best")

    def save(self, name: str):
        """Writes `saved` into the run's folder of that name."""
        folder = os.path.join(self._folder, name)
        checkpoint.save_student(folder, self.saved, self._labels)
