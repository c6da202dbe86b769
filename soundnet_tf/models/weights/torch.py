"""PyTorch checkpoints as NumPy arrays: no PyTorch needed, and nothing in the file is ever run.

A checkpoint is a pickle, so a program that names the functions to call. The reader here knows the
few names that rebuild a tensor, answers them with builders of its own, and refuses all others.

Two layouts exist. A zip archive (PyTorch 1.6 and later) has the pickle in `NAME/data.pkl` and each
storage in `NAME/data/KEY`. The legacy file is five pickles one after the other (magic number,
version, system, content, list of storage keys), then each storage as a count and its raw values.
"""

import io
import math
import os
import pickle
import zipfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from soundnet_tf.files import storage
from soundnet_tf.models.weights import npy as npy_weights

StateDict = dict[str, np.ndarray]

_LEGACY_HEADER = (0x1950A86A20F9469CFC6C, 1001)  # magic number, version
_DTYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "u2",  # NumPy has no bfloat16: the bits are read here and widened below
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class _Storage(NamedTuple):
    kind: str
    key: str
    count: int

    @property
    def nbytes(self) -> int:
        return self.count * np.dtype(_DTYPES[self.kind]).itemsize


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Entries(dict):
    """What an OrderedDict of the file becomes."""

    def __setstate__(self, state: object) -> None:
        """Drops what PyTorch hangs on a state dict besides its items (version numbers)."""


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO):
        super().__init__(stream, encoding="latin1")  # Python 2 wrote some checkpoints
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        # Each answer is made anew: a pickle can set attributes on what it gets.
        match module, name:
            case "collections", "OrderedDict":
                return lambda items=(): _Entries(items)
            case "torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2":
                return lambda storage, offset, shape, strides, *_: _Tensor(
                    storage, offset, shape, strides
                )
            case "torch._utils", "_rebuild_parameter":
                return lambda tensor, *_: tensor
            case "torch" | "torch.cuda", _ if name in _DTYPES:
                return name
        raise pickle.UnpicklingError(
            f"refused to load the global '{module}.{name}', which no plain tensor needs"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), _, int(count), *view) if (
                kind in _DTYPES and count >= 0 and view in ([], [None])
            ):
                storage = _Storage(kind, key, count)
                if self.storages.setdefault(key, storage) == storage:
                    return storage
        raise pickle.UnpicklingError(f"{pid!r} is not a storage that this reader knows")


def _unpickle(stream: io.BytesIO) -> tuple[Any, dict[str, _Storage]]:
    npy_weights.check_memo(stream)
    unpickler = _TensorUnpickler(stream)
    return unpickler.load(), unpickler.storages


