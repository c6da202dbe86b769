"""One run at a time: a run that writes to a folder or a file holds it, a second is refused at once.

Every run that holds a place has a hidden file there, `.soundnet_tf-<8 hex digits>.lock`, that says
as JSON who it is. On it the kernel keeps a lock (`flock`, on NFS too) that ends with the process,
however that ends, so that nothing is ever stale. To look at the others' files and to add one's own
is one step, under a short lock on `.soundnet_tf.lock`. All of them go when the last run ends; those
of a killed one with the next run. A place that is one file, or a folder that is replaced as a
whole, has its lock files beside it, `.NAME.lock` and so on.

Where there is no such lock, on object stores above all, see `lease`.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from typing import IO

from soundnet_tf.files import lease, storage
from soundnet_tf.files.lease import HeldError, Holder

_HIDDEN = ".soundnet_tf"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_GATE_SECS = 10.0  # much longer than anybody needs to look around
_PAUSE_SECS = 0.01

__all__ = ["HeldError", "hold_file", "hold_folder"]


@contextlib.contextmanager
def hold_folder(path: str, stage: str, part: tuple[int, int] | None = None) -> Iterator[None]:
    """Holds a folder for the `with` block; it is made, and goes again if nothing comes into it.

    Args:
        path: local or remote.
        stage: what is done, the name of a command.
        part: its number and the number of parts, of a stage that is shared: several runs with
            different parts of the same number work beside each other. None: nobody else may.

    Raises:
        HeldError: another run holds it; says which, and what to do.
        OSError: it cannot be made or written to.
    """
    path = path.rstrip("/") if storage.is_remote(path) else os.path.abspath(path)
    with _hold(path, _HIDDEN, path, Holder.of_this_process(stage, part)):
        yield


@contextlib.contextmanager
def hold_file(path: str, stage: str) -> Iterator[None]:
    """Holds a file, or a folder that is replaced as a whole; as `hold_folder`."""
    path = path.rstrip("/") if storage.is_remote(path) else os.path.abspath(path)
    folder, name = os.path.split(path)
    with _hold(folder, f".{name}", path, Holder.of_this_process(stage)):
        yield


@contextlib.contextmanager
def _hold(folder: str, prefix: str, place: str, me: Holder) -> Iterator[None]:
    made = _missing_folders(folder)
    try:
        with contextlib.ExitStack() as stack:
            try:
                if storage.is_remote(folder):
                    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
                stack.enter_context(_locked(folder, prefix, place, me))
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                stack.enter_context(lease.leased(folder, prefix, place, me))
            yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):  # there is something in it
                os.rmdir(path)


def _missing_folders(path: str) -> list[str]:
    """The folders that are to be made for a local path, innermost first."""
    missing = []
    while not storage.is_remote(path) and not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing


@contextlib.contextmanager
def _locked(folder: str, prefix: str, place: str, me: Holder) -> Iterator[None]:
    own = os.path.join(folder, f"{prefix}-{secrets.token_hex(4)}.lock")
    with contextlib.ExitStack() as stack:
        with _gate(folder, prefix):
            for other in _living(folder, prefix):
                if me.conflicts_with(other):
                    raise other.error(place)
            file = stack.enter_context(open(own, "wb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(me.as_json())
            file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError), _gate(folder, prefix, is_made=False):
                storage.remove(own)
                if not _names(folder, prefix):
                    storage.remove(os.path.join(folder, f"{prefix}.lock"))


@contextlib.contextmanager
def _gate(folder: str, prefix: str, is_made: bool = True) -> Iterator[None]:
    """Nobody else is between these two lines. The file may be removed by who was here before: then
    the lock is on a file that has no name any more, and the next one is tried."""
    path = os.path.join(folder, f"{prefix}.lock")
    deadline = time.monotonic() + _GATE_SECS
    while True:
        if is_made:
            storage.make_folder(folder)
        elif not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
        with open(path, "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise HeldError(
                        f"{path} has been locked for {_GATE_SECS:.0f} s by a run that should only "
                        "look around; is one stopped? End it, or choose another --out"
                    ) from None
            except OSError:  # there are no locks, so the file is of no use
                storage.remove(path)
                raise
            else:
                if _is_still(path, file):
                    yield
                    return
        time.sleep(_PAUSE_SECS)


def _is_still(path: str, file: IO) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _living(folder: str, prefix: str) -> Iterator[Holder]:
    """Whoever holds the place; what others left who are gone is removed."""
    for name in _names(folder, prefix):
        path = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield Holder.from_json(file.read())
            else:
                storage.remove(path)


def _names(folder: str, prefix: str) -> list[str]:
    pattern = lease.pattern(prefix)
    return [name for name in storage.list_folder(folder) if pattern.fullmatch(name)]
