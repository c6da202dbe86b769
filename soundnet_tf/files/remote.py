"""Objects in buckets by obstore, whole or by ranges; see `buckets` for paths and errors, and
`storage` for what stages call.

TensorFlow never sees such a path: it would need tensorflow-io, which knows no newer TensorFlow than
2.17 and aborts the process at its exit, whatever became of the work. What other libraries write
goes to a local file first (`upload`), what they read comes to one (`download`).

A bucket has no folders: one is there as long as a file is in it, and making one does nothing.
"""

import contextlib
import datetime
import errno
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any

from soundnet_tf.files import buckets

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_CHUNK_BYTES = 1 << 23
_LOOKS_AT_ONCE = 16  # at a bucket, which answers each after some 30 ms


def head(path: str) -> tuple[int, int, str | None] | None:
    """Bytes, time of change in nanoseconds since 1970, and tag of the content; None if there is no
    such object."""
    with buckets.opened(path) as (obstore, bucket, key):
        if key:
            with contextlib.suppress(FileNotFoundError):
                found = obstore.head(bucket, key)
                return found["size"], _changed_ns(found), found["e_tag"]
        # What is not there has no text that says whether its bucket is.
        next(iter(obstore.list(bucket, key or None, chunk_size=1)), None)
    return None


def is_folder(path: str) -> bool:
    """Whether there is something below `path`; a bucket is a folder too."""
    with buckets.opened(path) as (obstore, bucket, key):
        first: list = next(iter(obstore.list(bucket, key or None, chunk_size=2)), [])
        return not key or any(found["path"] != key for found in first)


def list_folder(path: str) -> list[str]:
    """Names of what is in a folder, sorted. FileNotFoundError if there is none."""
    with buckets.opened(path) as (obstore, bucket, key):
        found = obstore.list_with_delimiter(bucket, key or None)
        paths = {*found["common_prefixes"], *(one["path"] for one in found["objects"])} - {key}
        if key and not paths:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        return sorted(one.rstrip("/").rpartition("/")[2] for one in paths)


def sizes_and_times(paths: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    """Bytes and times of change, as of `head`; asked once a folder, not once a file, and several
    folders at the same time."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(path.rpartition("/")[0], []).append(path)

    def found_in(folder: str) -> dict[str, tuple[int, int] | None]:
        wanted = folders[folder]
        if len(wanted) == 1:
            found = head(wanted[0])
            return {wanted[0]: found and found[:2]}
        with buckets.opened(folder) as (obstore, bucket, key):
            there = {
                one["path"].rpartition("/")[2]: (one["size"], _changed_ns(one))
                for one in obstore.list_with_delimiter(bucket, key or None)["objects"]
            }
        return {path: there.get(path.rpartition("/")[2]) for path in wanted}

    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as threads:
        return {k: v for found in threads.map(found_in, folders) for k, v in found.items()}


def files_below(path: str) -> list[str]:
    """Paths of all objects below a folder, sorted; FileNotFoundError if there are none."""
    with buckets.opened(path) as (obstore, bucket, key):
        found = {
            one["path"]: one["size"] for chunk in obstore.list(bucket, key or None) for one in chunk
        }
        # Some programs put an empty object in the place of a folder.
        folders = {above for one in found for above in _above(one)}
        files = [one for one, size in found.items() if size or one not in folders | {key}]
        if key and not files:
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        base = path.rstrip("/").removesuffix(key)
        return sorted(f"{base.rstrip('/')}/{one}" for one in files)


def matching(folder: str, levels: list[str]) -> Iterator[str]:
    """Paths in a folder, of which each level matches a pattern of `fnmatch`."""
    if not levels:
        yield folder
        return
    with contextlib.suppress(FileNotFoundError):
        for name in list_folder(folder):
            if fnmatchcase(name, levels[0]):
                yield from matching(f"{folder.rstrip('/')}/{name}", levels[1:])


def read_range(path: str, start: int, stop: int, tag: str | None) -> bytes:
    """Some bytes of the object whose content has this tag; another content is an OSError."""
    with buckets.opened(path) as (obstore, bucket, key):
        options: dict[str, Any] = {"range": (start, stop)}
        if tag and not path.startswith("memory:"):  # whose tags obstore does not find itself
            options["if_match"] = tag
        return bytes(obstore.get(bucket, key, options=options).bytes())


def read_bytes(path: str) -> bytes:
    """All of an object."""
    with buckets.opened(path) as (obstore, bucket, key):
        return bytes(obstore.get(bucket, key).bytes())


def write_bytes(path: str, content: bytes) -> None:
    """An object that is whole or not there."""
    with buckets.opened(path) as (obstore, bucket, key):
        obstore.put(bucket, key, content)


def upload(local: str, path: str) -> None:
    """A local file becomes an object that is whole or not there."""
    with open(local, "rb") as file, buckets.opened(path) as (obstore, bucket, key):
        obstore.put(bucket, key, file, chunk_size=_CHUNK_BYTES)


def download(path: str, local: str) -> None:
    """An object becomes a local file."""
    with open(local, "wb") as file, buckets.opened(path) as (obstore, bucket, key):
        found = obstore.get(bucket, key)
        for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
            file.write(chunk)
        if file.tell() != found.meta["size"]:
            raise OSError(
                errno.EIO, f"{file.tell()} of {found.meta['size']} bytes came; try again", path
            )


def move(source: str, target: str) -> None:
    """An object, or all of a folder: copied on the server if both are in one bucket, else by way of
    this machine, and then removed."""
    files = files_below(source) if is_folder(source) else [source]
    for path in files:
        moved = target.rstrip("/") + path.removeprefix(source.rstrip("/"))
        with buckets.opened(path) as (obstore, bucket, key):
            if buckets.parts(path)[:2] == buckets.parts(moved)[:2]:
                obstore.copy(bucket, key, buckets.parts(moved)[2])
            else:
                write_bytes(moved, read_bytes(path))
    remove(*files)


def remove(*paths: str) -> None:
    """Removes objects of one bucket, those that are there."""
    if not paths:
        return
    with buckets.opened(paths[0]) as (obstore, bucket, _), contextlib.suppress(FileNotFoundError):
        obstore.delete(bucket, [buckets.parts(path)[2] for path in paths])


def _changed_ns(found: Any) -> int:
    return (found["last_modified"] - _EPOCH) // datetime.timedelta(microseconds=1) * 1000


def _above(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]
