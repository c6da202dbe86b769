"""The student's forward pass in training, with as few passes over memory as it takes.

Most of a step of plain layers is spent on moving conv1's output, 14 MB a clip of 20 s, through
batch norm, ReLU and pool and back. All three keep order, so the pool can come first and the others
see an eighth of it; only mean and variance still need all steps. Where a gamma is negative the
batch norm turns order around: the kernel's sign is turned with it.

The weights are the layers' own, and so are the results, up to rounding.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from soundnet_tf.models import architecture as arch
from soundnet_tf.models import devices, replicas
from soundnet_tf.models import student as students
from soundnet_tf.models.convolution import convolve
from soundnet_tf.models.finite import zero_or_nan


def training_pass(student: keras.Model, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """What `student(waveform, training=True)` gives; moving averages move likewise.

    Args:
        student: a SoundNet with heads.
        waveform: float32 [batch, samples], mono, 22 050 Hz, in [-1, 1].

    Returns:
        Head name to logits [batch, steps, classes]. NaN or infinite samples of one clip make them
        all NaN, since they are in the batch's statistics; where those are frozen only its own.
    """
    architecture = students.architecture_of(student)
    last = architecture.trunk[-1].name
    x = _pad(architecture.head, trunk_pass(student, waveform, [last])[last])
    return {head: _convolve(student.get_layer(head), x) for head in students.heads_of(student)}


def trunk_pass(
    student: keras.Model, waveform: tf.Tensor, layers: Sequence[str], training: bool = True
) -> dict[str, tf.Tensor]:
    """What layers of the trunk give, [batch, steps, channels] each. Batch norms that are not
    trainable use their moving averages, as always in Keras.

    Raises:
        ValueError: the trunk has no such layer.
    """
    outputs = {}
    nothing = zero_or_nan(waveform)
    x = student.get_layer("scale")(student.get_layer("one_channel")(waveform))
    for conv, pool in students.architecture_of(student).blocks:
        if set(layers) <= outputs.keys():
            break
        parts = student.get_layer(f"{conv.name}_conv"), student.get_layer(f"{conv.name}_bn")
        x = _pad(conv, x)
        if pool and conv.name not in layers:
            x = _pooled_block(*parts, pool, x, training)
        else:
            x = tf.nn.relu(normalise(parts[1], _convolve(parts[0], x), training))
            outputs[conv.name] = x
            x = max_pool(x, pool.kernel) if pool else x
        outputs[(pool or conv).name] = x
    if unknown := set(layers) - outputs.keys():
        raise ValueError(f"{student.name} has no layer {', '.join(unknown)} in its trunk")
    return {layer: outputs[layer] + tf.cast(nothing, x.dtype) for layer in layers}


def _pad(layer: arch.Layer, x: tf.Tensor) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [layer.padding] * 2, [0, 0]])


def _convolve(layer: keras.layers.Conv1D, x: tf.Tensor) -> tf.Tensor:
    kernel, bias = (tf.cast(weight, x.dtype) for weight in (layer.kernel, layer.bias))
    return convolve(x, kernel, layer.strides[0]) + bias


def _pooled_block(layer, norm, pool: arch.Layer, x: tf.Tensor, training: bool) -> tf.Tensor:
    """Convolution, batch norm, max pool and ReLU of padded [batch, steps, channels]."""
    gamma, bias = (tf.cast(weight, tf.float32) for weight in (norm.gamma, layer.bias))
    sign = tf.where(gamma < 0, -1.0, 1.0)
    x = convolve(x, tf.cast(layer.kernel, x.dtype) * tf.cast(sign, x.dtype), layer.strides[0])
    # The bias only moves the mean: it is left out of the convolution and counted here.
    if training and norm.trainable:
        pooled, mean, variance = pool_with_moments(x, pool.kernel)
        mean, variance = replicas.moments(mean, variance, _per_channel(x))
        _move(norm.moving_mean, sign * mean + bias, norm.momentum)
        _move(norm.moving_variance, variance, norm.momentum)
        mean += 0.0 * bias  # whose gradient is 0, as of plain layers up to rounding; not None
    else:
        pooled = max_pool(x, pool.kernel)
        mean, variance = sign * (norm.moving_mean - bias), norm.moving_variance
    scale = sign * gamma * tf.math.rsqrt(variance + norm.epsilon)
    normalised = (tf.cast(pooled, tf.float32) - mean) * scale + norm.beta
    return tf.cast(tf.nn.relu(normalised), x.dtype)


def normalise(
    norm: keras.layers.BatchNormalization,
    x: tf.Tensor,
    training: bool,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """What the batch norm gives for [batch, steps, channels]; with several replicas by the moments
    of all their steps.

    Args:
        norm: a layer of the student.
        x: its input.
        training: as for any Keras layer.
        mask: bool [batch, steps], the steps that count.
    """
    if replicas.count() == 1 or not (training and norm.trainable):
        return norm(x, training=training, mask=mask)
    weights = tf.ones_like(x[..., :1], tf.float32)
    if mask is not None:
        weights = tf.cast(mask, tf.float32)[..., None]
    values = tf.cast(x, tf.float32)
    mean, variance = tf.nn.weighted_moments(values, [0, 1], weights)
    mean, variance = replicas.moments(mean, variance, tf.reduce_sum(weights))
    _move(norm.moving_mean, mean, norm.momentum)
    _move(norm.moving_variance, variance, norm.momentum)
    gamma, beta = (tf.cast(weight, tf.float32) for weight in (norm.gamma, norm.beta))
    normalised = tf.nn.batch_normalization(values, mean, variance, beta, gamma, norm.epsilon)
    return tf.cast(normalised, x.dtype)


def _move(average: keras.Variable, now: tf.Tensor, momentum: float) -> None:
    average.assign(average * momentum + now * (1.0 - momentum))


def max_pool(x: tf.Tensor, size: int) -> tf.Tensor:
    """Greatest of each `size` steps of [batch, steps, channels]; a rest is dropped."""

    @tf.custom_gradient
    def forward(x):
        pooled = tf.nn.max_pool1d(x, size, size, "VALID")
        zeros = tf.zeros([x.shape[2]])
        return pooled, lambda of_pooled: _pool_gradient()(
            x, pooled, zeros, size, of_pooled, zeros, zeros
        )

    return forward(x)


def pool_with_moments(x: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Max pool over time, and the moments of all that goes into it.

    Args:
        x: [batch, steps, channels], at least `size` steps.
        size: of the pool, and its stride; a rest is dropped from the pool, but has its share of the
            moments.

    Returns:
        The greatest of each `size` steps [batch, steps // size, channels]; mean and variance
        (biased), float32 [channels].
    """

    @tf.custom_gradient
    def forward(x):
        pooled = tf.nn.max_pool1d(x, size, size, "VALID")
        mean, variance = _moments(x)

        def backward(of_pooled, of_mean, of_variance):
            return _pool_gradient()(x, pooled, mean, size, of_pooled, of_mean, of_variance)

        return (pooled, mean, variance), backward

    return forward(x)


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and biased variance, float32 [channels], by the kernel that reads x once."""
    ones = tf.ones([x.shape[2]])
    _, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x[:, None],
        scale=ones,
        offset=ones,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        is_training=True,
    )
    count = _per_channel(x)
    return mean, variance * (count - 1.0) / count  # it gives the unbiased one


def _per_channel(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.size(x) // x.shape[2], tf.float32)


def _pool_gradient():
    """On CPUs one pass over x by XLA, as separate operations five. For GPUs XLA needs a compiler
    that is not on every machine."""
    return _gradient_of_pool if devices.has_gpu() else _gradient_in_one_pass


def _gradient_of_pool(x, pooled, mean, size: int, of_pooled, of_mean, of_variance):
    """Gradient of `pool_with_moments`: of equal steps in a window the first is the greatest one."""
    batch, steps, channels = tf.shape(x)[0], tf.shape(x)[1], x.shape[2]
    rows = tf.shape(pooled)[1]
    windows = tf.reshape(x[:, : rows * size], [batch, rows, size, channels])
    places = tf.range(size)[:, None]
    equal = tf.where(windows == pooled[:, :, None], places, size)
    greatest = places == tf.reduce_min(equal, axis=2, keepdims=True)
    of_windows = tf.where(greatest, of_pooled[:, :, None], tf.zeros([], x.dtype))
    of_x = tf.reshape(of_windows, [batch, rows * size, channels])
    of_x = tf.cast(tf.pad(of_x, [[0, 0], [0, steps - rows * size], [0, 0]]), tf.float32)
    count = tf.cast(batch * steps, tf.float32)
    deviation = tf.cast(x, tf.float32) - mean
    return tf.cast(of_x + (of_mean + 2.0 * of_variance * deviation) / count, x.dtype)


_gradient_in_one_pass = tf.function(_gradient_of_pool, jit_compile=True, autograph=False)
