"""A classifier of one's own sounds: a SoundNet up to one layer, and a new head on what it hears.

The layer's steps are pooled over time, each channel's mean beside its greatest value. The mean says
what goes on all the time (rain), the greatest value what happens once (a sneeze).
"""

from typing import NamedTuple

import keras
from keras import layers, ops

from soundnet_tf.models import student as students

HEAD = "classes"
DROPOUT = "dropout"
DROPOUT_RATE = 0.5

# The layer with the best head on ESC-10's folds 1 to 4, see flags/finetune_esc10.flags.
DEFAULT_LAYERS = {"soundnet8": "conv6", "soundnet5": "conv4"}


class Classifier(NamedTuple):
    """A student with a new head.

    Attributes:
        student: the whole SoundNet, whose layers up to `layer` the model shares.
        layer: the layer of the trunk that the head hears.
        model: float32 [batch, samples], mono, 22 050 Hz, in [-1, 1], to logits [batch, classes].
    """

    student: keras.Model
    layer: str
    model: keras.Model


def build(student: keras.Model, classes: int, layer: str | None = None) -> Classifier:
    """A new head on a student's layer; by default that of `DEFAULT_LAYERS`.

    Raises:
        ValueError: the student's trunk has no such layer.
    """
    layer = layer or DEFAULT_LAYERS[student.name]
    trunk = [trunk_layer.name for trunk_layer in students.architecture_of(student).trunk]
    if layer not in trunk:
        raise ValueError(f"{student.name} has no layer {layer!r} for a head; choose one of {trunk}")
    x = pool(student.get_layer(layer).output)
    x = layers.Dropout(DROPOUT_RATE, name=DROPOUT)(x)
    logits = layers.Dense(classes, name=HEAD)(x)
    return Classifier(student, layer, keras.Model(student.input, logits, name="classifier"))


def pool(steps):
    """[batch, steps, channels] to [batch, 2 channels]: the means, then the greatest values."""
    return ops.concatenate([ops.mean(steps, axis=1), ops.max(steps, axis=1)], axis=-1)
