"""PyTorch checkpoints written by hand, opcode by opcode, so that no test needs PyTorch.

The pickles are of protocol 2, as `torch.save` writes. Parts are bytes: `tensor(...)` inside
`mapping(...)` inside `pickled(...)`; `write_zip` and `write_legacy` put the storages beside them.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

STORAGE_KINDS = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def named(module: str, name: str) -> bytes:
    """GLOBAL."""
    return b"c" + f"{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def old_text(value: bytes) -> bytes:
    """SHORT_BINSTRING, as Python 2 wrote its strings."""
    return b"U" + bytes([len(value)]) + value


def integer(value: int) -> bytes:
    """LONG1."""
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def sequence(*parts: bytes) -> bytes:
    """A tuple: MARK, parts, TUPLE."""
    return b"(" + b"".join(parts) + b"t"


def called(function: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return function + sequence(*arguments) + b"R"


def mapping(items: Mapping[str, bytes]) -> bytes:
    """An OrderedDict filled by SETITEMS."""
    pairs = b"".join(text(key) + value for key, value in items.items())
    return called(named("collections", "OrderedDict")) + b"(" + pairs + b"u"


def storage(kind: str, key: str, count: int) -> bytes:
    """BINPERSID of a storage, as zip archives have it."""
    parts = (text("storage"), named("torch", kind), text(key), text("cpu"), integer(count))
    return sequence(*parts) + b"Q"


def tensor(stored: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    return called(
        named("torch._utils", "_rebuild_tensor_v2"),
        stored,
        integer(offset),
        sequence(*map(integer, shape)),
        sequence(*map(integer, strides)),
        b"\x89",  # requires_grad=False
        mapping({}),  # backward hooks
    )


def contiguous(key: str, array: np.ndarray) -> bytes:
    """A tensor that is all of its storage."""
    strides = tuple(stride // array.itemsize for stride in np.ascontiguousarray(array).strides)
    stored = storage(STORAGE_KINDS[array.dtype.name], key, array.size)
    return tensor(stored, 0, array.shape, strides[: array.ndim])


def pickled(content: bytes) -> bytes:
    return b"\x80\x02" + content + b"."


def write_zip(
    path: Path, content: bytes, storages: Mapping[str, bytes], byte_order: str = "little"
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled(content))
        archive.writestr("archive/byteorder", byte_order)
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values)
        archive.writestr("archive/version", "3\n")
    return path


def write_legacy(
    path: Path, content: bytes, storages: Mapping[str, bytes], counts: Mapping[str, int]
) -> Path:
    stream = io.BytesIO()
    for header in (LEGACY_MAGIC, 1001, {"little_endian": True}):
        pickle.dump(header, stream, 2)
    stream.write(pickled(content))
    pickle.dump(list(storages), stream, 2)
    for key, values in storages.items():
        stream.write(struct.pack("<q", counts[key]) + values)
    path.write_bytes(stream.getvalue())
    return path


def write_state(path: Path, arrays: Mapping[str, np.ndarray], *, is_legacy: bool = False) -> Path:
    """Contiguous arrays under their names, each in its own storage."""
    keys = {name: str(number) for number, name in enumerate(arrays)}
    content = mapping({name: contiguous(keys[name], array) for name, array in arrays.items()})
    storages = {keys[name]: array.tobytes() for name, array in arrays.items()}
    if not is_legacy:
        return write_zip(path, content, storages)
    return write_legacy(path, content, storages, {keys[name]: arrays[name].size for name in arrays})


def write_layout(
    path: Path,
    content: bytes,
    storages: Mapping[str, bytes],
    *,
    is_legacy: bool,
    counts: Mapping[str, int],
) -> Path:
    """Either layout; only the legacy one says counts beside the storages."""
    if is_legacy:
        return write_legacy(path, content, storages, counts)
    return write_zip(path, content, storages)
