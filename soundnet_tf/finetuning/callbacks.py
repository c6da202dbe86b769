"""What fine-tuning does between epochs. All of it depends on `history.csv` and the epoch only, so
that a run that was killed goes on as if nothing had happened."""

import math

import keras

from soundnet_tf.training import monitor

MONITORED = "val_loss"


def best_row(rows: list[dict]) -> dict:
    """The row of `history.csv` with the lowest held-out loss, NaN above all; the first of equal
    ones."""
    losses = [float(row[MONITORED]) for row in rows]
    return rows[min(range(len(rows)), key=lambda i: (math.isnan(losses[i]), losses[i]))]


def has_stalled(rows: list[dict], patience: int) -> bool:
    """Whether `patience` epochs have passed since the best one."""
    return bool(rows) and len(rows) - 1 - int(best_row(rows)["epoch"]) >= patience


class StopEarly(keras.callbacks.Callback):
    """Ends the training when the held-out loss has not fallen for `patience` epochs. Stands before
    `monitor.History`.

    Args:
        history_file: of the run.
        patience: epochs.
    """

    def __init__(self, history_file: str, patience: int):
        super().__init__()
        self._history_file = history_file
        self._patience = patience

    def on_epoch_end(self, epoch, logs=None):
        rows = monitor.read_history(self._history_file)[:epoch]
        rows.append({"epoch": epoch, MONITORED: logs[MONITORED]})
        if has_stalled(rows, self._patience):
            self.model.stop_training = True


class RefuseInfinite(keras.callbacks.Callback):
    """ValueError once a loss is not finite."""

    def on_epoch_end(self, epoch, logs=None):
        for name in ("loss", MONITORED):
            if not math.isfinite(logs.get(name, 0.0)):
                raise ValueError(
                    f"the {name} of epoch {epoch + 1} is {logs[name]}; choose another out folder "
                    "and a lower learning_rate"
                )


class ReseedDropout(keras.callbacks.Callback):
    """Makes an epoch's dropout depend on (seed, epoch) alone: Keras saves no generator's state."""

    def __init__(self, seed: int):
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        if self.model.dropout.rate:
            self.model.dropout.seed_generator.state.assign([self._seed, epoch])
