"""What the representation is worth while it is learned: a linear probe on sounds people labelled,
and without any the effective rank.

The held-out KL does not tell: on few videos it rises while the layers go on improving.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from soundnet_tf.evaluation import baselines, linear, probe
from soundnet_tf.evaluation.settings import LAYERS
from soundnet_tf.files import atomic, claim
from soundnet_tf.files.mirror import Mirror
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.training import rank
from soundnet_tf.training.monitor import SaveStudents
from soundnet_tf.training.settings import ProbeConfig

PROBE_FILE = "probe.json"

Right = Mapping[str, np.ndarray]  # layer to bool [tested recordings]: which were classified rightly


class Heard(NamedTuple):
    """A labelled set with its sound, float32 [recordings, samples]."""

    data: LabelledSet
    waveforms: np.ndarray


def hear(config: ProbeConfig) -> Heard:
    """Reads the recordings, repeated or cut to the length of the paper's probe.

    Raises: as `esc_dcase.load` and `read_clips`.
    """
    data = esc_dcase.load(config.dataset, config.data)
    return Heard(data, read_clips(data, probe.windows_for(data).clip_secs))


def untrained(heard: Heard, architecture: str) -> dict:
    """The row of a network with random weights, whose batch norms know the sound. Draws from
    Keras's global seed."""
    like = FoldedNetwork(students.BUILDERS[architecture](include_top=False))
    network = baselines.untrained_network(like, heard.waveforms)
    return row(None, _right(heard, network))


def row(epoch: int | None, right: Right, effective_rank: float | None = None) -> dict:
    """What `probe.json` holds of one network: `epoch` (how many were trained; None of the untrained
    network), `accuracy` (layer to a share of 1), `right` (layer to "0110…"), both empty without
    labelled sounds, and `effective_rank`, see `rank`."""
    return {
        "epoch": epoch,
        "effective_rank": effective_rank,
        "accuracy": {layer: float(np.mean(values)) for layer, values in right.items()},
        "right": {layer: "".join("01"[int(r)] for r in values) for layer, values in right.items()},
    }


def best_layer(row: Mapping) -> tuple[str, float]:
    """The layer with the highest accuracy, and that, of a row that has some."""
    return max(row["accuracy"].items(), key=lambda item: item[1])


def advantage(row: Mapping, other: Mapping) -> float:
    """By how many standard errors the first network's best layer classifies better than the other's
    best layer, recording by recording (McNemar): noise is within 2 of 0."""
    ours, theirs = (np.array([*r["right"][best_layer(r)[0]]], "U1") == "1" for r in (row, other))
    won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return (won - lost) / np.sqrt(max(won + lost, 1))


def _right(heard: Heard, network: FoldedNetwork) -> Right:
    layers = LAYERS[network.architecture.name]
    outcomes = linear.hear_and_validate(network, *heard, layers)
    tested = next(iter(outcomes.values())).predictions >= 0
    return {
        layer: (outcome.predictions == heard.data.labels)[tested]
        for layer, outcome in outcomes.items()
    }


class Probe(keras.callbacks.Callback):
    """Looks at the saved student every few epochs and after the last: its effective rank, and with
    labelled sounds the probe. Writes `probe.json`, TensorBoard (`logs/probe`, beside it
    `logs/probe_untrained`), and `best_probe/` by the best layer.

    Args:
        heard: the labelled set, or None.
        clips: batches of training clips as they are, for the rank.
        every: epochs from one look to the next.
        out: folder of the run.
        epochs: of the whole run.
        students: saves the run's students; comes before this one.
        floor: the untrained network's row, or None without a labelled set.
        from_trained: whether the network's start is worth a row.

    Raises:
        ValueError: the run was probed with other sounds.
    """

    def __init__(
        self,
        heard: Heard | None,
        clips: tf.data.Dataset,
        every: int,
        out: str,
        epochs: int,
        students: SaveStudents,
        floor: Mapping | None,
        from_trained: bool,
    ):
        super().__init__()
        self._heard, self._clips = heard, clips
        path = os.path.join(out, PROBE_FILE)
        known = atomic.read_json(path) or {}
        self._of_set = {name: known[name] for name in _OF_SET if name in known}
        if heard:
            _refuse_other_set(path, known, _of_set(heard.data))
            self._of_set = _of_set(heard.data)
        self._every, self._epochs = every, epochs
        self._path = path
        self._students = students
        self._floor = floor if heard else known.get("untrained")
        self._from_trained = from_trained
        self._logs = Mirror(os.path.join(out, "logs"))
        self._writers = {
            name: tf.summary.create_file_writer(os.path.join(self._logs.local, name))
            for name in ("probe", "probe_untrained")
        }

    def on_train_begin(self, logs=None):
        has_begun = int(self.model.optimizer.iterations) > 0  # and its start is gone
        if self._from_trained and not has_begun and not read_rows(self._path):
            self._students.update(averaged=False)
            self._add(0)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every == 0 or epoch + 1 == self._epochs:
            self._add(epoch + 1)

    def _add(self, epochs_done: int):
        network = FoldedNetwork(self._students.saved)
        right = _right(self._heard, network) if self._heard else {}
        found = row(epochs_done, right, rank.of_embedding(network, self._clips))
        earlier = [r for r in read_rows(self._path) if r["epoch"] < epochs_done]
        of_sounds = [r for r in earlier if r["accuracy"]]
        if right and all(best_layer(found)[1] > best_layer(r)[1] for r in of_sounds):
            self._students.save("best_probe")
        content = {
            "from_trained": self._from_trained,
            "untrained": self._floor,
            "rows": [*earlier, found],
            **self._of_set,
        }
        atomic.write_json(self._path, content, sort_keys=False)  # layers in their order
        self._draw("probe", found)
        if self._floor:
            self._draw("probe_untrained", self._floor)

    def _draw(self, name: str, shown: Mapping):
        with self._writers[name].as_default(step=int(self.model.optimizer.iterations)):
            for layer, value in shown["accuracy"].items():
                tf.summary.scalar(f"probe/{layer}", value)
            if shown["effective_rank"] is not None:
                tf.summary.scalar("effective_rank", shown["effective_rank"])
        self._writers[name].flush()
        self._logs.send()

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._logs.send()


_OF_SET = ("set", "recordings", "fingerprint")


def _of_set(data: LabelledSet) -> dict:
    """What `probe.json` says of the labelled set."""
    values = data.name, len(data.clips), data.claims()["fingerprint"]
    return dict(zip(_OF_SET, values, strict=True))


def _refuse_other_set(path: str, known: Mapping, now: Mapping) -> None:
    """ValueError if the rows that are there are of other sounds."""
    if any(row["accuracy"] for row in known.get("rows", ())):
        claim.refuse_other(path, {name: known.get(name, now[name]) for name in _OF_SET}, now)


def read_rows(path: str) -> list[dict]:
    """Of the run's networks in a `probe.json`; none if there is no such file yet."""
    return (atomic.read_json(path) or {"rows": []})["rows"]
