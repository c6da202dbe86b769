"""Dictionaries of arrays in `.npy` files: nothing in the file is ever run.

NumPy saves a dict as an object array of shape (), which is a pickle, so a program that names the
functions to call. The reader here knows the few names that rebuild an array of floats, answers
them with builders of its own, and refuses all others. Pickles of Python 2 and 3, of NumPy 1 and 2
and of all protocols are read.
"""

import io
import math
import os
import pickle
import pickletools
from typing import Any

import numpy as np

from soundnet_tf.files import storage

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_FLOATS = ("f2", "f4", "f8")


class _DType:
    """What a numpy.dtype of the file becomes."""

    def __init__(self, code: Any):
        self.code, self.byte_order = code, None

    def __setstate__(self, state: Any) -> None:
        _version, self.byte_order, *_ = state


class _Array:
    """What an array of the file becomes; `content` is its bytes, or a list of objects."""

    dtype = shape = is_fortran = content = None

    def __setstate__(self, state: Any) -> None:
        _version, self.shape, self.dtype, self.is_fortran, self.content = state


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    if order not in ("C", "F"):
        raise pickle.UnpicklingError(f"an array has the order {order!r}, not 'C' or 'F'")
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # Each answer is made anew: a pickle can set attributes on what it gets.
        match module, name:
            case "numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct":
                return lambda *_: _Array()  # empty; BUILD fills it
            case "numpy.core.numeric" | "numpy._core.numeric", "_frombuffer":
                return lambda *parts: _from_buffer(*parts)
            case "numpy", "ndarray":
                return name  # _reconstruct wants it
            case "numpy", "dtype":
                return lambda code, *_: _DType(code)
            case "_codecs", "encode":
                return lambda text, _encoding: text  # always latin1; _decode encodes it
        raise pickle.UnpicklingError(
            f"refused to load the global '{module}.{name}', which no array of floats needs"
        )


def check_memo(stream: io.BytesIO) -> None:
    """Refuses a pickle whose memo would not fit its size; `stream` stays where it is."""
    start, limit = stream.tell(), stream.getbuffer().nbytes
    for opcode, argument, _ in pickletools.genops(stream):
        # The C unpickler allocates its memo up to the highest index that a pickle names.
        if opcode.name.endswith("PUT") and argument > limit:
            raise pickle.UnpicklingError(f"memo index {argument} in a file of {limit} bytes")
    stream.seek(start)


def _unpickle(data: bytes) -> Any:
    """The one object of the object array that the file holds."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise ValueError(f"its format version is {version}, which no dict needs")
    shape, _, dtype = _HEADER_READERS[version](stream)
    if shape != () or not dtype.hasobject:
        raise ValueError(f"it holds an array of shape {shape} and dtype {dtype}, not a dict")
    check_memo(stream)
    root = _ArrayUnpickler(stream, encoding="latin1").load()  # Python 2 wrote some files
    if not (isinstance(root, _Array) and type(root.content) is list and len(root.content) == 1):
        raise ValueError("its pickle is not an array of one object")
    return root.content[0]


def _arrays_of(content: Any) -> dict[tuple[str, str], _Array]:
    """All arrays by layer and name."""
    if type(content) is not dict:
        raise ValueError(f"it holds a {type(content).__name__}, not a dict of layers")
    found = {}
    for layer, arrays in content.items():
        if type(layer) is not str or type(arrays) is not dict:
            kinds = f"{type(layer).__name__} to {type(arrays).__name__}"
            raise ValueError(f"layer {_shown(layer)}: {kinds} is not a name to a dict of arrays")
        for key, array in arrays.items():
            if type(key) is not str or not isinstance(array, _Array):
                kinds = f"{type(key).__name__} to {type(array).__name__}"
                raise ValueError(f"{layer}/{_shown(key)}: {kinds} is not a name to an array")
            found[layer, key] = array
    return found


def _shown(key: Any) -> str:
    # The text of nested tuples can be of any length.
    return repr(key) if isinstance(key, str | int) else "(no text)"


def _decode(name: str, array: _Array) -> np.ndarray:
    dtype, shape, raw = array.dtype, array.shape, array.content
    if (
        not isinstance(dtype, _DType)
        or dtype.code not in _FLOATS
        or dtype.byte_order not in ("<", ">")
    ):
        code = dtype.code if isinstance(dtype, _DType) and isinstance(dtype.code, str) else "none"
        raise ValueError(f"{name} has the dtype {code!r}, it should be one of {_FLOATS}")
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape of {name} is not a tuple of lengths")
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    values = np.dtype(dtype.byte_order + dtype.code)
    size = math.prod(shape) * values.itemsize
    if not isinstance(raw, bytes | bytearray) or len(raw) != size:
        has = f"{len(raw)} bytes" if isinstance(raw, bytes | bytearray) else type(raw).__name__
        raise ValueError(f"{name} of shape {shape} should have {size} bytes, the file has {has}")
    array = np.frombuffer(raw, values).reshape(shape, order="F" if array.is_fortran else "C")
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite
        return array.astype(np.float32, order="C")


def load_dict(path: str | os.PathLike) -> dict[str, dict[str, np.ndarray]]:
    """Reads a dict of dicts of arrays, which may come from anybody.

    Args:
        path: a `.npy` file that holds a dict from layer name to a dict from array name to array of
            float16, float32 or float64.

    Returns:
        The same as float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds something else, sizes in it lie, or its pickle asks
            for anything else than arrays of floats.
    """
    data = storage.read_bytes(path)
    try:
        arrays = _arrays_of(_unpickle(data))
        layers, size = {layer: {} for layer, _ in arrays}, 0
        for (layer, key), array in arrays.items():
            layers[layer][key] = _decode(f"{layer}/{key}", array)
            size += len(array.content)
            if size > len(data):  # one array under many names
                raise ValueError(f"its arrays have more than the file's {len(data)} bytes")
    except Exception as error:  # a damaged pickle can raise nearly anything
        remedy = "What can be read is numpy.save(path, {layer: {name: array of floats}})."
        raise ValueError(f"{path} is no dict of arrays to read: {error}. {remedy}") from error
    return layers
