"""Files and folders that are whole or not there: written under another name, then renamed.

The other name, `.NAME.HOST-PROCESS-<4 hex digits>.partial`, is hidden and a process's own, so that
several may write the same file; the last one to end wins. After an error it is removed. What a
process left that was killed is removed by the next one that writes the same on the same host; from
another host, it stays.

What is remote is written to a local file first (see `scratch`) and then sent: a bucket shows an
object when all of it is there, while renaming would be a copy and a removal.
"""

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from soundnet_tf.files import remote, scratch, storage

_HOST = scratch.HOST
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # Python names no file then


@contextlib.contextmanager
def new_file(path: str, suffix: str = "") -> Iterator[str]:
    """Gives the name under which a file is to be written, which takes the place of `path` at the
    end of the `with` block; if that ends in an error, `path` stays as it was.

    Args:
        path: local or remote; its folder is there.
        suffix: with which the other name ends, where the writer goes by it (Keras: ".keras",
            ".weights.h5").
    """
    if storage.is_remote(path):
        with scratch.folder() as folder:
            local = os.path.join(folder, os.path.basename(path) + suffix)
            yield local
            remote.upload(local, path)
        return
    temporary = f"{_hidden(path)}.partial{suffix}"
    _remove_leftovers(path)
    try:
        yield temporary
        storage.rename(temporary, path, overwrite=True)
    except BaseException as error:
        with contextlib.suppress(OSError):  # such as of a disk that can only be read
            storage.remove(temporary)
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            reason = f"{error.strerror}; make room, then run the same command again"
            raise OSError(error.errno, reason, path) from error
        raise


@contextlib.contextmanager
def new_folder(path: str, last: str) -> Iterator[str]:
    """Gives an empty folder which is renamed to `path` at the end of the `with` block. What was
    there is removed then; if the block ends in an error, it stays as it was. Of two processes that
    end at once one may get a FileExistsError.

    A bucket takes files only one by one: of a remote folder the file `last` is removed first and
    written last, so that a folder that has it is whole.

    Args:
        path: local or remote.
        last: the file by which readers know such a folder.

    Raises:
        FileExistsError: `path` is a file.
    """
    path = path.rstrip("/") if storage.is_remote(path) else os.path.abspath(path)
    if storage.exists(path) and not storage.is_folder(path):
        raise FileExistsError(f"{path} is a file, not a folder; choose another name, or remove it")
    if storage.is_remote(path):
        with scratch.folder() as local:
            yield local
            _send_folder(local, path, last)
        return
    temporary = f"{_hidden(path)}.partial"
    _remove_leftovers(path)
    try:
        storage.make_folder(temporary)
        yield temporary
        _replace_folder(temporary, path)
    except BaseException:
        storage.remove_folder(temporary)
        raise


def write_text(path: str, text: str) -> None:
    """Writes a text file in UTF-8, atomically."""
    write_bytes(path, text.encode())


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file, atomically."""
    with new_file(path) as temporary, storage.open_file(temporary, "wb") as file:
        file.write(content)


def write_json(path: str, value: Any, **form) -> None:
    """Writes `value` as JSON, atomically.

    Args:
        path: of the file.
        value: what JSON can hold.
        form: as of `json.dumps`; sorted and indented by 2 if nothing else is said.
    """
    write_text(path, json.dumps(value, **({"indent": 2, "sort_keys": True} | form)) + "\n")


def read_json(path: str) -> Any:
    """The value in a JSON file; None if there is no file.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        with storage.open_file(path) as file:
            return json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error}); remove it, or write it again") from error


def _send_folder(local: str, path: str, last: str) -> None:
    storage.remove(f"{path}/{last}")
    files = {file.removeprefix(f"{local}/"): file for file in storage.files_below(local)}
    before = storage.files_below(path) if storage.is_folder(path) else ()
    remote.remove(*(old for old in before if old.removeprefix(f"{path}/") not in files))
    for name in sorted(files, key=lambda name: name == last):
        remote.upload(files[name], f"{path}/{name}")


def remove_partial(folder: str, names: Collection[str]) -> None:
    """Removes what processes of any host left that were writing files of these names in a folder;
    nobody may be writing them now."""
    hidden = re.compile(r"\.(.+)\.[0-9a-f]{8}-\d+-[0-9a-f]{4}\.partial.*")
    for found in map(hidden.fullmatch, storage.list_folder(folder)):
        if found and found[1] in names:
            storage.remove(os.path.join(folder, found[0]))


def _replace_folder(temporary: str, path: str) -> None:
    """Out of the way with the old one first, as no rename replaces a folder that has files; it is
    removed only when the new one stands in its place."""
    if not storage.exists(path):
        storage.rename(temporary, path)
        return
    replaced = f"{_hidden(path)}.replaced"
    storage.rename(path, replaced)
    try:
        storage.rename(temporary, path)
    except BaseException:
        if storage.exists(path):  # another process was first
            storage.remove_folder(replaced)
        else:
            storage.rename(replaced, path)
        raise
    storage.remove_folder(replaced)


def _hidden(path: str) -> str:
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(folder, f".{name}.{_HOST}-{os.getpid()}-{secrets.token_hex(2)}")


def _remove_leftovers(path: str) -> None:
    """Removes what processes of this host that are gone were writing in the place of `path`. A
    folder that was moved out of the way, with nothing in its place yet, is put back."""
    folder, name = os.path.split(os.fspath(path))
    if not storage.is_folder(folder or "."):
        return
    hidden = re.compile(rf"\.{re.escape(name)}\.{_HOST}-(\d+)-[0-9a-f]{{4}}\.(partial|replaced).*")
    for found in map(hidden.fullmatch, os.listdir(folder or ".")):
        if found and not scratch.is_alive(int(found[1])):
            left = os.path.join(folder, found[0])
            if found[2] == "replaced" and not storage.exists(path):
                storage.rename(left, path)
            else:
                (storage.remove_folder if os.path.isdir(left) else storage.remove)(left)
