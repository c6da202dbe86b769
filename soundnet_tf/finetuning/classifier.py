"""A classifier of one's own sounds: layers of a SoundNet, and a new head on what they hear.

Each layer's steps are pooled over time, a channel's mean beside its greatest value. The mean says
what goes on all the time (rain), the greatest value what happens once (a sneeze). All are
standardised, so that one learning rate fits them.

The head begins as the logistic regression of what the untouched network hears. From random weights
it would pull the trunk about before it knows anything itself (Kumar et al., "Fine-Tuning can
Distort Pretrained Features", ICLR 2022).
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops
from sklearn.linear_model import LogisticRegression

from soundnet_tf.models import student as students
from soundnet_tf.models.training_pass import trunk_pass

HEAD = "classes"
_HEAD_C = 0.02  # of standardised numbers; least loss on ESC-10's folds 1 to 4 of 0.002, 0.02, 0.2

# The layers with the least loss on ESC-10's folds 1 to 4, each tested by the other three.
DEFAULT_LAYERS = {"soundnet8": ("pool5", "conv6"), "soundnet5": ("pool3", "conv4")}


class SoundClassifier(keras.Model):
    """float32 [batch, samples], mono, 22 050 Hz, in [-1, 1], to logits [batch, classes].

    Attributes:
        trunk: the SoundNet without heads, shared with `student`; what lies behind the deepest of
            the layers is frozen.
        layer_names: of the trunk, that the head hears.
        mean, deviation: what is heard is standardised by these, float32 [2 channels].
        head: the layer that gives the logits.

    Args:
        student: a SoundNet.
        classes: how many there are.
        layer_names: None for those of `DEFAULT_LAYERS`.
        dropout: share of what is heard that is left out in training.

    Raises:
        ValueError: the student's trunk has no such layer.
    """

    def __init__(
        self,
        student: keras.Model,
        classes: int,
        layer_names: Sequence[str] | None = None,
        dropout: float = 0.0,
    ):
        super().__init__(name="classifier")
        self.layer_names = tuple(layer_names or DEFAULT_LAYERS[student.name])
        trunk = [layer.name for layer in students.architecture_of(student).trunk]
        if unknown := set(self.layer_names) - set(trunk):
            raise ValueError(
                f"{student.name} has no layer {', '.join(sorted(unknown))} for a head; choose some "
                f"of {trunk}"
            )
        outputs = [student.get_layer(name).output for name in self.layer_names]
        heard = keras.Model(student.input, outputs).layers
        self.trunk = keras.Model(
            student.input, student.get_layer(trunk[-1]).output, name=student.name
        )
        for layer in self.trunk.layers:
            layer.trainable = layer.trainable and layer in heard
        channels = 2 * sum(output.shape[-1] for output in outputs)
        self.mean = self.add_weight((channels,), "zeros", trainable=False, name="mean")
        self.deviation = self.add_weight((channels,), "ones", trainable=False, name="deviation")
        self.dropout = layers.Dropout(dropout)
        self.head = layers.Dense(classes, name=HEAD)
        self.head.build((None, channels))
        self.built = True

    def call(self, waveform, training=False):
        heard = (self.hear(waveform, training) - self.mean) / self.deviation
        return self.head(self.dropout(heard, training=training))

    def hear(self, waveform, training=False):
        """[batch, 2 channels]: the layers pooled over time, side by side, not standardised."""
        steps = trunk_pass(self.trunk, waveform, self.layer_names, training)
        return ops.concatenate([pool(steps[name]) for name in self.layer_names], axis=-1)

    def start(self, heard: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
        """Standardises by what was heard, and makes the head its logistic regression.

        Args:
            heard: float32 [clips, 2 channels], see `hear`. A channel that is always the same is
                not scaled.
            labels: int [clips], each class at least once.
            weights: of each class, float [classes].
        """
        mean, deviation = heard.mean(axis=0), heard.std(axis=0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        self.mean.assign(mean)
        self.deviation.assign(deviation)
        regression = LogisticRegression(C=_HEAD_C, max_iter=1000)
        regression.fit((heard - mean) / deviation, labels, sample_weight=weights[labels])
        kernel, bias = regression.coef_.T, regression.intercept_
        if len(bias) == 1:  # of two classes scikit-learn keeps the difference
            kernel, bias = np.hstack([-kernel, kernel]) / 2, np.hstack([-bias, bias]) / 2
        self.head.set_weights([kernel, bias])

    def folded_head(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel [2 channels, classes] and bias [classes] that do the standardising too."""
        kernel, bias = self.head.get_weights()
        kernel = kernel / ops.convert_to_numpy(self.deviation)[:, None]
        return kernel, bias - ops.convert_to_numpy(self.mean) @ kernel


def pool(steps):
    """[batch, steps, channels] to [batch, 2 channels]: the means, then the greatest values."""
    return ops.concatenate([ops.mean(steps, axis=1), ops.max(steps, axis=1)], axis=-1)
