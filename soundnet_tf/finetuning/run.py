"""Fine-tuning: a trained SoundNet learns the classes of a labelled set, is tested and exported.

It is trained twice: first without some held-out clips, to see after how many epochs their loss is
least, then for so many epochs on all clips but the test fold's. With few clips each one counts.
Where none is held out there is only the second training, for all epochs.
"""

import os
import time

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf.files import atomic, lock, storage
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.finetuning import batches, board, classifier, report
from soundnet_tf.finetuning.callbacks import (
    RefuseInfinite,
    ReseedDropout,
    StopEarly,
    best_row,
    has_stalled,
)
from soundnet_tf.finetuning.export import save_classifier
from soundnet_tf.finetuning.folder import check_folder, note_recordings, write_run
from soundnet_tf.finetuning.settings import NONE, TRUNK, FinetuneConfig
from soundnet_tf.models import initialise, pretrained
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.training import monitor
from soundnet_tf.training.optimizer import build_optimizer
from soundnet_tf.training.settings import OptimizerConfig

RESULTS_FILE = "results.json"
CLASSIFIER_FOLDER = "classifier"


@standard_settings()
def finetune(config: FinetuneConfig, data: LabelledSet, out: str, checksum: bool = False) -> dict:
    """Trains, tests and exports a classifier, or goes on with the run in `out` where it was left.

    Writes to `out`: `run.json` (versions, settings, data), `history.csv` (of the first training),
    `backup/` and `backup_all/` (to resume from), `logs/` (TensorBoard, see `board`), `classifier/`
    (see `finetuning.export`) and, last, `results.json`. The test figures are those of the exported
    classifier. With checksum the recordings of a run that is gone on with are known by their
    content.

    Returns:
        What `results.json` holds, see `report.results`.

    Raises:
        ValueError: settings that do not fit the data or the model, another run's folder, or a loss
            that is not finite.
        FileNotFoundError: a model that is not there.
        MediaError: a recording that cannot be read.
        HeldError: the run goes on already, in another process.
    """
    with lock.hold_folder(out, "finetune"):
        return _finetune(config, data, out, checksum)


def _finetune(config: FinetuneConfig, data: LabelledSet, out: str, checksum: bool) -> dict:
    test_fold = config.test_fold or data.test_folds[-1]
    parts = batches.split(data, test_fold, config.val_share, config.seed)
    recordings = note_recordings(data, checksum)
    check_folder(out, config, data, recordings)
    finished = os.path.join(out, RESULTS_FILE)
    if found := atomic.read_json(finished):
        logging.info("%s is finished", out)
        return found
    _network(config, len(data.classes))  # fails before anything is written
    waveforms = read_clips(data, config.clip_secs)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    write_run(out, config, data, recordings, versions)
    board.write_settings(out, config)
    start = time.perf_counter()
    rows = _search(config, data, parts, waveforms, out) if len(parts.validation) else []
    epochs = int(best_row(rows)["epoch"]) + 1 if rows else config.epochs
    network = _fit_all(config, data, parts, waveforms, epochs, out)
    seconds = time.perf_counter() - start
    folder = os.path.join(out, CLASSIFIER_FOLDER)
    save_classifier(network, data.classes, config.clip_secs, folder)
    predictions = _classify(folder, waveforms[parts.test], config.batch_size)
    results = report.results(data, parts, test_fold, predictions, rows, epochs, seconds)
    board.write_test(out, results["accuracy"], epochs)
    atomic.write_json(finished, results)
    return results


def _network(config: FinetuneConfig, classes: int) -> classifier.SoundClassifier:
    if config.is_pretrained:
        student, _ = pretrained.load(config.model)
        initialise.freeze_batch_norm(student)
    else:
        student = students.BUILDERS[config.model]()
    network = classifier.SoundClassifier(student, classes, config.layers, config.dropout)
    if config.freeze == TRUNK:
        network.trunk.trainable = False
    return network


