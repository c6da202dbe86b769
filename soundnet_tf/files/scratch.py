"""Local places for what is on its way to or from a bucket, in the system's folder for temporary
files (TMPDIR). They go when the process ends; those of a killed one go with the next one here."""

import atexit
import contextlib
import functools
import os
import re
import secrets
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterator

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"  # its name may have any letters
_FOLDER = re.compile(rf"soundnet_tf-{HOST}-(\d+)-.*")


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """An empty folder, for the `with` block."""
    path = new_path("")
    os.makedirs(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def new_path(name: str) -> str:
    """Where nothing is yet; it ends in `name`."""
    return os.path.join(_folder_of(os.getpid()), f"{secrets.token_hex(4)}{name}")


def is_alive(process: int) -> bool:
    """Whether there is a process of that number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


@functools.cache  # a forked process gets its own
def _folder_of(process: int) -> str:
    above = tempfile.gettempdir()
    for found in map(_FOLDER.fullmatch, os.listdir(above)):
        if found and not is_alive(int(found[1])):
            shutil.rmtree(os.path.join(above, found[0]), ignore_errors=True)
    path = tempfile.mkdtemp(prefix=f"soundnet_tf-{HOST}-{process}-")
    atexit.register(_remove, path, process)
    return path


def _remove(path: str, process: int) -> None:
    if process == os.getpid():  # not in a child that was forked
        shutil.rmtree(path, ignore_errors=True)
