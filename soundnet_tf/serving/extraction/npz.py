"""An .npz of arrays that no memory holds: written in pieces, and mapped where they lie.

NumPy's own reader takes it, but reads an array as a whole.
"""

import struct
import zipfile
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

_ALIGNMENT = 64
_HEADER = struct.Struct("<26xHH")  # of a member: the lengths of its name and of its extra fields
_EXTRA_FIELD = struct.Struct("<HH")  # kind, length
_ZIP64_BYTES = 20  # extra field that zipfile puts before ours
_PADDING_KIND = 0xD935  # as Android's zipalign does


class Member(NamedTuple):
    """One array, given in pieces along its first axis (one of shape [] as one piece)."""

    name: str
    dtype: np.dtype | type
    shape: tuple[int, ...]
    pieces: Iterable[np.ndarray]


def write(path: str, members: Iterable[Member]) -> None:
    """Writes an uncompressed .npz, the same bytes each time; arrays begin at multiples of 64 bytes.

    Raises:
        ValueError: pieces that do not add up to the shape.
    """
    with open(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, dtype, shape, pieces in members:
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            begin = file.tell() + _HEADER.size + len(info.filename) + _ZIP64_BYTES
            padding = -(begin + _EXTRA_FIELD.size) % _ALIGNMENT
            info.extra = _EXTRA_FIELD.pack(_PADDING_KIND, padding) + bytes(padding)
            with archive.open(info, "w", force_zip64=True) as member:
                dtype = np.dtype(dtype)
                description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, description)
                missing = int(np.prod(shape))
                for piece in pieces:
                    member.write(np.ascontiguousarray(piece, dtype))
                    missing -= np.size(piece)
            if missing:
                raise ValueError(f"{path}: {missing} values of {name} {list(shape)} are missing")


def read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array, in memory; KeyError if there is none, ValueError if it would need a pickle."""
    with archive.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def mapped(archive: zipfile.ZipFile, path: str, name: str) -> np.ndarray:
    """One array that stays in the file at `path`, if `write` wrote it; else as `read`."""
    info = archive.getinfo(f"{name}.npy")
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        file.seek(sum(_HEADER.unpack(file.read(_HEADER.size))), 1)
        if info.compress_type == zipfile.ZIP_STORED and np.lib.format.read_magic(file) == (1, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            if not (is_fortran or dtype.hasobject or 0 in shape):  # nothing cannot be mapped
                return np.memmap(path, dtype, "r", file.tell(), shape)
    return read(archive, name)
