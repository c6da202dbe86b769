"""What a held-out figure must be compared with: a constant answer, and the network at its start."""

import math
import os

import keras
import tensorflow as tf

from soundnet_tf.files import atomic
from soundnet_tf.files.progress import Bar
from soundnet_tf.training import losses

BASELINES_FILE = "baselines.json"

Baselines = dict[str, dict[str, float]]


def measure(distiller: keras.Model, train, validation, max_train_clips: int, bar: Bar) -> Baselines:
    """Held-out figures of answers that took no training.

    Args:
        distiller: as it is before its first step.
        train: evaluation batches of the training clips; the constant answer is the mean of what
            the teachers say about the first `max_train_clips` of them.
        validation: evaluation batches of held-out clips.
        max_train_clips: keeps a look at two million clips short.
        bar: that counts batches, see `batches`.

    Returns:
        {"start": the network's metrics before training, "constant": `kl_*` and `agreement_*` of
        always giving the training clips' mean posterior}.
    """
    start = distiller.evaluate(validation, return_dict=True, verbose=0, callbacks=[_Counted(bar)])
    constant = _constant(distiller, train, validation, max_train_clips, bar)
    return {"start": start, "constant": constant}


def batches(train_clips: int, held_out_clips: int, max_train_clips: int, batch_size: int) -> int:
    """How many `measure` looks at: twice at the held-out ones."""
    looked_at = (held_out_clips, min(train_clips, max_train_clips), held_out_clips)
    return sum(math.ceil(clips / batch_size) for clips in looked_at)


class _Counted(keras.callbacks.Callback):
    """Counts batches of an evaluation on a bar."""

    def __init__(self, bar: Bar):
        super().__init__()
        self._bar = bar

    def on_test_batch_end(self, batch, logs=None):
        self._bar.update()


def measure_once(folder: str, *args) -> Baselines:
    """`measure`, or what an earlier start of the run in `folder` measured."""
    path = os.path.join(folder, BASELINES_FILE)
    if found := atomic.read_json(path):
        return found
    baselines = measure(*args)
    atomic.write_json(path, baselines)
    return baselines


def _constant(distiller, train, validation, max_train_clips, bar: Bar) -> dict[str, float]:
    targets = tf.function(distiller.targets, autograph=False)
    sums, seen = {}, 0
    for batch in train:
        for head, (posteriors, mask) in targets(batch).items():
            total = tf.reduce_sum(tf.boolean_mask(posteriors, mask), axis=0)
            sums[head] = sums.get(head, 0.0) + total
        seen += len(batch["id"])
        bar.update()
        if seen >= max_train_clips:
            break
    # A sum of posteriors is its mean once it is normalised.
    log_means = {head: tf.math.log(total / tf.reduce_sum(total)) for head, total in sums.items()}
    means = {
        f"{kind}_{head}": keras.metrics.Mean() for kind in ("kl", "agreement") for head in sums
    }
    for batch in validation:
        for head, (posteriors, mask) in targets(batch).items():
            logits = tf.broadcast_to(log_means[head], tf.shape(posteriors))
            agreement = tf.argmax(posteriors, -1) == tf.argmax(logits, -1)
            means[f"kl_{head}"].update_state(losses.kl_divergence(posteriors, logits), mask)
            means[f"agreement_{head}"].update_state(tf.cast(agreement, tf.float32), mask)
        bar.update()
    return {name: float(mean.result()) for name, mean in means.items()}