def _decode(storage: _Storage, raw: bytes | memoryview, byte_order: str = "<") -> np.ndarray:
    if len(raw) != storage.nbytes:
        raise ValueError(
            f"storage {storage.key!r} should have {storage.count} values of {storage.kind} "
            f"({storage.nbytes} bytes), the file has {len(raw)} bytes for it"
        )
    values = np.frombuffer(raw, byte_order + _DTYPES[storage.kind])
    if storage.kind == "BFloat16Storage":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _read_zip(data: bytes) -> tuple[Any, StateDict]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > len(data):
            raise ValueError("the archive's entries are compressed or overlap; PyTorch's never are")
        names = {member.filename for member in members}
        pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("the zip archive has no single NAME/data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        is_big = f"{root}byteorder" in names and archive.read(f"{root}byteorder") == b"big"
        content, storages = _unpickle(io.BytesIO(archive.read(pickles[0])))
        return content, {
            key: _decode(storage, archive.read(f"{root}data/{key}"), ">" if is_big else "<")
            for key, storage in storages.items()
        }


def _read_legacy(data: bytes) -> tuple[Any, StateDict]:
    stream = io.BytesIO(data)
    magic, version, _system = (_unpickle(stream)[0] for _ in range(3))
    if (magic, version) != _LEGACY_HEADER:
        raise ValueError("this is no PyTorch checkpoint")
    content, storages = _unpickle(stream)
    keys, _ = _unpickle(stream)
    position, raw, values = stream.tell(), memoryview(data), {}
    for key in keys:
        count = int.from_bytes(raw[position : position + 8], "little")
        if count != storages[key].count:
            raise ValueError(
                f"storage {key!r} has {count} values, {storages[key].count} were announced"
            )
        end = position + 8 + storages[key].nbytes
        values[key] = _decode(storages[key], raw[position + 8 : end])
        position = end
    return content, values


def strided_view(
    name: str, values: np.ndarray, offset: int, shape: Sequence[int], strides: Sequence[int]
) -> np.ndarray:
    """A tensor as a view of its storage; a ValueError that names it if it reaches beyond that."""
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError(f"tensor {name} has shape {shape} and strides {strides}")
    end = offset + 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > values.size or (math.prod(shape) and end > values.size):
        raise ValueError(
            f"tensor {name} (shape {shape}, strides {strides}, offset {offset}) "
            f"reaches beyond its storage of {values.size} values"
        )
    steps = [stride * values.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(values[offset:], shape, steps, writeable=False)


def load_state_dict(path: str | os.PathLike) -> StateDict:
    """Reads the weights of a PyTorch checkpoint, which may come from anybody.

    Args:
        path: a file of `torch.save`, of either layout, that holds a state dict itself or under the
            key "state_dict" (training scripts add the epoch and the like, which is left out).

    Returns:
        Name to array, without the "module." that `DataParallel` puts before every name. Arrays are
        read-only views in the tensors' dtypes, but float32 for bfloat16; tensors that share memory
        in the file share it here.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, is no checkpoint, sizes in it lie, or its pickle asks for
            anything else than tensors.
    """
    data = storage.read_bytes(path)
    try:
        content, storages = (_read_zip if data[:4] == b"PK\x03\x04" else _read_legacy)(data)
        state = content.get("state_dict", content) if isinstance(content, dict) else None
        if not isinstance(state, dict) or not all(
            isinstance(name, str) and isinstance(tensor, _Tensor) for name, tensor in state.items()
        ):
            what = list(content)[:8] if isinstance(content, dict) else type(content).__name__
            raise ValueError(f"neither it nor its 'state_dict' is a dict of tensors, but {what}")
        arrays = {
            k: strided_view(repr(k), storages[t.storage.key], *t[1:]) for k, t in state.items()
        }
    except Exception as error:  # a damaged pickle can raise nearly anything
        remedy = "What can be read is the file of torch.save(model.state_dict(), path)."
        raise ValueError(f"{path} is no PyTorch checkpoint to read: {error}. {remedy}") from error
    prefix = "module." if all(name.startswith("module.") for name in arrays) else ""
    return {name.removeprefix(prefix): array for name, array in arrays.items()}


_KEYS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def assign(model: keras.Model, state: StateDict, source: str | os.PathLike) -> None:
    """Puts a state dict into a Keras model whose layers bear PyTorch's names.

    Convolutions are turned from [out, in, height, width] to [height, width, in, out], depthwise
    ones to [height, width, out, 1], dense layers from [out, in] to [in, out]. Nothing is left over
    on either side but `num_batches_tracked`, which counts training steps.

    Raises:
        ValueError: a layer's key is missing, has another shape, or a key has no layer; `source` is
            named in the message.
    """
    unused = {key for key in state if not key.endswith("num_batches_tracked")}
    for layer in model.layers:
        for variable in layer.weights:
            key = f"{layer.name}.{_KEYS[variable.name]}"
            if key not in state:
                raise ValueError(f"{source} has no {key!r} for Keras's {tuple(variable.shape)}")
            array = state[key]
            if variable.name == "kernel":
                is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
                if array.ndim == 4:
                    array = array.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))
                else:
                    array = array.T
            if array.shape != tuple(variable.shape):
                raise ValueError(
                    f"{source}: {key!r} has shape {state[key].shape}; its layer wants "
                    f"{tuple(variable.shape)} in Keras's order, the file gives {array.shape}"
                )
            variable.assign(array)
            unused.discard(key)
    if unused:
        raise ValueError(f"{source} has tensors that {model.name} does not: {sorted(unused)[:8]}")
