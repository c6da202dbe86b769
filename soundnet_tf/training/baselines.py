"""What a held-out figure must be compared with: a constant answer, and the network at its start."""

import functools
import os

import keras
import tensorflow as tf

from soundnet_tf.data import pipeline
from soundnet_tf.data.elements import elements
from soundnet_tf.data.sources import Source
from soundnet_tf.files import atomic
from soundnet_tf.files.progress import Bar, progress_bar
from soundnet_tf.training import losses
from soundnet_tf.training.settings import TrainConfig
from soundnet_tf.training.steps import Judge

BASELINES_FILE = "baselines.json"

Baselines = dict[str, dict[str, float]]


def measure_once(
    folder: str, judge: Judge, training: Source, validation: Source, config: TrainConfig
) -> Baselines:
    """Held-out figures of answers that took no training, or those that an earlier start of the run
    in `folder` measured.

    Args:
        folder: of the run.
        judge: of the distiller as it is before its first step. Of a cluster's processes all call
            this.
        training: the constant answer is the mean of what the teachers say about the first
            `config.baseline_clips` of its clips: a look at two million is to be short.
        validation: the held-out clips.
        config: of the run.

    Returns:
        {"start": the network's metrics before training, "constant": `kl_*` and `agreement_*` of
        always giving the training clips' mean posterior}; where nothing is written nothing.
    """
    path, cluster = os.path.join(folder, BASELINES_FILE), judge.cluster
    found = atomic.read_json(path) if cluster.is_chief else None
    if cluster.any(cluster.is_chief and not found):
        found = _measure(judge, training, validation, config)
        if cluster.is_chief:
            atomic.write_json(path, found)
    return found or {}


def _measure(judge: Judge, training: Source, validation: Source, config: TrainConfig) -> Baselines:
    batches = functools.partial(pipeline.eval_batches, config=config.pipeline)
    share, is_chief = judge.cluster.share, judge.cluster.is_chief
    train = batches(training, at_most=config.baseline_clips)
    held_out, ours = batches(validation), batches(validation, share=share)
    count = sum(int(b.cardinality()) for b in (ours, train, held_out))
    with progress_bar(count, "baselines", "batch", is_chief, leave=False) as bar:
        counted = keras.callbacks.CallbackList([_Counted(bar)], model=judge.distiller)
        start = judge(ours, counted)
        constant = _constant(judge.distiller, train, held_out, bar) if is_chief else {}
    return {"start": start, "constant": constant}


class _Counted(keras.callbacks.Callback):
    """Counts batches of an evaluation on a bar."""

    def __init__(self, bar: Bar):
        super().__init__()
        self._bar = bar

    def on_test_batch_end(self, batch, logs=None):
        self._bar.update()


def _constant(distiller, train, validation, bar: Bar) -> dict[str, float]:
    targets = tf.function(distiller.targets, autograph=False)
    sums = {}
    for batch in elements(train):
        for head, (posteriors, mask) in targets(batch).items():
            total = tf.reduce_sum(tf.boolean_mask(posteriors, mask), axis=0)
            sums[head] = sums.get(head, 0.0) + total
        bar.update()
    # A sum of posteriors is its mean once it is normalised.
    log_means = {head: tf.math.log(total / tf.reduce_sum(total)) for head, total in sums.items()}
    means = {
        f"{kind}_{head}": keras.metrics.Mean() for kind in ("kl", "agreement") for head in sums
    }
    for batch in elements(validation):
        for head, (posteriors, mask) in targets(batch).items():
            logits = tf.broadcast_to(log_means[head], tf.shape(posteriors))
            agreement = tf.argmax(posteriors, -1) == tf.argmax(logits, -1)
            means[f"kl_{head}"].update_state(losses.kl_divergence(posteriors, logits), mask)
            means[f"agreement_{head}"].update_state(tf.cast(agreement, tf.float32), mask)
        bar.update()
    return {name: float(mean.result()) for name, mean in means.items()}
