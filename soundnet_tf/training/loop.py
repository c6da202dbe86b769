"""One run: build student and distiller, measure baselines, fit, keep best and last, resume."""

import contextlib
import dataclasses
import os
from collections.abc import Mapping

import keras
import tensorflow as tf

from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import CACHED, MASK
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.sources import Source
from soundnet_tf.files import atomic, lock, storage
from soundnet_tf.models import checkpoint, initialise
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.training import (
    baselines,
    monitor,
    probe,
    resuming,
    steps,
    targets,
    verdict,
)
from soundnet_tf.training.board.settings import BoardConfig
from soundnet_tf.training.callbacks import of_run
from soundnet_tf.training.claimed import RUN_FILE, refuse_other_run
from soundnet_tf.training.cluster import Cluster, alone
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.optimizer import build_optimizer
from soundnet_tf.training.settings import ProbeConfig, TrainConfig
from soundnet_tf.version import __version__

FLAGS_FILE = "flags.txt"
VERDICT_FILE = "verdict.json"
Teachers = Mapping[str, Teacher | CachedTeacher]


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
    cluster: Cluster | None = None,
    checkpoint_every: int | None = None,
    board: BoardConfig | None = None,
) -> TrainResult | None:
    """Trains a student, or goes on with the run in `out` where it was left.

    Writes to `out`: `run.json` (versions, settings, teachers), `flags.txt` (the text given, as a
    flagfile), `baselines.json`, `history.csv`, `best/` and `last/` (students with labels),
    `backup/` (student and optimizer, to resume from), `probe.json`, `verdict.json` and `logs/`
    (TensorBoard, see `callbacks`); with labelled sounds to probe with also `best_probe/`.

    Of several processes all call this, with the same arguments but for `cluster`; all read the
    sources and the folder, the first one writes.

    Args:
        config: what is learned.
        training, validation: all clips of the run, whatever this process's share of them.
        out: folder of the run.
        flags: for `flags.txt`.
        probing: labelled sounds.
        cluster: who computes; None: this process alone, on one device.
        checkpoint_every: steps, see `resuming.Backup`.
        board: what TensorBoard shows beside the curves; None: nothing.

    Returns:
        What the run gave; None in processes that do not write.

    Raises:
        ValueError: settings that do not fit each other, a damaged shard, another run's folder, or
            labelled sounds that cannot be used.
        FileNotFoundError: weights, teachers or sounds that are not there.
        MediaError: a labelled sound that cannot be read.
        HeldError: the run goes on already, in another process.
        Stopped: the process was asked to end before the run's end.
    """
    cluster = cluster or alone()
    held = lock.hold_folder(out, "train") if cluster.is_chief else contextlib.nullcontext()
    with held, sources.damage_named(training, validation):
        config = targets.choose(config, training, validation)
        pipeline.check_fit(training, config.pipeline, cluster.share, cluster.replicas_here)
        counts = training.count, validation.count, training.frame_every_secs
        clips = (*counts, training.sha256, validation.sha256)
        given = [dataclasses.asdict(config), clips, checkpoint_every]
        cluster.check_alike("settings and clips", given)
        with cluster.strategy.scope():
            teachers = _teachers(config, training, validation)
        if config.pipeline.targets == CACHED:  # of these heads only
            training = dataclasses.replace(training, teachers=teachers)
            validation = dataclasses.replace(validation, teachers=teachers)
        if cluster.is_chief:
            _claim_folder(out, config, teachers, training, validation)
            atomic.write_bytes(os.path.join(out, FLAGS_FILE), os.fsencode(flags))
        with cluster.strategy.scope():
            distiller, head_starts = _build(config, teachers, training.count)
        judge = steps.Judge(distiller, cluster)
        floor = baselines.measure_once(out, judge, training, validation, config)
        backup = resuming.Backup(
            os.path.join(out, "backup"),
            config.steps_per_epoch(training.count),
            cluster,
            checkpoint_every,
        )
        backup.set_model(distiller)
        with cluster.strategy.scope():
            backup.restore()
        cluster.check_alike("checkpoint to go on from", backup.steps_done)
        is_finished = backup.steps_done >= config.end(training.count)
        if not is_finished:
            if cluster.is_chief:
                storage.remove(os.path.join(out, VERDICT_FILE))  # of a shorter run that goes on
            callbacks = of_run(
                config, judge, training, validation, floor, backup, out, probing, board
            )
            _fit(config, judge, training, validation, backup.steps_done, callbacks)
        found = _verdict(out, judge, training, config, floor, is_finished)
        if not cluster.is_chief:
            return None
        probed = atomic.read_json(os.path.join(out, probe.PROBE_FILE))
        said = (found["verdict"], found["reasons"])
        return TrainResult(_history(out), floor, head_starts, probed, said)


