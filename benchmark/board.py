"""What TensorBoard takes of a training: curves at every step, and looks after epochs."""

import dataclasses
import os
import tempfile
from collections.abc import Callable

from benchmark import material, pipeline, timing, training_steps
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf.constants import BATCH_SIZE
from soundnet_tf.data.pipeline import eval_batches, train_batches
from soundnet_tf.data.sources import Source
from soundnet_tf.models import student as students
from soundnet_tf.training.board.budget import SHARE, Budget
from soundnet_tf.training.board.look import Board
from soundnet_tf.training.board.projector import CLIPS
from soundnet_tf.training.cluster import alone
from soundnet_tf.training.monitor import SaveStudents, StepMonitor
from soundnet_tf.training.settings import TrainConfig
from soundnet_tf.training.steps import Judge, compiled

FIGURES = {
    "board.curves_over_plain": "a training step with cached targets and its points in TensorBoard "
    "over one without",
    "board.look_seconds": "a look in TensorBoard at filters, histograms, clips, classes and "
    f"projector, of {CLIPS} held-out clips",
    "board.look_in_steps": f"it takes as long as so many steps of {BATCH_SIZE} clips",
    "board.share_at_defaults": f"of a long run's time in steps of {BATCH_SIZE} clips, what curves "
    f"and looks take, these at most {SHARE:.0%}",
}

_STEPS = 8
_WITHOUT_END = 1_000_000  # steps


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    clips = {"batch_size": settings.batch_size, "clip_secs": settings.clip_secs}
    arguments = clips | {"shards": material.shards(settings, settings.clips)}
    contestants = {
        "plain": Contestant(steps, arguments | {"curves": False}),
        "curves": Contestant(steps, arguments | {"curves": True}),
        "look": Contestant(look, arguments),
    }
    measured = timing.measure("board", contestants, settings.rounds)
    plain, curves = measured["plain"], measured["curves"]
    whole_step_secs = plain.median_secs / _STEPS * BATCH_SIZE / settings.batch_size
    of_curves = (curves.over(plain) - 1) * settings.batch_size / BATCH_SIZE
    return {
        "board.curves_over_plain": curves.over(plain),
        "board.look_seconds": measured["look"].median_secs,
        "board.look_in_steps": measured["look"].median_secs / whole_step_secs,
        "board.share_at_defaults": max(of_curves, 0.0) + SHARE,
    }


def steps(shards: str, batch_size: int, clip_secs: float, curves: bool) -> Callable[[], float]:
    """Contestant: training goes on for some steps, with or without what is written of each."""
    source = pipeline.source_of(shards)
    distiller = _distiller(source)
    batches = iter(train_batches(source, pipeline.config(batch_size, clip_secs), _WITHOUT_END))
    step = compiled(distiller, alone())
    callbacks = (
        [StepMonitor(os.path.join(tempfile.mkdtemp(), "logs"), batch_size)] if curves else []
    )
    for callback in callbacks:
        callback.set_model(distiller)
        callback.on_epoch_begin(0)

    def run():
        for number in range(_STEPS):
            logs = {name: float(value) for name, value in step(next(batches)).items()}
            for callback in callbacks:
                callback.on_train_batch_end(number, logs)
        return logs["loss"]

    return run


def look(shards: str, batch_size: int, clip_secs: float) -> Callable[[], None]:
    """Contestant: a look after an epoch, the first one excepted."""
    source = _of_many(pipeline.source_of(shards))
    config = TrainConfig(pipeline=pipeline.config(batch_size, clip_secs))
    distiller = _distiller(source)
    judge = Judge(distiller, alone())
    judge(eval_batches(source, config.pipeline, at_most=batch_size))
    saving = SaveStudents(tempfile.mkdtemp(), distiller.student, distiller.labels)
    logs, budget = tempfile.mkdtemp(), Budget(1, _WITHOUT_END)
    board = Board(logs, judge, saving, source, source, config, budget)
    board.set_model(distiller)
    return lambda: board.on_epoch_end(1)


def _distiller(source: Source):
    classes = {f"{head[:-1]}_classes": teacher.classes for head, teacher in source.teachers.items()}
    return training_steps.distiller(students.SoundNet8(**classes), source.teachers)


def _of_many(source: Source) -> Source:
    """The same clips again and again, as many as are shown."""

    def read(numbers, in_training):
        return source.read(numbers % source.count, in_training)

    return dataclasses.replace(source, count=CLIPS, read=read)
