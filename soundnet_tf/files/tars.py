"""What a tar holds, by its headers alone: nothing is unpacked, and no link or device followed.

WebDataset's tars hold the files of a sample one after the other under one key: `key.mp4`,
`key.json`. Here a member is a file in a folder of the tar's name.
"""

import functools
import posixpath
import re
import tarfile
from collections.abc import Sequence
from typing import IO, NamedTuple

from soundnet_tf.files import storage
from soundnet_tf.files.windows import Member

TAR = ".tar"
_BLOCK_BYTES = 512
_LONGEST_HEADER_BYTES = 1 << 20  # long names have headers of their own
_KEPT = 1024  # contents of tars: a command looks before TensorFlow is imported, and at its work
# What tarfile raises of headers that are not what they say.
_BROKEN = (tarfile.TarError, ValueError, OverflowError, IndexError, KeyError, RecursionError)


class Contents(NamedTuple):
    """Paths of a tar's plain files (see `windows`) by their names in it; how many members were
    left out that are links, devices or sparse, or whose names lead out of the tar; and if it is
    broken, why: then there are none."""

    files: dict[str, str]
    left_out: int
    problem: str | None


def is_tar(path: str) -> bool:
    return path.lower().endswith(TAR)


def contents(path: str) -> Contents:
    """What the tar at `path` holds. Of several members of a name the last one counts, as when a tar
    is unpacked."""
    try:
        return _contents(path, storage.size_and_time(path))
    except OSError as error:
        return _broken(error.strerror or str(error))


def members_named(paths: Sequence[str]) -> list[str]:
    """Paths, and in the place of those that lead into a tar as if that were a folder
    ("part-0000.tar/key.mp4") those of its members. What is not there stays as it is."""
    known: dict[str, dict[str, str]] = {}

    def named(path: str) -> str:
        for found in re.finditer(r"\.tar/", path, re.IGNORECASE):
            tar, name = path[: found.end() - 1], path[found.end() :]
            if tar not in known:
                is_file = storage.exists(tar) and not storage.is_folder(tar)
                known[tar] = contents(tar).files if is_file else {}
            if name in known[tar]:
                return known[tar][name]
        return path

    return [named(path) for path in paths]


@functools.lru_cache(maxsize=_KEPT)
def _contents(path: str, size_and_time: tuple[int, int] | None) -> Contents:
    if size_and_time is None:
        return Contents({}, 0, "is not there; fetch it or leave it out")
    files, left_out = {}, 0
    with storage.open_file(path, "rb") as file:
        try:
            for info in _headers(file, size_and_time[0]):
                name = posixpath.normpath(info.name)
                if info.isdir():
                    continue
                if not info.isreg() or info.issparse() or not _stays_inside(name):
                    left_out += 1
                    continue
                files[name] = Member(path, name, info.offset_data, info.size).path()
        except _BROKEN as error:
            return _broken(str(error))
    return Contents(files, left_out, None)


def _headers(file: IO[bytes], size: int):
    """Each member's header. tarfile.ReadError (and others of _BROKEN) where the tar is cut off, or
    what should be a header is none."""
    with tarfile.open(fileobj=_Headers(file), mode="r:") as tar:  # type: ignore[call-overload]
        before = -1
        while (info := tar.next()) is not None:
            tar.members.clear()  # it keeps all that it has seen
            if info.offset <= before or info.size < 0:
                raise tarfile.ReadError(f"a header at byte {info.offset} leads backwards")
            if info.isreg() and not info.issparse() and info.offset_data + info.size > size:
                raise tarfile.ReadError(f"it is cut off in {info.name!r}, at byte {size}")
            before = info.offset
            yield info
        # To tarfile anything that is no header is the end, and so is a block of zeros.
        file.seek(tar.offset)
        if file.read(_BLOCK_BYTES).strip(b"\0"):
            raise tarfile.ReadError(f"there is no header at byte {tar.offset}")
        while rest := file.read(_LONGEST_HEADER_BYTES):
            if rest.strip(b"\0"):
                raise tarfile.ReadError(
                    f"it goes on behind its end at byte {tar.offset}; tars are joined by tar -A"
                )


class _Headers:
    """A file of which only so much is read at once as headers need."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        if not 0 <= count <= _LONGEST_HEADER_BYTES:
            raise tarfile.ReadError(f"a header says that it has {count} bytes")
        return self._file.read(count)


def _stays_inside(name: str) -> bool:
    """Whether a name is one below a folder, and no tar within it is taken for the one that it is
    in."""
    outside = name.startswith("/") or name.split("/")[0] in ("..", ".", "")
    return not outside and ".tar/" not in name.lower()


def _broken(why: str) -> Contents:
    return Contents({}, 0, f"is a broken tar ({why}); fetch it again or leave it out")
