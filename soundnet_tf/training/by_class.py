"""What a student has learned of each class: KL and agreement by what the teacher saw."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from soundnet_tf.training import losses


class ByClass(keras.metrics.Metric):
    """Sums over the valid steps of each class, which is the teacher's most probable one there.

    `result` is float64 [classes, 3]: how many steps, the sum of their KL(teacher || student) in
    nats, and at how many of them the student's most probable class is the same; over all replicas,
    if it is read outside of `Strategy.run`.

    Args:
        head: whose figures they are.
        classes: of the head.
    """

    def __init__(self, head: str, classes: int):
        super().__init__(name=f"by_class_{head}", dtype="float64")
        self._classes = classes
        self._sums = self.add_weight(shape=(classes, 3), initializer="zeros", name="sums")

    def update_state(self, posteriors, logits, mask):
        """Adds a batch: float32 and any float [batch, steps, classes], bool [batch, steps]."""
        seen = tf.argmax(posteriors, -1)
        agreement = tf.cast(seen == tf.argmax(logits, -1), tf.float32)
        steps = tf.stack(
            [tf.ones_like(agreement), losses.kl_divergence(posteriors, logits), agreement], -1
        )
        valid = tf.boolean_mask(tf.cast(steps, tf.float64), mask)
        classes = tf.boolean_mask(seen, mask)
        self._sums.assign_add(tf.math.unsorted_segment_sum(valid, classes, self._classes))

    def result(self):
        return tf.convert_to_tensor(self._sums)


Sums = Mapping[str, np.ndarray]  # head to what `ByClass.result` gives
