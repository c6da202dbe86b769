"""Our gradients beside those of plain Keras layers.

Rounding decides which way the gradient goes at a kink of ReLU or pool, and the more samples there
are, the more of them lie on one. So batches are small here and there are several; and plain layers
are compared with themselves, which rounds otherwise when clips come in another order.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmark import training_steps
from soundnet_tf.models import checkpoint
from soundnet_tf.models import student as students
from soundnet_tf.models.training_pass import training_pass

_CLIPS = 2
_DRAWS = 5


def compare(clip_secs: float) -> dict[str, float]:
    """Relative distances of the gradients of weights, |a - b| / |b|, over all weights and draws.

    Returns:
        `difference_median`, `difference_max`: of ours from those of plain layers with the same
        weights; `noise_median`, `noise_max`: of plain layers from themselves.
    """
    keras.utils.set_random_seed(0)
    plain, ours = students.SoundNet8(plain_layers=True), students.SoundNet8()
    checkpoint.copy_weights(plain, ours)
    distiller = training_steps.distiller(ours, training_steps.cached_teachers())
    of_plain = _gradients(plain, lambda waveform: plain(waveform, training=True))
    of_ours = _gradients(ours, lambda waveform: training_pass(ours, waveform))
    found = {"difference": [], "noise": []}
    for seed in range(_DRAWS):
        batch = training_steps.fixed_batch(_CLIPS, clip_secs, seed)
        given = batch["waveform"], distiller.targets(batch)
        turned = tf.nest.map_structure(lambda values: tf.reverse(values, [0]), given)
        expected = of_plain(*given)
        found["difference"] += _distances(of_ours(*given), expected)
        found["noise"] += _distances(of_plain(*turned), expected)
    measures = {"median": np.median, "max": np.max}
    return {
        f"{name}_{measure}": float(function(distances))
        for name, distances in found.items()
        for measure, function in measures.items()
    }


def _gradients(student: keras.Model, forward: Callable[[tf.Tensor], dict]):
    # A bias before a batch norm has a gradient of 0, of which plain layers make rounding noise.
    weights = [v for v in student.trainable_variables if not v.path.endswith("_conv/bias")]

    @tf.function
    def gradients(waveform, targets):
        with tf.GradientTape() as tape:
            loss = training_steps.kl_loss(forward(waveform), targets)
        return tape.gradient(loss, [weight.value for weight in weights])

    return gradients


def _distances(found: list[tf.Tensor], expected: list[tf.Tensor]) -> list[float]:
    pairs = zip(found, expected, strict=True)
    return [float(tf.norm(mine - its) / tf.norm(its)) for mine, its in pairs]
