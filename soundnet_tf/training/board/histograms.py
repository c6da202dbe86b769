"""How weights, their gradients and what layers answer are spread."""

import keras
import tensorflow as tf

from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.training.distiller import Distiller

CLIPS = 8  # of the batch that gradients are of
_HEARD = 4  # clips, whose answers are drawn
_VALUES = 2**18  # at most: TensorBoard takes 240 bytes for each while it counts them


class Histograms:
    """Draws a student.

    Args:
        distiller: of the student that is looked at. Its batch norms' statistics change.
        batch: CLIPS clips, or fewer, always the same.
    """

    def __init__(self, distiller: Distiller, batch):
        self._student, self._batch = distiller.student, batch
        self._gradients = tf.function(distiller.gradients, autograph=False)
        self._hear = tf.function(self._answers, autograph=False)

    def draw(self) -> None:
        """To TensorBoard's writer of now."""
        lengths = self._batch["lengths"][:_HEARD]
        for name, values in self._hear(self._batch["waveform"][:_HEARD], lengths).items():
            tf.summary.histogram(f"activations/{name}", values)
        for variable in self._student.variables:
            if _is_weight(variable):
                tf.summary.histogram(f"weights/{variable.path}", thinned(variable))
        weights = self._student.trainable_variables
        for variable, gradient in zip(weights, self._gradients(self._batch), strict=True):
            tf.summary.histogram(f"gradients/{variable.path}", thinned(gradient))

    def _answers(self, waveform: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        """By layer of the trunk, every so many steps of all clips."""
        trunk = [layer.name for layer in students.architecture_of(self._student).trunk]
        outputs = FoldedNetwork(self._student)(waveform, lengths, trunk)
        return {name: values[:, :: _every(values)] for name, values in outputs.items()}


def thinned(values) -> tf.Tensor:
    """Every so many of a kernel's numbers, one after the other: an odd number, so that all channels
    are among them."""
    values = tf.reshape(values, [-1])
    every = -(-int(tf.size(values)) // _VALUES)
    return values[:: every | 1]


def _every(values: tf.Tensor) -> tf.Tensor:
    """Of how many steps one is drawn."""
    return -(-tf.size(values) // _VALUES)


def _is_weight(variable: keras.Variable) -> bool:
    """Not so a dropout's generator or the like."""
    return variable.dtype.startswith("float")
