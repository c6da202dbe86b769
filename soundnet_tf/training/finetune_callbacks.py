"""What fine-tuning does between epochs. All of it depends on `history.csv` and the epoch only, so
that a run that was killed goes on as if nothing had happened."""

import math

import keras
import tensorflow as tf

from soundnet_tf.training import monitor

MONITORED = "val_loss"


def best_row(rows: list[dict]) -> dict:
    """The row of `history.csv` with the lowest held-out loss; the first of equal ones."""
    return min(rows, key=lambda row: float(row[MONITORED]))


def has_stalled(rows: list[dict], patience: int) -> bool:
    """Whether `patience` epochs have passed since the best one."""
    return bool(rows) and len(rows) - 1 - int(best_row(rows)["epoch"]) >= patience


class KeepBest(keras.callbacks.Callback):
    """Saves the weights of the epoch with the lowest held-out loss, and ends the training when it
    has not fallen for `patience` epochs. Stands before `monitor.History`.

    Args:
        path: of the weights, `*.weights.h5`.
        history_file: of the run.
        patience: epochs.
    """

    def __init__(self, path: str, history_file: str, patience: int):
        super().__init__()
        self._path = path
        self._history_file = history_file
        self._patience = patience

    def on_epoch_end(self, epoch, logs=None):
        rows = monitor.read_history(self._history_file)[:epoch]
        row = {"epoch": epoch, MONITORED: logs[MONITORED]}
        if not math.isfinite(row[MONITORED]):
            raise ValueError(
                f"the held-out loss of epoch {epoch + 1} is {row[MONITORED]}; choose another out "
                "folder and a lower learning_rate"
            )
        if best_row([*rows, row]) is row:
            partial = self._path.replace(".weights.h5", ".partial.weights.h5")
            self.model.save_weights(partial)
            tf.io.gfile.rename(partial, self._path, overwrite=True)
        if has_stalled([*rows, row], self._patience):
            self.model.stop_training = True


class ReseedDropout(keras.callbacks.Callback):
    """Makes an epoch's dropout depend on (seed, epoch) alone: Keras saves no generator's state."""

    def __init__(self, seed: int):
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        self.model.dropout.seed_generator.state.assign([self._seed, epoch])
