"""Means of a training step's or an evaluation's figures, of all replicas together."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf


class Means(keras.metrics.Metric):
    """Weighted means of several figures, since the last reset.

    All are in one variable: replicas count for themselves, and what is read of it, out of
    `Strategy.run`, is the sum over them, sent at once.

    Args:
        names: of the figures.
    """

    def __init__(self, names: Sequence[str]):
        super().__init__(name="means")
        self._names = tuple(names)
        # An epoch may be millions of steps, which float32 would cease to count at 2^24.
        self.sums = self.add_weight((len(names), 2), "zeros", dtype="float64", name="sums")

    def update_state(self, values: Mapping[str, tuple[tf.Tensor, tf.Tensor]]):
        """Adds figures: name to the sum of weighted values, and the sum of the weights."""
        rows = [tf.cast(tf.stack(values[name]), tf.float64) for name in values]
        places = [[self._names.index(name)] for name in values]
        self.sums.assign_add(tf.scatter_nd(places, rows, [len(self._names), 2]))

    def result(self) -> dict[str, tf.Tensor]:
        """float32 [] each; 0 of what has not been counted."""
        totals, weights = tf.unstack(tf.convert_to_tensor(self.sums), axis=1)
        means = tf.cast(tf.math.divide_no_nan(totals, weights), tf.float32)
        return dict(zip(self._names, tf.unstack(means), strict=True))