def _teachers(config: TrainConfig, training: Source, validation: Source) -> Teachers:
    if config.pipeline.targets == CACHED:
        return targets.cached_teachers(config.teachers, training, validation)
    return targets.online_teachers(config.teachers)


def _build(config: TrainConfig, teachers: Teachers, clips: int):
    """The distiller, ready to train, and how many rows its heads took over."""
    # After the teachers, whose layers drew numbers: the start is to depend on the seed alone.
    keras.utils.set_random_seed(config.seed)
    with standard_settings(config.precision):
        student = students.BUILDERS[config.architecture](
            object_classes=_classes(teachers, "objects"), scene_classes=_classes(teachers, "scenes")
        )
    head_starts = {}
    if config.init_from:
        head_starts = initialise.initialise(student, _labels(teachers), config.init_from)
    if config.freeze_batch_norm:
        initialise.freeze_batch_norm(student)
    mask_sound = config.pipeline.short == MASK
    distiller = Distiller(student, teachers, config.distill, mask_sound, config.seed)
    optimizer = build_optimizer(
        config.optimizer, config.end(clips), distiller.heads, config.precision
    )
    distiller.compile(optimizer=optimizer)
    return distiller, head_starts


def _classes(teachers: Teachers, head: str) -> int | None:
    return teachers[head].classes if head in teachers else None


def _labels(teachers: Teachers) -> checkpoint.Labels:
    return {head: teacher.labels for head, teacher in teachers.items()}


def _claim_folder(
    out: str, config: TrainConfig, teachers: Teachers, training: Source, validation: Source
):
    """Writes `run.json`, or checks that the run in `out` is this one. Its length may grow."""
    run = {
        "soundnet_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "settings": dataclasses.asdict(config),
        "fingerprints": {head: teacher.fingerprint for head, teacher in teachers.items()},
        "clips": {"train": training.count, "validation": validation.count},
        "clips_sha256": {"train": training.sha256, "validation": validation.sha256},
        "frame_every_secs": training.frame_every_secs,
    }
    refuse_other_run(out, run)
    storage.make_folder(out)
    atomic.write_json(os.path.join(out, RUN_FILE), run)


def _fit(
    config: TrainConfig,
    judge: steps.Judge,
    training: Source,
    validation: Source,
    done: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    cluster, end = judge.cluster, config.end(training.count)
    batches = pipeline.train_batches(
        training, config.pipeline, end, config.seed, done, cluster.share, cluster.replicas_here
    )
    held_out = pipeline.eval_batches(validation, config.pipeline, cluster.share)
    steps.fit(judge, batches, held_out, end, config.steps_per_epoch(training.count), callbacks)


def _verdict(
    out: str,
    judge: steps.Judge,
    training: Source,
    config: TrainConfig,
    floor: baselines.Baselines,
    is_finished: bool,
) -> dict:
    """What `verdict.json` holds, of the student that was saved as the last one; of a run that was
    finished before it is read, if it is there."""
    path = os.path.join(out, VERDICT_FILE)
    found = atomic.read_json(path) if is_finished else None
    if judge.cluster.any(not found):
        last, _ = checkpoint.load_student(os.path.join(out, "last"))
        checkpoint.copy_weights(last, judge.distiller.student)
        clips = config.baseline_clips
        seen = pipeline.eval_batches(training, config.pipeline, judge.cluster.share, clips)
        figures = judge(seen)
        if judge.cluster.is_chief:
            probed = atomic.read_json(os.path.join(out, probe.PROBE_FILE))
            held_out = _validation(_history(out)[-1])
            is_control = config.distill.shuffled_pairs
            word, reasons = verdict.verdict(held_out, figures, floor, probed, is_control)
            found = {"verdict": word, "reasons": reasons, "training": figures}
            atomic.write_json(path, found)
    return found


def _history(out: str) -> list[dict[str, float]]:
    rows = monitor.read_history(os.path.join(out, monitor.HISTORY_FILE))
    return [{name: float(value) for name, value in row.items()} for row in rows]


def _validation(row: Mapping[str, float]) -> dict[str, float]:
    prefix = "val_"
    return {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}
