"""One run: build student and distiller, measure baselines, fit, keep best and last, resume."""

import dataclasses
import os
from collections.abc import Mapping

import keras
import tensorflow as tf
from absl import logging

from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.settings import CACHED, MASK
from soundnet_tf.data.sources import Source
from soundnet_tf.files import atomic, lock, storage
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models import checkpoint, initialise
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.training import baselines, monitor, probe, rank, report, targets, verdict
from soundnet_tf.training.claimed import RUN_FILE, refuse_other_run
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.optimizer import build_optimizer
from soundnet_tf.training.settings import ProbeConfig, TrainConfig
from soundnet_tf.version import __version__

FLAGS_FILE = "flags.txt"
VERDICT_FILE = "verdict.json"


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a run gave.

    Attributes:
        history: rows by epoch.
        baselines: held-out figures beside them.
        head_starts: of a trained network, how many rows of each head were taken over.
        probed: what `probe.json` holds.
        verdict: "learned", "fits" or "nothing", and sentences that say why; see `verdict`.
    """

    history: list[dict[str, float]]
    baselines: baselines.Baselines
    head_starts: Mapping[str, initialise.HeadStart]
    probed: Mapping
    verdict: tuple[str, list[str]]


@standard_settings()
def train(
    config: TrainConfig,
    training: Source,
    validation: Source,
    out: str,
    flags: str = "",
    probing: ProbeConfig | None = None,
) -> TrainResult:
    """Trains a student, or goes on with the run in `out` where it was left.

    Writes to `out`: `run.json` (versions, settings, teachers), `flags.txt` (the text given, as a
    flagfile), `baselines.json`, `history.csv`, `best/` and `last/` (students with labels),
    `backup/` (student and optimizer, to resume from), `probe.json`, `verdict.json` and `logs/`
    (TensorBoard); with labelled sounds to probe with also `best_probe/`.

    Raises:
        ValueError: settings that do not fit each other, another run's folder, or labelled sounds
            that cannot be used.
        FileNotFoundError: weights, teachers or sounds that are not there.
        MediaError: a labelled sound that cannot be read.
        HeldError: the run goes on already, in another process.
    """
    with lock.hold_folder(out, "train"):
        return _train(config, training, validation, out, flags, probing)


def _train(
    config: TrainConfig,
    training: Source,
    validation: Source,
    out: str,
    flags: str,
    probing: ProbeConfig | None,
) -> TrainResult:
    config = targets.choose(config, training, validation)
    pipeline.check_fit(training, config.pipeline)
    steps_per_epoch = training.count * config.passes // config.pipeline.batch_size
    epochs = -(-config.steps // steps_per_epoch) if config.steps else config.epochs
    with _strategy().scope():
        teachers = _teachers(config, training, validation)
        labels = {head: teacher.labels for head, teacher in teachers.items()}
        _claim_folder(out, config, teachers, training, validation)
        atomic.write_bytes(os.path.join(out, FLAGS_FILE), os.fsencode(flags))
        heard = probe.hear(probing) if probing and probing.data else None
        untrained = probe.untrained(heard, config.architecture) if heard else None
        # After the teachers, whose layers drew numbers: the start is to depend on the seed alone.
        keras.utils.set_random_seed(config.seed)
        student, head_starts = _build_student(config, teachers, labels)
        mask_sound = config.pipeline.short == MASK
        distiller = Distiller(student, teachers, config.distill, mask_sound, config.seed)
        optimizer = build_optimizer(config.optimizer, epochs * steps_per_epoch, distiller.heads)
        distiller.compile(optimizer=optimizer)
    if config.pipeline.targets == CACHED:  # of these heads only
        training = dataclasses.replace(training, teachers=teachers)
        validation = dataclasses.replace(validation, teachers=teachers)
    validation_batches = pipeline.eval_batches(validation, config.pipeline)
    batch_size, at_most = config.pipeline.batch_size, config.baseline_clips
    batches = baselines.batches(training.count, validation.count, at_most, batch_size)
    with progress_bar(batches, "baselines", "batch", leave=False) as bar:
        training_batches = pipeline.eval_batches(training, config.pipeline)
        floor = baselines.measure_once(
            out, distiller, training_batches, validation_batches, at_most, bar
        )
    backup = monitor.Backup(os.path.join(out, "backup"), steps_per_epoch)
    backup.set_model(distiller)
    backup.on_train_begin()
    is_finished = backup.epochs_done >= epochs
    if not is_finished:
        averages = keras.callbacks.SwapEMAWeights() if config.optimizer.ema_momentum else None
        saving = monitor.SaveStudents(out, student, labels, averages)
        probes = probe.Probe(
            heard,
            training_batches.take(-(-rank.CLIPS // batch_size)),
            (probing or ProbeConfig()).every,
            out,
            epochs,
            saving,
            untrained,
            from_trained=config.init_from is not None,
        )
        logs = os.path.join(out, "logs")
        if backup.epochs_done:
            logging.info("resuming %s after %d epochs", out, backup.epochs_done)
        distiller.fit(
            pipeline.train_batches(
                sources.repeated(training, config.passes),
                config.pipeline,
                epochs,
                config.seed,
                first_epoch=backup.epochs_done,
            ),
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            validation_data=validation_batches,
            shuffle=False,
            verbose=0,
            # In the order in which an epoch is written down; the backup comes last, so that
            # whatever a kill left out is done again.
            callbacks=[
                *([averages] if averages else []),
                monitor.StepMonitor(logs, batch_size),
                monitor.Lines(logs, floor),
                saving,
                probes,
                monitor.History(out),
                backup,
                report.Progress(floor, epochs, steps_per_epoch, batch_size),
            ],
        )
    rows = monitor.read_history(os.path.join(out, monitor.HISTORY_FILE))
    history = [{name: float(value) for name, value in row.items()} for row in rows]
    probed = atomic.read_json(os.path.join(out, probe.PROBE_FILE))
    found = atomic.read_json(os.path.join(out, VERDICT_FILE)) if is_finished else None
    if not found:
        seen = training_batches.take(-(-at_most // batch_size))
        is_control = config.distill.shuffled_pairs
        found = _judge(out, distiller, seen, history[-1], floor, probed, is_control)
    return TrainResult(history, floor, head_starts, probed, (found["verdict"], found["reasons"]))


def _judge(
    out: str, distiller: Distiller, training_batches, row, floor, probed, is_control: bool
) -> dict:
    """Writes `verdict.json`, of the student that was saved as the last one."""
    last, _ = checkpoint.load_student(os.path.join(out, "last"))
    checkpoint.copy_weights(last, distiller.student)
    training = distiller.evaluate(training_batches, return_dict=True, verbose=0)
    prefix = "val_"
    held_out = {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}
    word, reasons = verdict.verdict(held_out, training, floor, probed, is_control)
    content = {"verdict": word, "reasons": reasons, "training": training}
    atomic.write_json(os.path.join(out, VERDICT_FILE), content)
    return content


def _strategy() -> tf.distribute.Strategy:
    """All GPUs of the machine at once; else the one device there is."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def _teachers(config: TrainConfig, training: Source, validation: Source):
    if config.pipeline.targets == CACHED:
        return targets.cached_teachers(config.teachers, training, validation)
    return targets.online_teachers(config.teachers)


def _build_student(config: TrainConfig, teachers, labels):
    with standard_settings("mixed_bfloat16" if config.mixed_bfloat16 else "float32"):
        student = students.BUILDERS[config.architecture](
            object_classes=_classes(teachers, "objects"), scene_classes=_classes(teachers, "scenes")
        )
    head_starts = {}
    if config.init_from:
        head_starts = initialise.initialise(student, labels, config.init_from)
    if config.freeze_batch_norm:
        initialise.freeze_batch_norm(student)
    return student, head_starts


def _classes(teachers, head: str) -> int | None:
    return teachers[head].classes if head in teachers else None


def _claim_folder(out: str, config: TrainConfig, teachers, training: Source, validation: Source):
    """Writes `run.json`, or checks that the run in `out` is this one. Its length may grow."""
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": dataclasses.asdict(config),
        "fingerprints": {head: teacher.fingerprint for head, teacher in teachers.items()},
        "clips": {"train": training.count, "validation": validation.count},
        "frame_every_secs": training.frame_every_secs,
    }
    refuse_other_run(out, run)
    storage.make_folder(out)
    atomic.write_json(os.path.join(out, RUN_FILE), run)
