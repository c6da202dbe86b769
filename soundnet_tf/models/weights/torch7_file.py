"""Objects that Torch7 saved (`.t7`): nothing in the file is ever run.

The reader is our own, as PyPI's `torchfile` believes the sizes, strides and offsets of the file
and so reads foreign memory. Objects become plain records, functions are skipped, tensors are views
inside their storage. The format is that of torch7's File.lua, binary and little-endian.
"""

import re
import struct
from typing import Any, NamedTuple

import numpy as np

from soundnet_tf.models.weights import torch as torch_weights

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN, _FUNCTION = range(7)
_INDEXED_FUNCTIONS = (7, 8)
_MAX_DEPTH = 100
_MAX_RANK = 32
_DTYPES = {
    "Byte": "u1",
    "Char": "i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Half": "<f2",
    "Float": "<f4",
    "Double": "<f8",
}


class Record(NamedTuple):
    """An object of any class, e.g. "nn.ReLU", or a function, without what its class would do."""

    typename: str
    fields: dict[str | float, Any]


class _Reader:
    def __init__(self, data: bytes):
        self._data = memoryview(data)
        self._position = 0
        self._seen: dict[int, Any] = {}

    def read(self, depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError(f"objects are nested more than {_MAX_DEPTH} deep")
        kind = self._integer()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _STRING:
            return self._text()
        if kind == _BOOLEAN:
            return self._integer() == 1
        if kind == _FUNCTION:
            return self._function(depth)
        if kind not in (_TABLE, _TORCH, *_INDEXED_FUNCTIONS):
            raise ValueError(f"no object of Torch7 has the type {kind}")
        index = self._integer()
        if index not in self._seen:
            if kind == _TABLE:
                self._table(self._seen.setdefault(index, {}), depth)
            elif kind == _TORCH:
                self._torch(index, depth)
            else:
                self._seen[index] = self._function(depth)
        return self._seen[index]

    def _take(self, size: int) -> memoryview:
        start, left = self._position, len(self._data) - self._position
        if not 0 <= size <= left:
            raise ValueError(f"{size} bytes should follow byte {start}, where {left} are left")
        self._position += size
        return self._data[start : start + size]

    def _integer(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "little", signed=True)

    def _text(self) -> str:
        return str(self._take(self._integer()), "latin1")

    def _function(self, depth: int) -> Record:
        self._text()  # Lua's bytecode, which stays bytes
        self.read(depth + 1)  # values it uses
        return Record("function", {})

    def _table(self, table: dict, depth: int) -> None:
        size = self._integer()
        if size < 0:
            raise ValueError(f"a table has {size} entries")
        for _ in range(size):
            key = self.read(depth + 1)
            if not isinstance(key, str | float):
                raise ValueError(f"a table has a key that is a {type(key).__name__}")
            table[key] = self.read(depth + 1)

    def _torch(self, index: int, depth: int) -> None:
        name = self._text()
        if name.startswith("V "):  # the version; the first files have none
            name = self._text()
        match = re.fullmatch(r"torch\.(?:Cuda)?(\w*?)(Storage|Tensor)", name)
        if match and (match[1] or "Float") in _DTYPES:
            dtype = np.dtype(_DTYPES[match[1] or "Float"])
            read = self._storage if match[2] == "Storage" else self._tensor
            self._seen[index] = read(dtype, depth)
        elif name.startswith(("torch.", "tds.")):
            raise ValueError(f"a {name} has a form of its own, which no network needs")
        else:
            self._seen[index] = Record(name, {})
            fields = self.read(depth + 1)
            if not isinstance(fields, dict):
                raise ValueError(f"a {name} has no table of fields")
            self._seen[index].fields.update(fields)

    def _storage(self, dtype: np.dtype, _depth: int) -> np.ndarray:
        return np.frombuffer(self._take(self._integer(8) * dtype.itemsize), dtype)

    def _tensor(self, dtype: np.dtype, depth: int) -> np.ndarray:
        name = f"at byte {self._position}"
        rank = self._integer()
        if rank > _MAX_RANK:
            raise ValueError(f"tensor {name} has {rank} dimensions")
        shape, strides = (np.frombuffer(self._take(8 * rank), "<i8").tolist() for _ in range(2))
        offset = self._integer(8) - 1  # Lua counts from 1
        storage = self.read(depth + 1)
        if rank == 0:  # Torch7's empty tensor, which may have no storage
            return np.zeros(0, dtype)
        if not isinstance(storage, np.ndarray) or storage.ndim != 1 or storage.dtype != dtype:
            raise ValueError(f"tensor {name} has no storage of {dtype}")
        return torch_weights.strided_view(name, storage, offset, shape, strides)


def read_object(data: bytes) -> Any:
    """The object that a file of `torch.save` holds; the file may come from anybody.

    Args:
        data: the whole file.

    Returns:
        nil, numbers, strings and booleans as None, float, str (latin1) and bool; tables as dict,
        with numbers from 1.0 as keys of lists; storages and tensors as read-only arrays of their
        dtype; all other objects as `Record`. What is shared or goes in circles there does so here.

    Raises:
        ValueError: the data is damaged or is something else, or sizes in it lie.
    """
    return _Reader(data).read()
