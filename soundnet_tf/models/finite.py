"""What is not finite is not lost on the way: a clip with NaN or infinite samples gives NaN.

TensorFlow's max pool drops NaN, and would give such a clip plausible numbers. So each clip carries
a number that is added to what the network gives: zero, or NaN.
"""

import numpy as np
import tensorflow as tf
from keras import layers

# An array: of Python's -0.0 TensorFlow may make the 0.0 that it has met before.
_NOTHING, _NAN = np.float32([-0.0]), np.float32([np.nan])
_FINITE_BELOW = 1e38  # a sum of samples; a comparison, since LiteRT has no `is_finite`


def zero_or_nan(waveform: tf.Tensor) -> tf.Tensor:
    """Of [batch, samples] or [batch, samples, 1], any floating dtype, float32 [batch, 1, 1]: NaN
    for a clip with samples that are not finite, else -0.0, which added to a number leaves its bits.

    By a choice: TensorFlow's optimizer makes a constant 0 of a product with 0.
    """
    samples = tf.cast(waveform, tf.float32)
    total = tf.reduce_sum(samples, axis=list(range(1, samples.shape.rank)))
    nothing = tf.where(tf.abs(total) < _FINITE_BELOW, _NOTHING, _NAN)
    return nothing[:, None, None]


def batch_zero_or_nan(waveform: tf.Tensor) -> tf.Tensor:
    """`zero_or_nan` of all clips together [1, 1, 1]: where they share the statistics of batch norms
    each one's NaN is all others' too."""
    return zero_or_nan(tf.reshape(waveform, [1, -1]))


def zero_or_nan_layers(waveform):
    """`zero_or_nan` of a symbolic [batch, samples, 1] by plain Keras layers: mean minus mean."""
    mean = layers.GlobalAveragePooling1D(
        data_format="channels_last", dtype="float32", name="mean_sample"
    )(waveform)
    nothing = layers.Subtract(dtype="float32", name="zero_or_nan")([mean, mean])
    return layers.Reshape((1, 1), dtype="float32", name="zero_or_nan_step")(nothing)
