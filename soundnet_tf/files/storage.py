"""The one place that opens, lists, renames and removes files, local or in buckets ("s3://...").

Members of tars are read as files, see `windows`; all else is refused of them. Local files go
through Python alone, others through `remote`; neither imports TensorFlow. Errors are
Python's own for both: FileNotFoundError, or another OSError with the path and reason.
"""

import contextlib
import errno
import glob as local_glob
import io
import os
import re
import shutil
from collections.abc import Hashable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import IO

from soundnet_tf.files import links, ranges, remote, scratch, windows

_MODES = ("r", "w", "rb", "wb")
_WINDOW_BUFFER_BYTES = 1 << 16


def is_remote(path: str) -> bool:
    return "://" in os.fsdecode(path)


def open_file(path: str, mode: str = "r") -> IO:
    """A Python file, which is to be closed (`with`). Text is UTF-8, its line ends are left alone.

    Of a remote file only what is read is fetched; it is written when it is closed, whole.

    Raises:
        ValueError: a mode other than "r", "w", "rb" and "wb".
        OSError: it cannot be opened. What is wrong with a remote file that is written shows only
            when it is closed.
    """
    if mode not in _MODES:
        raise ValueError(f"mode {mode!r} of {path}: choose one of {_MODES}")
    if member := windows.member(os.fsdecode(path)):
        if mode[0] == "w":
            raise OSError(errno.EROFS, "members of tars are only read", path)
        window = windows.Window(open_file(member.tar, "rb"), member)
        file: IO = io.BufferedReader(window, _WINDOW_BUFFER_BYTES)
    elif is_remote(path):
        path = os.fsdecode(path)
        if mode[0] == "r":
            file = io.BufferedReader(ranges.RangedFile(path))
        else:
            file = ranges.WholeFile(path)
    else:
        file = open(path, mode[0] + "b")  # noqa: SIM115 (the caller closes it)
    return file if mode[1:] else io.TextIOWrapper(file, encoding="utf-8", newline="")


def read_bytes(path: str) -> bytes:
    """All of a file."""
    if is_remote(path) and not windows.member(path):
        return remote.read_bytes(path)
    with open_file(path, "rb") as file:
        return file.read()


def exists(path: str) -> bool:
    """Whether there is a file or a folder."""
    if windows.member(os.fsdecode(path)):
        return size_and_time(path) is not None
    if is_remote(path):
        return remote.head(path) is not None or remote.is_folder(path)
    return os.path.exists(path)


def is_folder(path: str) -> bool:
    """Whether there is a folder; a remote one is there as long as a file is in it."""
    if is_remote(path):
        return remote.is_folder(path)
    return os.path.isdir(path)


def real(path: str) -> Hashable:
    """What tells a file or folder from all others, whatever names it has: device and inode; where
    there are none, such as of what is not there, its path without links; of a remote one its path.
    """
    return os.fspath(path) if is_remote(path) else links.real(path)


def size(path: str) -> int | None:
    """Bytes of a file; None if there is none."""
    found = size_and_time(path)
    return found and found[0]


def modified_ns(path: str) -> int | None:
    """When a file was last written, in nanoseconds since 1970 (of a remote one whole seconds may
    be all that is known); None if there is none."""
    found = size_and_time(path)
    return found and found[1]


def size_and_time(path: str) -> tuple[int, int] | None:
    """`size` and `modified_ns` at one look; of a member of a tar its own size, and when the tar was
    written."""
    if member := windows.member(os.fsdecode(path)):
        return _of_member(member, size_and_time(member.tar))
    if is_remote(path):
        found = remote.head(path)
        return found and found[:2]
    stat = _stat(path)
    return stat and (stat.st_size, stat.st_mtime_ns)


