"""What goes on beside the steps of a run: what is written, looked at, saved and said, in order."""

import os

import keras
from absl import logging

from soundnet_tf.data import pipeline
from soundnet_tf.data.sources import Source
from soundnet_tf.models.settings import HEADS
from soundnet_tf.training import baselines, events, monitor, probe, rank, report, resuming, steps
from soundnet_tf.training.board import hparams
from soundnet_tf.training.board.budget import Budget
from soundnet_tf.training.board.look import Board
from soundnet_tf.training.board.profile import Profile
from soundnet_tf.training.board.settings import BoardConfig
from soundnet_tf.training.settings import ProbeConfig, TrainConfig

LOGS_FOLDER = "logs"

# Folder in the logs and name: what TensorBoard compares runs by.
METRICS = (
    ("validation", "loss"),
    *(("validation", f"{kind}_{head}") for head in HEADS for kind in ("kl", "agreement")),
    ("probe", "effective_rank"),
    *(("probe", f"probe/{layer}") for layer in ("pool5", "conv6", "conv4")),
)


def of_run(
    config: TrainConfig,
    judge: steps.Judge,
    training: Source,
    validation: Source,
    floor: baselines.Baselines,
    backup: resuming.Backup,
    out: str,
    probing: ProbeConfig | None,
    board: BoardConfig | None,
) -> list[keras.callbacks.Callback]:
    """In the order in which an epoch is written down; the backup comes last, so that whatever a
    kill left out is done again. Processes that do not write have those that all have to share."""
    distiller, is_chief = judge.distiller, judge.cluster.is_chief
    averages = keras.callbacks.SwapEMAWeights() if config.optimizer.ema_momentum else None
    saving = monitor.SaveStudents(
        out, distiller.student, distiller.labels, averages, writes=is_chief
    )
    swapping = [averages] if averages else []
    if not is_chief:
        return [*swapping, saving, backup]
    logs, batch_size = os.path.join(out, LOGS_FOLDER), config.pipeline.batch_size
    steps_per_epoch = config.steps_per_epoch(training.count)
    epochs = config.end(training.count) // steps_per_epoch
    if backup.steps_done:
        logging.info("resuming %s after %d steps", out, backup.steps_done)
    # Also of a run that was killed before its first checkpoint.
    events.forget_after(logs, backup.steps_done)
    step_monitor = monitor.StepMonitor(logs, batch_size)
    backup.before_keeping = step_monitor.send  # or a bucket would never have those steps
    looking = []
    if board:
        hparams.write(logs, hparams.of_settings(config), METRICS, out)
        budget = Budget(board.every, epochs)
        looking.append(Board(logs, judge, saving, training, validation, config, budget))
        looking += [Profile(logs, board.profile_steps)] if board.profile_steps else []
    return [
        *swapping,
        step_monitor,
        monitor.Lines(logs, floor),
        saving,
        *looking,
        _probe(config, probing or ProbeConfig(), training, out, epochs, saving),
        monitor.History(out),
        backup,
        report.Progress(floor, epochs, steps_per_epoch, batch_size),
    ]


def _probe(
    config: TrainConfig,
    probing: ProbeConfig,
    training: Source,
    out: str,
    epochs: int,
    saving: monitor.SaveStudents,
) -> probe.Probe:
    heard = probe.hear(probing) if probing.data else None
    floor = probe.untrained(heard, config.architecture) if heard else None
    clips = pipeline.eval_batches(training, config.pipeline, at_most=rank.CLIPS)
    is_trained = config.init_from is not None
    return probe.Probe(heard, clips, probing.every, out, epochs, saving, floor, is_trained)