def _search(config, data: LabelledSet, parts, waveforms, out: str) -> list[dict]:
    """Trains until the held-out loss falls no more; returns the rows of `history.csv`."""
    history_file = os.path.join(out, monitor.HISTORY_FILE)
    network, backup = _begin(config, data, waveforms, parts.train, config.epochs, f"{out}/backup")
    rows = monitor.read_history(history_file)[: backup.epochs_done]
    if len(rows) < config.epochs and not has_stalled(rows, config.patience):
        held_out = batches.eval_batches(
            waveforms[parts.validation],
            data.labels[parts.validation],
            config.batch_size,
            len(data.classes) if config.changes.mix_share else None,
        )
        steps = batches.steps_per_epoch(len(parts.train), config.batch_size)
        callbacks = [
            StopEarly(history_file, config.patience),
            monitor.History(out),
            board.Board(out, board.FIRST, config.epochs, backup.steps_done),
            report.Progress(config.epochs, steps, config.batch_size, history_file),
        ]
        _train(
            config,
            data,
            waveforms,
            parts.train,
            network,
            backup,
            config.epochs,
            callbacks,
            held_out,
        )
    return monitor.read_history(history_file)


def _fit_all(config, data: LabelledSet, parts, waveforms, epochs: int, out: str):
    """The network after so many epochs of all clips but the test fold's."""
    clips = np.union1d(parts.train, parts.validation)
    network, backup = _begin(config, data, waveforms, clips, epochs, f"{out}/backup_all")
    if backup.epochs_done < epochs:
        steps = batches.steps_per_epoch(len(clips), config.batch_size)
        callbacks = [
            board.Board(out, board.ALL, epochs, backup.steps_done),
            report.Countdown(epochs, steps, config.batch_size),
        ]
        _train(config, data, waveforms, clips, network, backup, epochs, callbacks)
    return network


def _begin(config, data: LabelledSet, waveforms, clips, epochs: int, folder: str):
    """A network ready to train on `clips`, or as it was when training was interrupted; and the
    backup that knows."""
    keras.utils.set_random_seed(config.seed)
    network = _network(config, len(data.classes))
    if config.is_pretrained:
        heard = batches.hear(network, waveforms[clips], config.batch_size)
        labels = data.labels[clips]
        network.start(heard, labels, _class_weights(config, labels, len(data.classes)))
    steps = batches.steps_per_epoch(len(clips), config.batch_size)
    optimizer = build_optimizer(
        OptimizerConfig(config.learning_rate, config.schedule, trunk_scale=config.trunk_scale),
        epochs * steps,
        (classifier.HEAD,),
    )
    optimizer.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if config.changes.mix_share:  # a clip is of two classes
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    network.compile(
        optimizer,
        loss,
        metrics=["accuracy"],
        jit_compile=False,  # XLA's convolutions take longer on CPUs than oneDNN's
    )
    backup = monitor.Backup(folder, steps)
    backup.set_model(network)
    backup.on_train_begin()
    return network, backup


def _train(
    config, data, waveforms, clips, network, backup, epochs: int, callbacks, held_out=None
) -> None:
    labels = data.labels[clips]
    weights = _class_weights(config, labels, len(data.classes))
    clips_of_epochs = batches.train_batches(
        waveforms[clips],
        labels,
        config.batch_size,
        config.augment,
        config.seed,
        epochs,
        backup.epochs_done,
        config.changes,
        weights,
    )
    network.fit(
        clips_of_epochs,
        epochs=epochs,
        steps_per_epoch=batches.steps_per_epoch(len(clips), config.batch_size),
        validation_data=held_out,
        # Of mixed clips the batches say it: Keras would weigh them by their greater class alone.
        class_weight=None if config.changes.mix_share else dict(enumerate(weights)),
        shuffle=False,
        verbose=0,
        callbacks=[ReseedDropout(config.seed), RefuseInfinite(), *callbacks, backup],
    )


def _class_weights(config: FinetuneConfig, labels: np.ndarray, classes: int) -> np.ndarray:
    if config.class_weights == NONE:
        return np.ones(classes)
    return batches.class_weights(labels, classes)


def _classify(folder: str, waveforms: np.ndarray, batch_size: int) -> np.ndarray:
    """The exported classifier's class indices int [clips]."""
    with storage.local(folder) as local:
        exported = tf.saved_model.load(local)
    starts = range(0, len(waveforms), batch_size)
    starts = progress_bar(len(starts), "testing", "batch", items=starts, leave=False)
    outputs = [exported(tf.constant(waveforms[s : s + batch_size])) for s in starts]
    return np.concatenate([o["probabilities"].numpy().argmax(axis=-1) for o in outputs])
