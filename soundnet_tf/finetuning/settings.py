"""What decides a fine-tuning run, and the file that says which run a folder holds."""

import dataclasses
import hashlib
import os

import keras
import tensorflow as tf

from soundnet_tf.files import atomic, claim, storage
from soundnet_tf.models import pretrained
from soundnet_tf.models import student as students
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.training.loop import RUN_FILE
from soundnet_tf.version import __version__

FREEZE = ("none", "trunk")
CLASS_WEIGHTS = ("none", "balanced")


@dataclasses.dataclass(frozen=True)
class FinetuneConfig:
    """Everything that decides what a run learns, but its data.

    Attributes:
        model: where to start from, see `models.pretrained.load`; or "soundnet8" or "soundnet5" for
            random weights, to learn from the labels alone.
        test_fold: is tested on at the end and otherwise not looked at; None: the set's last one.
        val_share: of the other folds' clips, class by class, held out to tell when to stop.
        layers: that the new head hears; none: see `finetuning.classifier.DEFAULT_LAYERS`.
        freeze: "none", or "trunk" to train the head only. Batch norms of a trained network always
            stay as they are: statistics of a few short clips would be noise.
        learning_rate: of the head.
        trunk_scale: the trunk's learning rate as a share of the head's.
        class_weights: "none", or "balanced" to give rare classes the weight of common ones.
        clip_secs: every recording is repeated or cut to this length.
        augment: train on changed clips, see `finetune_data.train_batches`.
        epochs: most passes over the training clips.
        patience: stop after so many epochs without a lower loss on the held-out clips.
        batch_size: clips a step.
        seed: of the new head, the held-out clips, order, augmentation and dropout.
    """

    model: str = pretrained.PUBLISHED
    test_fold: str | None = None
    val_share: float = 0.15
    layers: tuple[str, ...] = ()
    freeze: str = "none"
    learning_rate: float = 1e-4
    trunk_scale: float = 1.0
    class_weights: str = "none"
    clip_secs: float = 5.0
    augment: bool = True
    epochs: int = 80
    patience: int = 12
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self):
        _check_choice("freeze", self.freeze, FREEZE)
        _check_choice("class_weights", self.class_weights, CLASS_WEIGHTS)
        for name in ("learning_rate", "clip_secs", "epochs", "patience", "batch_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it should be above 0")

    @property
    def is_pretrained(self) -> bool:
        return self.model not in students.BUILDERS


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} {value!r} is unknown; choose one of {choices}")


def _settings(config: FinetuneConfig, data: LabelledSet) -> dict:
    """What makes two runs the same one."""
    rows = [f"{os.path.basename(clip.path)},{clip.label},{clip.fold}" for clip in data.clips]
    return dataclasses.asdict(config) | {
        "layers": list(config.layers),  # as JSON gives it back
        "data": data.name,
        "clips": len(rows),
        "fingerprint": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
    }


def write_run(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """Writes `run.json`: versions, settings, data."""
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": _settings(config, data),
        "classes": data.classes,
    }
    storage.make_folder(out)
    atomic.write_json(os.path.join(out, RUN_FILE), run)


def check_folder(out: str, config: FinetuneConfig, data: LabelledSet) -> None:
    """ValueError if another run is in `out`."""
    settings = _settings(config, data)
    path = os.path.join(out, RUN_FILE)
    if found := atomic.read_json(path):
        claim.refuse_other(out, found.get("settings", {}), settings)
