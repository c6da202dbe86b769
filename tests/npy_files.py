"""Dicts of arrays in `.npy` files with pickles written by hand, also as Python 2 wrote them."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch_checkpoints as write

HEADER = b"\x93NUMPY\x01\x00F\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(79)
HEADER += b"\n"


def write_pickle(path: Path, content: bytes) -> Path:
    """A file as numpy.save makes it, with a pickle of one's own."""
    path.write_bytes(HEADER + content)
    return path


def write_dict(path: Path, layers: dict, protocol: int = 4) -> Path:
    array = np.empty((), object)
    array[()] = layers
    return write_pickle(path, pickle.dumps(array, protocol))


def byte_string(value: bytes) -> bytes:
    """BINSTRING: what Python 2 wrote for its str, which held the bytes of arrays."""
    return b"T" + len(value).to_bytes(4, "little") + value


def dtype(code: str = "f4", order: str = "<") -> bytes:
    state = write.sequence(
        *(write.integer(3), write.old_text(order.encode()), b"N", b"N", b"N"),
        *(write.integer(-1), write.integer(-1), write.integer(63 if code == "O8" else 0)),
    )
    name = write.named("numpy", "dtype")
    made = write.called(name, write.old_text(code.encode()), write.integer(0), write.integer(1))
    return made + state + b"b"


def array(shape, content, kind=None, is_fortran=b"\x89", module="numpy.core.multiarray"):
    """_reconstruct(ndarray, (0,), "b") and its state, which is all that the pickle says."""
    empty = write.called(
        write.named(module, "_reconstruct"),
        write.named("numpy", "ndarray"),
        write.sequence(write.integer(0)),
        write.old_text(b"b"),
    )
    shape = shape if isinstance(shape, bytes) else write.sequence(*map(write.integer, shape))
    return (
        empty + write.sequence(write.integer(1), shape, kind or dtype(), is_fortran, content) + b"b"
    )


def mapping(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(write.old_text(k.encode()) + v for k, v in items.items()) + b"u"


def root(content: bytes) -> bytes:
    return array((), b"](" + content + b"e", dtype("O8", "|"))


def file_of(path: Path, content: bytes) -> Path:
    return write_pickle(path, write.pickled(root(content)))


def one_array(path: Path, content: bytes) -> Path:
    """A file of {"conv1": {"weights": content}}."""
    return file_of(path, mapping({"conv1": mapping({"weights": content})}))
