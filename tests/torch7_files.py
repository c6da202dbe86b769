"""Files of Torch7 written from its format, so that no test needs Torch7.

`dump` writes None, bool, numbers, str, dict and list (both tables), float and integer arrays
(tensors of their dtype), and the records below. What is the same Python object is one object in
the file. `net` makes a SoundNet of arrays in the published form.
"""

import dataclasses
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from soundnet_tf.models import architecture

TENSOR_KINDS = {
    "float32": "Float",
    "float64": "Double",
    "float16": "Half",
    "int64": "Long",
    "int32": "Int",
    "int16": "Short",
    "int8": "Char",
    "uint8": "Byte",
}
Weights = Mapping[str, Mapping[str, np.ndarray]]


@dataclasses.dataclass(eq=False)
class Module:
    typename: str
    fields: Any
    version: str | None = "V 1"


@dataclasses.dataclass(eq=False)
class Storage:
    kind: str  # "Float", "CudaDouble", ...; "Cuda" is of float32
    values: np.ndarray
    count: int | None = None  # to be written in place of the true one


@dataclasses.dataclass(eq=False)
class Tensor:
    storage: Storage | None
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    kind: str | None = None  # of the storage by default


@dataclasses.dataclass(eq=False)
class Function:
    code: bytes = b"\x1bLJ os.execute"
    upvalues: Any = None
    kind: int = 8


@dataclasses.dataclass
class Raw:
    content: bytes


def integer(value: int) -> bytes:
    return struct.pack("<i", value)


def longs(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def text(value: str | bytes) -> bytes:
    value = value.encode("latin1") if isinstance(value, str) else value
    return integer(len(value)) + value


def dump(content: Any, indices: dict | None = None) -> bytes:
    """The bytes of one object and all inside it."""
    indices = {} if indices is None else indices
    match content:
        case None:
            return integer(0)
        case bool():
            return integer(5) + integer(content)
        case int() | float():
            return integer(1) + struct.pack("<d", content)
        case str():
            return integer(2) + text(content)
        case Raw():
            return content.content
        case Function(kind=6):
            return integer(6) + text(content.code) + dump(content.upvalues, indices)
    kind = {dict: 3, list: 3, Function: 8}.get(type(content), 4)
    kind = content.kind if isinstance(content, Function) else kind
    if id(content) in indices:
        return integer(kind) + integer(indices[id(content)][0])
    index = len(indices) + 1
    indices[id(content)] = index, content  # which lives on, so that its id stays its own
    return integer(kind) + integer(index) + _body(content, indices)


def _body(content: Any, indices: dict) -> bytes:
    match content:
        case list():
            return _table(dict(enumerate(content, 1)), indices)
        case dict():
            return _table(content, indices)
        case Function():
            return text(content.code) + dump(content.upvalues, indices)
        case Module():
            version = text(content.version) if content.version else b""
            return version + text(content.typename) + dump(content.fields, indices)
        case Storage():
            count = content.values.size if content.count is None else content.count
            name = f"torch.{content.kind}Storage"
            return text("V 1") + text(name) + longs(count) + content.values.tobytes()
        case Tensor():
            name = f"torch.{content.kind or content.storage.kind}Tensor"
            sizes = integer(len(content.shape)) + longs(*content.shape) + longs(*content.strides)
            stored = dump(content.storage, indices)
            return text("V 1") + text(name) + sizes + longs(content.offset + 1) + stored
        case np.ndarray():
            return _body(tensor(content), indices)
    raise TypeError(type(content))


def _table(content: dict, indices: dict) -> bytes:
    entries = (dump(key, indices) + dump(value, indices) for key, value in content.items())
    return integer(len(content)) + b"".join(entries)


def tensor(array: np.ndarray, kind: str | None = None) -> Tensor:
    """A contiguous tensor with a storage of its own."""
    strides = tuple(int(np.prod(array.shape[i + 1 :])) for i in range(array.ndim))
    stored = Storage(kind or TENSOR_KINDS[array.dtype.name], np.ascontiguousarray(array).ravel())
    return Tensor(stored, array.shape, strides)


def write(path: Path, content: Any) -> Path:
    path.write_bytes(dump(content))
    return path


def random_weights(table: architecture.Architecture, seed: int = 0) -> dict:
    """Arrays of every layer in the published form, with variances from 0.5 to 2."""
    rng = np.random.default_rng(seed)
    convolutions = [layer for layer in table.trunk if layer.filters]
    last = f"conv{len(convolutions) + 1}"
    shapes = [(layer.name, layer.kernel, layer.filters) for layer in convolutions]
    shapes += [(last, table.head.kernel, 1000), (f"{last}_2", table.head.kernel, 401)]
    weights, channels = {}, 1
    for name, kernel, filters in shapes:
        arrays = {"weights": rng.standard_normal((kernel, 1, channels, filters), np.float32)}
        arrays["biases"] = rng.standard_normal(filters, np.float32)
        if not name.startswith(last):
            for key in ("gamma", "beta", "mean"):
                arrays[key] = rng.standard_normal(filters, np.float32)
            arrays["var"] = rng.uniform(0.5, 2, filters).astype(np.float32)
            channels = filters
        weights[name] = arrays
    return weights


def net(table: architecture.Architecture, weights: Weights, package: str = "nn") -> Module:
    """The released definition, up to the modules that give shape to the outputs."""
    modules = []
    for layer in table.trunk:
        if not layer.filters:
            modules.append(Module(f"{package}.SpatialMaxPooling", window(layer)))
            continue
        arrays = weights[layer.name]
        modules.append(convolution(layer, arrays, package))
        norm = {"eps": 1e-5, "momentum": 0.1, "affine": True}
        norm |= {"weight": arrays["gamma"], "bias": arrays["beta"]}
        norm |= {"running_mean": arrays["mean"], "running_var": arrays["var"]}
        modules.append(Module(f"{package}.SpatialBatchNormalization", norm))
        modules.append(Module(f"{package}.ReLU", {"inplace": True, "threshold": 0, "val": 0}))
    last = f"conv{sum(1 for layer in table.trunk if layer.filters) + 1}"
    heads = [convolution(table.head, weights[name], package) for name in (last, f"{last}_2")]
    modules.append(Module("nn.ConcatTable", {"modules": heads}))
    split = Module("nn.SplitTable", {"dimension": 3})
    modules.append(Module("nn.ParallelTable", {"modules": [split, split]}))
    modules.append(Module("nn.FlattenTable", {}))
    output = [Module("nn.Contiguous", {}), Module(f"{package}.LogSoftMax", {})]
    output = Module("nn.Sequential", {"modules": [*output, Module("nn.Squeeze", {})]})
    modules.append(Module("nn.ParallelTable", {"modules": [output] * 8}))
    return Module("nn.Sequential", {"train": False, "modules": modules, "output": np.zeros(0)})


def modules(container: Module) -> list[Module]:
    return container.fields["modules"]


def window(layer: architecture.Layer) -> dict[str, float]:
    return {
        **{"kW": 1, "kH": layer.kernel, "dW": 1, "dH": layer.stride},
        **{"padW": 0, "padH": layer.padding},
    }


def convolution(
    layer: architecture.Layer, arrays: Mapping[str, np.ndarray], package: str = "nn"
) -> Module:
    kernel = arrays["weights"].transpose(3, 2, 0, 1)
    fields = window(layer) | {"nInputPlane": kernel.shape[1], "nOutputPlane": kernel.shape[0]}
    fields |= {"weight": kernel, "bias": arrays["biases"], "gradBias": arrays["biases"] * 0}
    return Module(f"{package}.SpatialConvolution", fields)
