"""What kind of device computes: the same numbers have other fastest forms on each."""

import tensorflow as tf


def has_gpu() -> bool:
    """Whether there is a GPU, on which TensorFlow then places all that has a kernel there."""
    return bool(tf.config.list_logical_devices("GPU"))
