"""What a person sees of fine-tuning: a line an epoch, and the test figures by class."""

import time

import numpy as np
from tqdm import tqdm

from soundnet_tf.finetuning.batches import Split
from soundnet_tf.finetuning.callbacks import best_row
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.training import monitor
from soundnet_tf.training.report import EpochBar


class Progress(EpochBar):
    """A bar for every epoch, then a line of figures. Stands after `monitor.History`."""

    def __init__(self, epochs: int, steps_per_epoch: int, batch_size: int, history_file: str):
        super().__init__(epochs, steps_per_epoch, batch_size)
        self._history_file = history_file
        self._begun_secs = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self._begun_secs = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        best = int(best_row(monitor.read_history(self._history_file))["epoch"])
        tqdm.write(
            f"epoch {epoch + 1}/{self.epochs}: loss {logs['loss']:.3f}, held-out loss "
            f"{logs['val_loss']:.3f}, held-out accuracy {logs['val_accuracy']:.1%} "
            f"(best epoch {best + 1}), {time.perf_counter() - self._begun_secs:.0f} s"
        )


class Countdown(EpochBar):
    """A bar for every epoch of the training on all clips, then a line."""

    def __init__(self, epochs: int, steps_per_epoch: int, batch_size: int):
        super().__init__(epochs, steps_per_epoch, batch_size, "all clips, epoch")

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        tqdm.write(
            f"all clips, epoch {epoch + 1}/{self.epochs}: loss {logs['loss']:.3f}, accuracy "
            f"{logs['accuracy']:.1%}"
        )


def results(
    data: LabelledSet,
    parts: Split,
    test_fold: str,
    predictions: np.ndarray,
    history: list[dict],
    epochs: int,
    seconds: float,
) -> dict:
    """The figures of a run.

    Args:
        data: the set.
        parts: its clips by their use.
        test_fold: that was tested.
        predictions: int [test clips], classes by their indices.
        history: rows of `history.csv`; none if no clip was held out.
        epochs: of the training on all clips.
        seconds: that training took.

    Returns:
        `accuracy` on the test fold and `floor`, that of always giving the class which most of the
        training clips have, as shares of 1; `per_class` likewise, for classes that the fold has;
        `confusion` (rows are true classes); `clips` by their use; `test_fold`, `seconds`;
        `best_epoch`, after which the training on all clips ended (the first is 1); of the training
        without the held-out clips its `epochs` and that epoch's `val_loss` and `val_accuracy`,
        which are 0 and None if there were none.
    """
    labels, classes = data.labels[parts.test], len(data.classes)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, predictions), 1)
    trained = np.concatenate([parts.train, parts.validation])
    commonest = np.bincount(data.labels[trained], minlength=classes).argmax()
    counts = confusion.sum(axis=1)
    best = best_row(history) if history else {}
    return {
        "accuracy": float(np.mean(predictions == labels)),
        "floor": float(np.mean(labels == commonest)),
        "per_class": {
            name: float(confusion[i, i] / counts[i])
            for i, name in enumerate(data.classes)
            if counts[i]
        },
        "confusion": confusion.tolist(),
        "clips": {name: len(indices) for name, indices in parts._asdict().items()},
        "test_fold": test_fold,
        "best_epoch": epochs,
        "epochs": len(history),
        **{name: float(best[name]) if best else None for name in ("val_loss", "val_accuracy")},
        "seconds": round(seconds, 1),
    }


def table(found: dict) -> str:
    """`results` as lines: accuracy by class and in all, the floor beside it."""
    width = max(map(len, found["per_class"]))
    width = max(width, len("commonest class"))
    lines = [f"{'test fold ' + found['test_fold']:<{width}}  accuracy"]
    lines += [f"{name:<{width}}  {share:8.1%}" for name, share in found["per_class"].items()]
    lines += [
        f"{'all':<{width}}  {found['accuracy']:8.1%}",
        f"{'commonest class':<{width}}  {found['floor']:8.1%}",
    ]
    return "\n".join(lines)
