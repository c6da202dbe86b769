"""What a teacher makes of a clip's pictures, as one vector."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from soundnet_tf.models.teachers.teacher import Teacher, load_teacher


class Sight:
    """A teacher that looks at clips.

    Attributes:
        told: what its vectors are.
    """

    def __init__(self, spec: str):
        """Raises: as `load_teacher`."""
        teacher = load_teacher(spec)
        self._look, self.told = _features(teacher)

    def __call__(self, squares: np.ndarray) -> np.ndarray:
        """float32 [channels], of uint8 RGB [frames, side, side, 3]: the mean of the penultimate
        layer over the frames, or of the posteriors if the teacher does not show its layers."""
        return self._look(tf.constant(squares[np.newaxis]))


def _features(teacher: Teacher) -> tuple[Callable[[tf.Tensor], np.ndarray], str]:
    spec = tf.TensorSpec([1, None, None, None, 3], tf.uint8)
    if teacher.model.weights:
        see = tf.function(teacher.features, [spec], autograph=False)
        told = f"the penultimate layer of {teacher.name}"
        return lambda squares: see(squares)[0].numpy().mean(axis=0), told
    see = tf.function(teacher, [spec], autograph=False)
    told = f"the posteriors of {teacher.name}, which does not show its layers"
    return lambda squares: see(squares)[0].numpy().mean(axis=0), told
