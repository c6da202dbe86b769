"""Scene networks trained on Places365 and published as files: VGG16 for Keras, ResNets for PyTorch.

The project's ResNets are PyTorch checkpoints (`resnet18_places365.pth.tar`); its Caffe VGG16 went
around as Keras weights (`vgg16-places365_weights_tf_dim_ordering_tf_kernels.h5`). Every model here
takes float32 RGB [batch, 224, 224, 3] in [0, 255] and has its preprocessing inside.
"""

import os

import h5py
import keras
import numpy as np
from keras import layers

from soundnet_tf import constants
from soundnet_tf.models.weights import torch as torch_weights

IMAGE_SIZE = 224  # pixels
CAFFE_MEAN_BGR = (104.006, 116.669, 122.679)  # of Places365's training pictures
TORCH_MEAN_RGB = np.array([0.485, 0.456, 0.406])  # ImageNet's; the project trained with them too
TORCH_STD_RGB = np.array([0.229, 0.224, 0.225])
BATCH_NORM_EPSILON = 1e-5  # PyTorch's

STEM_FILTERS = 64
STAGE_FILTERS = (64, 128, 256, 512)  # of a block's 3 x 3 convolutions; stages 2 to 4 halve the size
# Blocks a stage, and how many times wider a block's output is than its 3 x 3 convolution.
RESNETS = {"resnet18": ((2, 2, 2, 2), 1), "resnet50": ((3, 4, 6, 3), 4)}


def _conv(x, filters: int, kernel: int, stride: int, name: str):
    """Convolution padded as PyTorch does: by the same on all sides, whatever the stride."""
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    padding = "same" if stride == 1 else "valid"
    return layers.Conv2D(filters, kernel, stride, padding, use_bias=False, name=name)(x)


def _batch_norm(x, name: str):
    return layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)


def _block(x, filters: int, widening: int, stride: int, name: str):
    """Residual block: two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1; the first 3 x 3 strides."""
    inputs, width = x, filters * widening
    if widening == 1:
        convolutions = ((filters, 3, stride), (filters, 3, 1))
    else:
        convolutions = ((filters, 1, 1), (filters, 3, stride), (width, 1, 1))
    for number, (outs, kernel, step) in enumerate(convolutions, start=1):
        x = layers.ReLU()(x) if number > 1 else x
        x = _batch_norm(_conv(x, outs, kernel, step, f"{name}.conv{number}"), f"{name}.bn{number}")
    if stride > 1 or inputs.shape[-1] != width:
        inputs = _conv(inputs, width, 1, stride, f"{name}.downsample.0")
        inputs = _batch_norm(inputs, f"{name}.downsample.1")
    return layers.ReLU()(layers.add([inputs, x]))


def ResNet(
    kind: str, classes: int = constants.PLACES365_CLASSES, image_size: int = IMAGE_SIZE
) -> keras.Model:
    """Untrained residual network whose layers bear the names of torchvision's.

    Args:
        kind: "resnet18" or "resnet50".

    Returns:
        A functional model from float32 RGB [batch, image_size, image_size, 3] in [0, 255] to
        float32 probabilities [batch, classes].
    """
    blocks, widening = RESNETS[kind]
    inputs = keras.Input((image_size, image_size, 3), name="rgb")
    scale, offset = 1 / (255 * TORCH_STD_RGB), -TORCH_MEAN_RGB / TORCH_STD_RGB
    x = layers.Rescaling(scale.tolist(), offset.tolist())(inputs)
    x = layers.ReLU()(_batch_norm(_conv(x, STEM_FILTERS, 7, 2, "conv1"), "bn1"))
    # Zeros pad as well as PyTorch's minus infinity, since nothing is negative here.
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, (count, filters) in enumerate(zip(blocks, STAGE_FILTERS, strict=True), start=1):
        for block in range(count):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _block(x, filters, widening, stride, f"layer{stage}.{block}")
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(classes, activation="softmax", name="fc")(x)
    return keras.Model(inputs, outputs, name=f"places_{kind}")


def load_resnet(kind: str, path: str | os.PathLike) -> keras.Model:
    """A ResNet with the weights of a PyTorch checkpoint; the class count is the file's.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint of plain tensors, or not one of this network.
    """
    state = torch_weights.load_state_dict(path)
    if "fc.bias" not in state:
        raise ValueError(f"{path} has no 'fc.bias', so it is no {kind}; it has {list(state)[:8]}")
    model = ResNet(kind, classes=state["fc.bias"].size)
    torch_weights.assign(model, state, path)
    return model


def VGG16(classes: int = constants.PLACES365_CLASSES) -> keras.Model:
    """Untrained VGG16, from float32 RGB [batch, 224, 224, 3] in [0, 255] to probabilities.

    The network itself, `block1_conv1` to `predictions`, is Keras Applications' in layer "vgg16".
    """
    inputs = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="rgb")
    bgr = layers.Rescaling(1.0, [-mean for mean in CAFFE_MEAN_BGR])(inputs[..., ::-1])
    network = keras.applications.VGG16(weights=None, classes=classes, name="vgg16")
    return keras.Model(inputs, network(bgr), name="places_vgg16")


def _layer_arrays(file: h5py.File) -> dict[str, list[h5py.Dataset]]:
    """Layer name to arrays, of a Keras 3 file or a legacy one (weights or whole model)."""
    if "layers" in file:
        layer_groups = [group["vars"] for group in file["layers"].values()]
        found = {
            group.attrs["name"]: [group[str(number)] for number in range(len(group))]
            for group in layer_groups
        }
    else:
        root = file.get("model_weights", file)
        names = [_text(name) for name in root.attrs["layer_names"]]
        found = {
            name: [root[name][_text(weight)] for weight in root[name].attrs["weight_names"]]
            for name in names
        }
    return {name: arrays for name, arrays in found.items() if arrays}


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def load_vgg16(path: str | os.PathLike) -> keras.Model:
    """VGG16 with the weights of a Keras `.h5` or `.weights.h5` file; the class count is the file's.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no file of Keras weights, or not of a VGG16; the layer is named.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} is no HDF5 file: {error}") from error
    with file:
        try:
            arrays = _layer_arrays(file)
        except (KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"{path} has no layers of Keras weights: {error}") from error
        if "predictions" not in arrays:
            raise ValueError(f"{path} has no layer 'predictions'; it has {sorted(arrays)[:8]}")
        model = VGG16(classes=arrays["predictions"][-1].size)
        _assign_by_name(model.get_layer("vgg16"), arrays, path)
    return model


def _assign_by_name(
    network: keras.Model, arrays: dict[str, list[h5py.Dataset]], path: str | os.PathLike
) -> None:
    wanted = {layer.name: layer for layer in network.layers if layer.weights}
    if unknown := sorted(set(arrays) - set(wanted)):
        raise ValueError(f"{path} has layers that VGG16 does not: {unknown[:8]}")
    for name, layer in wanted.items():
        found = arrays.get(name, [])
        shapes = [array.shape for array in found]
        if shapes != [tuple(variable.shape) for variable in layer.weights]:
            raise ValueError(
                f"{path}: layer {name!r} wants arrays of shape "
                f"{[tuple(variable.shape) for variable in layer.weights]}, the file has {shapes}"
            )
        layer.set_weights([array[()] for array in found])
