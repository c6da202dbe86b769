"""Fine-tuning: a trained SoundNet learns the classes of a labelled set, is tested and exported."""

import dataclasses
import hashlib
import json
import os
import time

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf.data.labelled import LabelledSet
from soundnet_tf.evaluation.features import read_clips
from soundnet_tf.models import checkpoint, classifier, initialise, pretrained
from soundnet_tf.models import student as students
from soundnet_tf.serving.classifier_export import save_classifier
from soundnet_tf.training import finetune_data, finetune_report, monitor
from soundnet_tf.training.finetune_callbacks import KeepBest, ReseedDropout, has_stalled
from soundnet_tf.training.loop import RUN_FILE, Backup
from soundnet_tf.training.optimizer import OptimizerConfig, build_optimizer
from soundnet_tf.version import __version__

RESULTS_FILE = "results.json"
BEST_FILE = "best.weights.h5"
CLASSIFIER_FOLDER = "classifier"
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
        layers: that the new head hears; none: see `models.classifier.DEFAULT_LAYERS`.
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


def finetune(config: FinetuneConfig, data: LabelledSet, out: str) -> dict:
    """Trains, tests and exports a classifier, or goes on with the run in `out` where it was left.

    Writes to `out`: `run.json` (versions, settings, data), `history.csv`, `best.weights.h5` (the
    Keras model's of the best epoch), `backup/` (to resume from), `classifier/` (see
    `serving.classifier_export`) and, last, `results.json`. The test figures are those of the
    exported classifier.

    Returns:
        What `results.json` holds, see `finetune_report.results`.

    Raises:
        ValueError: settings that do not fit the data or the model, another run's folder, or a loss
            that is not finite.
        FileNotFoundError: a model that is not there.
        MediaError: a recording that cannot be read.
    """
    test_fold = config.test_fold or data.test_folds[-1]
    parts = finetune_data.split(data, test_fold, config.val_share, config.seed)
    settings = _settings(config, data)
    _check_folder(out, settings)
    finished = os.path.join(out, RESULTS_FILE)
    if tf.io.gfile.exists(finished):
        logging.info("%s is finished", out)
        with tf.io.gfile.GFile(finished) as file:
            return json.load(file)
    keras.utils.set_random_seed(config.seed)
    network = _network(config, len(data.classes))
    waveforms = read_clips(data, config.clip_secs)
    _write_run(out, settings, data.classes)
    start = time.perf_counter()
    rows = _fit(config, data, parts, waveforms, network, out)
    seconds = time.perf_counter() - start
    network.load_weights(os.path.join(out, BEST_FILE))
    folder = os.path.join(out, CLASSIFIER_FOLDER)
    save_classifier(network, data.classes, config.clip_secs, folder)
    predictions = _classify(folder, waveforms[parts.test], config.batch_size)
    results = finetune_report.results(data, parts, test_fold, predictions, rows, seconds)
    checkpoint.write_json(finished, results)
    return results


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} {value!r} is unknown; choose one of {choices}")


def _network(config: FinetuneConfig, classes: int) -> classifier.SoundClassifier:
    if config.is_pretrained:
        student, _ = pretrained.load(config.model)
        initialise.freeze_batch_norm(student)
    else:
        student = students.BUILDERS[config.model]()
    network = classifier.SoundClassifier(student, classes, config.layers)
    if config.freeze == "trunk":
        network.trunk.trainable = False
    return network


def _fit(config, data: LabelledSet, parts, waveforms, model, out: str) -> list[dict]:
    """Trains until the held-out loss falls no more; returns the rows of `history.csv`."""
    labels = data.labels
    weights = _class_weights(config, labels[parts.train], len(data.classes))
    if config.is_pretrained:
        heard = finetune_data.hear(model, waveforms[parts.train], config.batch_size)
        model.start(heard, labels[parts.train], weights)
    steps = finetune_data.steps_per_epoch(parts.train.size, config.batch_size)
    optimizer = build_optimizer(
        OptimizerConfig(config.learning_rate, trunk_scale=config.trunk_scale),
        config.epochs * steps,
        (classifier.HEAD,),
    )
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA's convolutions take longer on CPUs than oneDNN's
    )
    backup = Backup(os.path.join(out, "backup"), steps)
    backup.set_model(model)
    backup.on_train_begin()
    history_file = os.path.join(out, monitor.HISTORY_FILE)
    rows = monitor.read_history(history_file)[: backup.epochs_done]
    if len(rows) < config.epochs and not has_stalled(rows, config.patience):
        model.fit(
            finetune_data.train_batches(
                waveforms[parts.train],
                labels[parts.train],
                config.batch_size,
                config.augment,
                config.seed,
                config.epochs,
                backup.epochs_done,
            ),
            epochs=config.epochs,
            steps_per_epoch=steps,
            validation_data=finetune_data.eval_batches(
                waveforms[parts.validation], labels[parts.validation], config.batch_size
            ),
            class_weight=dict(enumerate(weights)),
            shuffle=False,
            verbose=0,
            callbacks=[
                ReseedDropout(config.seed),
                KeepBest(os.path.join(out, BEST_FILE), history_file, config.patience),
                monitor.History(out),
                finetune_report.Progress(config.epochs, history_file),
                backup,
            ],
        )
    return monitor.read_history(history_file)


def _class_weights(config: FinetuneConfig, labels: np.ndarray, classes: int) -> np.ndarray:
    if config.class_weights == "none":
        return np.ones(classes)
    return finetune_data.class_weights(labels, classes)


def _classify(folder: str, waveforms: np.ndarray, batch_size: int) -> np.ndarray:
    """The exported classifier's class indices int [clips]."""
    exported = tf.saved_model.load(folder)
    starts = range(0, len(waveforms), batch_size)
    batches = [exported(tf.constant(waveforms[s : s + batch_size])) for s in starts]
    return np.concatenate([b["probabilities"].numpy().argmax(axis=-1) for b in batches])


def _settings(config: FinetuneConfig, data: LabelledSet) -> dict:
    """What makes two runs the same one."""
    rows = [f"{os.path.basename(clip.path)},{clip.label},{clip.fold}" for clip in data.clips]
    return dataclasses.asdict(config) | {
        "layers": list(config.layers),  # as JSON gives it back
        "data": data.name,
        "clips": len(rows),
        "fingerprint": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
    }


def _write_run(out: str, settings: dict, classes: tuple[str, ...]) -> None:
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": settings,
        "classes": classes,
    }
    tf.io.gfile.makedirs(out)
    checkpoint.write_json(os.path.join(out, RUN_FILE), run)


def _check_folder(out: str, settings: dict) -> None:
    """ValueError if another run is in `out`."""
    path = os.path.join(out, RUN_FILE)
    if not tf.io.gfile.exists(path):
        return
    with tf.io.gfile.GFile(path) as file:
        old = json.load(file).get("settings", {})
    changed = [
        f"{name} was {old.get(name)}, now {settings.get(name)}"
        for name in sorted(old.keys() | settings.keys())
        if old.get(name) != settings.get(name)
    ]
    if changed:
        raise ValueError(
            f"{out} holds another run ({'; '.join(changed)}); choose another out folder, or go on "
            "with the settings of that run"
        )
