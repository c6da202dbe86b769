"""Sound that is too short for what is asked of it: it is looped, or followed by silence."""

import numpy as np
import tensorflow as tf

from soundnet_tf.models.architecture import Need
from soundnet_tf.serving.settings import SHORT_POLICIES


def lengthen(waveform: np.ndarray, needed: Need, short: str = "loop") -> np.ndarray:
    """A waveform [samples] that is long enough; silence if it has no sample.

    Raises:
        ValueError: an unknown policy.
    """
    check_policy(short)
    if waveform.size >= needed.minimum:
        return waveform
    if short == "loop" and waveform.size:
        return np.resize(waveform, needed.target)
    return np.pad(waveform, (0, needed.target - waveform.size))


def check_policy(short: str) -> None:
    """ValueError unless `short` is one of SHORT_POLICIES."""
    if short not in SHORT_POLICIES:
        raise ValueError(f"short={short!r} is unknown; choose one of {SHORT_POLICIES}")


def loop_in_graph(waveform: tf.Tensor, needed: Need) -> tf.Tensor:
    """`lengthen` with "loop" for a batch [batch, samples] in a graph."""
    samples = tf.shape(waveform)[1]
    waveform = tf.pad(waveform, [[0, 0], [0, tf.cast(samples == 0, tf.int32)]])
    samples = tf.maximum(samples, 1)
    loop = tf.range(needed.target) % samples
    return tf.cond(
        samples < needed.minimum, lambda: tf.gather(waveform, loop, axis=1), lambda: waveform
    )
