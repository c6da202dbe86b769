"""Distillation losses for one head, on the teacher's posteriors and the student's logits.

All is computed in float32 from `log_softmax` of the logits: Keras's own KL divergence clips
probabilities at 1e-7, which stops the gradient of exactly those classes that should grow.
"""

import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.training.settings import KL, L2, MEAN, PAPER


def kl_divergence(targets, logits, temperature: float = 1.0) -> tf.Tensor:
    """KL(teacher || student) of every step, in nats (paper, equation 1).

    Args:
        targets: [..., classes], posteriors; a zero costs nothing, whatever the student says.
        logits: [..., classes], of any floating dtype.
        temperature: T softens both sides: targets to p^(1/T), normalised, logits to z/T. The result
            is multiplied by T^2, so that gradients keep their size (Hinton et al. 2015).

    Returns:
        float32 [...].
    """
    targets = tf.cast(targets, tf.float32)
    logits = tf.cast(logits, tf.float32)
    if temperature != 1.0:
        targets = tf.math.pow(targets, 1.0 / temperature)
        targets = tf.math.divide_no_nan(targets, tf.reduce_sum(targets, -1, keepdims=True))
    log_student = tf.nn.log_softmax(logits / temperature)
    divergence = tf.math.xlogy(targets, targets) - tf.math.multiply_no_nan(log_student, targets)
    return tf.reduce_sum(divergence, -1) * temperature**2


def squared_error(targets, logits) -> tf.Tensor:
    """Sum over classes of the squared difference of probabilities (the paper's l2 ablation).

    Args and result: as `kl_divergence`, float32 [...].
    """
    difference = tf.cast(targets, tf.float32) - tf.nn.softmax(tf.cast(logits, tf.float32))
    return tf.reduce_sum(tf.square(difference), -1)


def masked_mean(values, mask, count=None) -> tf.Tensor:
    """Mean of `values` where `mask` is true, in float32; 0 when it is true nowhere. With a `count`
    (float32 []) their sum over that: a part of the mean of more values than are here."""
    weights = tf.cast(mask, tf.float32)
    count = tf.reduce_sum(weights) if count is None else count
    return tf.math.divide_no_nan(tf.reduce_sum(values * weights), count)


def head_loss(
    targets,
    logits,
    mask,
    loss: str = KL,
    reduction: str = MEAN,
    heads: int = 1,
    temperature: float = 1.0,
    count: tf.Tensor | None = None,
) -> tf.Tensor:
    """The loss of one head over a batch.

    Args:
        targets: float32 [batch, steps, classes].
        logits: [batch, steps, classes].
        mask: bool [batch, steps], the steps that count.
        loss: "kl" or "l2".
        reduction: "mean" over the valid steps; "paper" divides that by the number of classes and
            of heads and multiplies by 250, as the released code's averaged criteria did (so a step
            of a 401-class head weighs 1000/401 times a step of a 1000-class head).
        heads: how many heads are trained together; used by reduction="paper".
        temperature: for loss="kl".
        count: float32 [], valid steps of the whole batch, if this is a part of it.

    Returns:
        float32 []; of a part its share, so that parts add up.

    Raises:
        ValueError: an unknown loss or reduction.
    """
    if loss == KL:
        per_step = kl_divergence(targets, logits, temperature)
    elif loss == L2:
        per_step = squared_error(targets, logits)
    else:
        raise ValueError(f"loss {loss!r} is unknown; choose one of {KL}, {L2}")
    mean = masked_mean(per_step, mask, count)
    if reduction == MEAN:
        return mean
    if reduction == PAPER:
        return mean * constants.PAPER_LOSS_SCALE / (heads * targets.shape[-1])
    raise ValueError(f"reduction {reduction!r} is unknown; choose one of {MEAN}, {PAPER}")