def sizes_and_times(paths: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    """`size_and_time` of each path; of many in buckets with few requests."""
    members = {path: windows.member(os.fsdecode(path)) for path in paths}
    files = dict.fromkeys(member.tar if member else path for path, member in members.items())
    known = remote.sizes_and_times(filter(is_remote, files))
    found = {path: known[path] if path in known else size_and_time(path) for path in files}
    return {
        path: _of_member(member, found[member.tar]) if member else found[path]
        for path, member in members.items()
    }


def list_folder(path: str) -> list[str]:
    """Names of the files and folders in a folder, sorted, none with a slash."""
    if is_remote(path):
        return remote.list_folder(path)
    return sorted(os.listdir(path))


def files_below(folder: str, again: list[str] | None = None) -> Iterator[str]:
    """Paths of all files in a folder and, down to the bottom, in its folders, then of those behind
    links to folders. What a folder holds is given once: under its first name in sorted order, and
    rather a plain one than a link's. So loops of links end.

    Args:
        folder: where to begin.
        again: to which folders are added that had been seen under another name.

    Raises:
        OSError: a folder that cannot be listed.
    """
    if is_remote(folder):
        yield from remote.files_below(folder)
        return
    tree = links.walk(folder, [] if again is None else again, _raise)
    for parent, _, names in tree:
        yield from (os.path.join(parent, name) for name in names)


def glob(pattern: str) -> list[str]:
    """Paths that match a pattern, sorted.

    `*`, `?`, `[...]` and `[^...]` stay within one level, `\\*` is a star, and names that begin with
    a dot match too. Where `**` is a level of its own it stands for any number of them, and only
    files are given, as `files_below` names them.
    """
    base, parts = split_pattern(pattern)
    if "**" in parts:
        skipped = len(base.rstrip("/")) + 1
        files = files_below(base) if is_folder(base) else ()
        return sorted(path for path in files if _matches(path[skipped:].split("/"), parts))
    if is_remote(pattern):
        return sorted(remote.matching(base, [_as_python(part) for part in parts]))
    return sorted(local_glob.glob(_as_python(os.fspath(pattern)), include_hidden=True))


def is_pattern(path: str) -> bool:
    return any(wildcard in path for wildcard in "*?[")


def split_pattern(pattern: str) -> tuple[str, list[str]]:
    """The folder with which a pattern begins, and its levels from the first wildcard on."""
    parts = os.fspath(pattern).split("/")
    fixed = next((i for i, part in enumerate(parts) if is_pattern(part)), len(parts))
    base = "/".join(parts[:fixed])
    return base or ("/" if fixed else "."), parts[fixed:]


def make_folder(path: str) -> None:
    """Makes a folder, and those above it, where they are not there; a remote one needs no making.

    Raises:
        OSError: it cannot be made, since there is a file of that name for example.
    """
    if is_remote(path):
        return
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise type(error)(_no_folder(path, error.strerror)) from error


def check_folder(path: str) -> None:
    """Refuses a path of which `make_folder` can make no folder: a file is in its way, or the bucket
    does not answer.

    Raises:
        NotADirectoryError: there is a file.
        OSError, ImportError: as of `check_bucket`.
    """
    check_bucket(path)
    if is_remote(path):
        return
    above = os.path.abspath(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        raise NotADirectoryError(_no_folder(path, f"{above} is a file"))


def check_bucket(path: str) -> None:
    """Looks once whether the bucket of a remote path answers, whatever is there.

    Raises:
        OSError: another scheme, no such bucket, no access, or nobody answers.
        ImportError: what reads it is not installed.
    """
    if is_remote(path):
        remote.head(path)


def _no_folder(path: str, reason: str | None) -> str:
    return f"{path}: cannot be made a folder ({reason}); choose another"


def rename(source: str, target: str, overwrite: bool = False) -> None:
    """Gives a file or folder another name on the same file system.

    What is remote is copied file by file and then removed, so that a kill leaves both, or half of a
    folder: what has to be whole or not there is written by `atomic` instead.

    Raises:
        FileNotFoundError: there is no `source`.
        FileExistsError: there is a `target`, and it is not to be overwritten.
        OSError: `target` is a folder with files.
    """
    if is_remote(source):
        if exists(target) and not (overwrite and not is_folder(target)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        remote.move(source, target)
        return
    if not overwrite and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
    os.replace(source, target)


def remove(path: str) -> None:
    """Removes a file if there is one."""
    if is_remote(path):
        remote.remove(path)
        return
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it, if there is one; of a link only the link."""
    if not is_remote(path) and os.path.islink(path):
        os.remove(path)
        return
    with contextlib.suppress(FileNotFoundError):
        if is_remote(path):
            remote.remove(*remote.files_below(path))
        else:
            shutil.rmtree(path)


@contextlib.contextmanager
def local(path: str) -> Iterator[str]:
    """Gives a local name of a file or folder, for libraries that open by name: its own, or of what
    is remote that of a copy, for the `with` block.

    Raises:
        FileNotFoundError: a remote one is not there.
    """
    if not is_remote(path) and not windows.member(os.fsdecode(path)):
        yield path
        return
    with scratch.folder() as folder:
        copy = os.path.join(folder, os.path.basename(windows.plain(path).rstrip("/")))
        if windows.member(path):
            with open_file(path, "rb") as source, open(copy, "wb") as copied:
                shutil.copyfileobj(source, copied)
        elif is_folder(path):
            for file in remote.files_below(path):
                target = os.path.join(copy, file.removeprefix(path.rstrip("/") + "/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                remote.download(file, target)
        else:
            remote.download(path, copy)
        yield copy


def _of_member(member: windows.Member, of_tar: tuple[int, int] | None) -> tuple[int, int] | None:
    """None too if the tar is now shorter than it was."""
    if of_tar is None or of_tar[0] < member.offset + member.size:
        return None
    return member.size, of_tar[1]


def _stat(path: str):
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # links that lead to each other lead to nothing
            return None
        raise


def _matches(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    level = _as_python(pattern[0])
    return bool(parts) and fnmatchcase(parts[0], level) and _matches(parts[1:], pattern[1:])


def _as_python(pattern: str) -> str:
    """TensorFlow's form of a pattern (`[^...]`, and `\\*` for a star) in Python's."""
    return re.sub(r"\\([*?[])", r"[\1]", pattern.replace("[^", "[!"))


def _raise(error: Exception) -> None:
    raise error
