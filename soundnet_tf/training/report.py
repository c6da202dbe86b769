"""What a person sees of a run: a progress bar, and held-out figures beside their baselines."""

import math
import shlex
import sys
from collections.abc import Mapping

import keras
from tqdm import tqdm

from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models.initialise import HeadStart
from soundnet_tf.training.baselines import Baselines
from soundnet_tf.training.probe import best_layer


class EpochBar(keras.callbacks.Callback):
    """A bar with loss and clips a second for every epoch.

    Args:
        epochs: of the whole training.
        steps_per_epoch, batch_size: whose product the clips of an epoch are, or nearly.
        title: stands before the epoch's number.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, batch_size: int, title: str = "epoch"):
        super().__init__()
        self.epochs = epochs
        self._clips = steps_per_epoch * batch_size
        self._batch_size = batch_size
        self._epoch_title = title
        self._bar = None

    def on_epoch_begin(self, epoch, logs=None):
        title = f"{self._epoch_title} {epoch + 1}/{self.epochs}"
        self._bar = progress_bar(self._clips, title, "clip", leave=False)

    def on_train_batch_end(self, batch, logs=None):
        self._bar.set_postfix(loss=f"{logs['loss']:.4g}", refresh=False)
        self._bar.update(self._batch_size)

    def on_test_begin(self, logs=None):
        if self._bar is not None:
            self._bar.set_description("held-out clips", refresh=sys.stderr.isatty())

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()


class Progress(EpochBar):
    """Adds a line of held-out figures after every epoch."""

    def __init__(self, baselines: Baselines, epochs: int, steps_per_epoch: int, batch_size: int):
        super().__init__(epochs, steps_per_epoch, batch_size)
        self._baselines = baselines

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        figures = "; ".join(
            _beside_baselines(name, logs[f"val_{name}"], self._baselines)
            for name in self._baselines["constant"]
            if name.startswith("kl_")
        )
        tqdm.write(
            f"epoch {epoch + 1}/{self.epochs}: loss {logs['loss']:.4g}, held-out {figures}",
            file=sys.stdout,
        )


def table(history: list[dict[str, float]], baselines: Baselines) -> str:
    """The held-out figures of a run: its baselines, its best and its last epoch, and what the last
    one's sounds give with other videos' pictures.

    Args:
        history: rows of `history.csv`, one an epoch, as numbers.
        baselines: of the same run.

    Returns:
        Lines of a table; KL in nats a step (lower is better), agreement in percent.
    """
    best = min(history, key=lambda row: (math.isnan(row["val_loss"]), row["val_loss"]))
    rows = {
        "constant answer": baselines["constant"],
        "before training": baselines["start"],
        f"best, epoch {best['epoch'] + 1:.0f}": _validation(best),
        f"last, epoch {history[-1]['epoch'] + 1:.0f}": _validation(history[-1]),
        "  its pairs shuffled": _shuffled(history[-1]),
    }
    names = sorted(baselines["constant"], key=lambda name: (not name.startswith("kl_"), name))
    lines = [f"{'held-out clips':<20}" + "".join(f"{_title(name):>20}" for name in names)]
    for title, figures in rows.items():
        cells = [_format(n, figures[n]) if n in figures else "" for n in names]
        lines.append(f"{title:<20}" + "".join(f"{cell:>20}" for cell in cells).rstrip())
    return "\n".join(lines)


def probe_table(probed: Mapping) -> str:
    """Lines of a table of what `probe.json` holds: the untrained network, the best and the last;
    accuracies of layers, and the effective rank of the embedding. Networks that were not probed
    are left out."""
    rows = [row for row in probed["rows"] if row["accuracy"]]
    best = max(rows, key=lambda row: best_layer(row)[1])
    named = {
        "untrained network": probed["untrained"],
        **({"before training": rows[0]} if rows[0]["epoch"] == 0 else {}),
        f"best_probe, epoch {best['epoch']}": best,
        f"last, epoch {rows[-1]['epoch']}": rows[-1],
    }
    layers = list(probed["untrained"]["accuracy"])
    title = f"probe of {probed['set']}"
    lines = [f"{title:<24}" + "".join(f"{layer:>8}" for layer in layers) + f"{'rank':>8}"]
    for name, row in named.items():
        cells = "".join(f"{row['accuracy'][layer]:>8.1%}" for layer in layers)
        spread = row["effective_rank"]
        lines.append(f"{name:<24}{cells}" + ("" if spread is None else f"{spread:>8.1f}"))
    return "\n".join(lines)


def summary(
    history: list[dict[str, float]],
    baselines: Baselines,
    head_starts: Mapping[str, HeadStart],
    probed: Mapping,
    verdict: tuple[str, list[str]],
    out: str,
) -> str:
    """What a run in the folder `out` gave, whether that is anything, and what to do next.

    Args: as of `loop.TrainResult`.
    """
    starts = [
        f"{head}: {start.shared} of {start.classes} classes started from trained rows"
        for head, start in head_starts.items()
    ]
    word, reasons = verdict
    return "\n".join(
        [
            *starts,
            f"\n{table(history, baselines)}\n",
            *([f"{probe_table(probed)}\n"] if probed["untrained"] else []),
            f"Verdict: {word}.",
            *(f"  {reason}" for reason in reasons),
            "",
            f"Next: bin/export.py --run={shlex.quote(out)} --out=SAVED_MODEL",
            f"Look: tensorboard --logdir={shlex.quote(f'{out}/logs')}",
        ]
    )


def _beside_baselines(name: str, value: float, baselines: Baselines) -> str:
    constant, start = baselines["constant"][name], baselines["start"][name]
    return f"{_title(name)} {value:.3f} (constant {constant:.3f}, before training {start:.3f})"


def _shuffled(row: dict[str, float]) -> dict[str, float]:
    """None where held-out clips of one video leave none to shuffle with."""
    prefix = "val_shuffled_"
    return {
        f"kl_{name.removeprefix(prefix)}": value
        for name, value in row.items()
        if name.startswith(prefix) and not math.isnan(value)
    }


def _validation(row: dict[str, float]) -> dict[str, float]:
    return {name.removeprefix("val_"): value for name, value in row.items()}


def _title(name: str) -> str:
    kind, head = name.split("_")
    return f"KL {head}" if kind == "kl" else f"{kind} {head}"


def _format(name: str, value: float) -> str:
    return f"{value:.3f}" if name.startswith("kl_") else f"{value:.1%}"
