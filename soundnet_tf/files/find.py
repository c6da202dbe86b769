"""Which media files there are, and what each is called: folders, patterns, lists, local or not."""

import collections
import functools
import os
from collections.abc import Iterable

from absl import logging

from soundnet_tf.files import lists, storage

_MOST_TOLD, _MOST_TOLD_IN_AN_ERROR = 20, 3  # entries that are not there

SOUND_EXTENSIONS = tuple(
    ".aac .ac3 .aif .aifc .aiff .amr .au .caf .eac3 .flac .m4a .m4b .mka .mp2 .mp3 .oga .ogg .opus "
    ".w64 .wav .wma .wv".split()
)
VIDEO_EXTENSIONS = tuple(
    ".3gp .asf .avi .f4v .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm "
    ".wmv".split()
)


def find_media(source: str) -> dict[str, str]:
    """Paths of sound and video files by their ids; as `find_files`."""
    return find_files(source, SOUND_EXTENSIONS + VIDEO_EXTENSIONS, "media file")


def find_files(source: str, extensions: tuple[str, ...], kind: str) -> dict[str, str]:
    """Files of a folder, a pattern or a list.

    A file that has several names, by links or in a list, counts once: under the first of its names
    in sorted order, and rather a plain one than a link's. How many names were left out is logged.

    Args:
        source: a folder (searched through to the bottom, links followed), a pattern in which `*`,
            `?` and `[...]` stay within one level and `**` spans any number of them, one file, or a
            list or a table (see `lists`). Folders and patterns give the files with one of
            `extensions`, links that lead nowhere too; a list gives what it names, a table what it
            keeps. An entry that is not there is logged
            with its line, and given for its reader to refuse.
        extensions: in lower case, with their dots; the files' own may be in upper case.
        kind: what such a file is called in errors, "video" for example.

    Returns:
        Absolute paths by ids, sorted by id. An id is the path below the folder, below the fixed
        beginning of the pattern, or below the common parent of the list; of a table that is the
        parent of all its rows, so that no id changes with what is kept. As `printable` gives it.

    Raises:
        FileNotFoundError: if `source` does not exist or holds no such files.
        ValueError: if `source` is a file, but neither one of `extensions` nor a text, or a table
            that cannot be read.
    """
    root = _absolute(os.path.expanduser(source))
    again: list[str] = []
    if storage.is_folder(root):
        base = root
        below = storage.files_below(root, again)
        paths = [path for path in below if _has_one_of(extensions, path)]
    elif storage.exists(root):
        listed = paths = [root]
        if not _has_one_of(extensions, root):
            paths, listed = _listed(root, extensions, kind)
        base = _common_parent(listed)
    elif storage.is_pattern(root):
        base, paths = _matching(root, extensions)
    else:
        raise FileNotFoundError(f"{source}: no such folder, pattern, {kind} or list of {kind}s")
    if not paths:
        raise FileNotFoundError(f"{source}: no {kind}s found, looked for {' '.join(extensions)}")
    once = _each_once(base, set(paths))
    if count := len(set(paths)) - len(once) + len(again):
        _say_once(
            f"{printable(source)}: {count} second names (links) of files and folders were left "
            "out, each counts once"
        )
    return _named(base, once)


def printable(name: str) -> str:
    """A name in which bytes that are no UTF-8 are written as `\\xNN`; it is then UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _each_once(base: str, paths: Iterable[str]) -> list[str]:
    """One name for each file."""
    names = collections.defaultdict(list)
    for path in paths:
        names[storage.real(path)].append(path)
    whole = os.path.realpath(base or os.sep)

    def rank(path: str) -> tuple[bool, str]:
        is_plain = os.path.realpath(path) == os.path.join(whole, _below(base, path))
        return not is_plain, path

    return [min(same, key=rank) if len(same) > 1 else same[0] for same in names.values()]


def _named(base: str, paths: Iterable[str]) -> dict[str, str]:
    """Paths by ids. One that had to be made printable gives way to another file of that name."""
    named: dict[str, str] = {}
    ids = {path: _below(base, path) for path in paths}
    for path in sorted(ids, key=lambda path: (printable(ids[path]) != ids[path], ids[path])):
        id = printable(ids[path])
        while id in named:
            id = id.replace("\\x", "\\\\x", 1)
        named[id] = path
    return dict(sorted(named.items()))


def _absolute(path: str) -> str:
    return path.rstrip("/") if storage.is_remote(path) else os.path.abspath(path)


def _below(base: str, path: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _has_one_of(extensions: tuple[str, ...], path: str) -> bool:
    return path.lower().endswith(extensions)


def _listed(list_path: str, extensions: tuple[str, ...], kind: str) -> tuple[list[str], list[str]]:
    """Paths that are wanted, and all that a list or table names."""
    try:
        lists.read_text(list_path)
    except ValueError as error:
        raise ValueError(
            f"{list_path} is neither a list of {kind}s in UTF-8 nor a {kind} with one of "
            f"{' '.join(extensions)}"
        ) from error
    entries = lists.read_kept(list_path)
    if entries is None:
        entries = [lists.Kept(*entry, True) for entry in lists.read_list(list_path)]
    wanted = [entry for entry in entries if entry.is_kept]
    if entries and not wanted:
        raise FileNotFoundError(
            f"{list_path}: keep is {lists.NO} in all of its {len(entries)} rows"
        )
    paths = [_absolute(lists.located(list_path, entry.path)) for entry in wanted]
    there = storage.sizes_and_times(paths)
    absent = [
        lists.missing(list_path, entry.line, entry.path)
        for entry, path in zip(wanted, paths, strict=True)
        if there[path] is None
    ]
    if absent and len(absent) == len(wanted):
        raise FileNotFoundError(
            f"{list_path}: none of its {len(wanted)} entries is there; "
            f"{'; '.join(absent[:_MOST_TOLD_IN_AN_ERROR])}"
        )
    for said in absent[:_MOST_TOLD]:
        _say_once(f"{list_path}, {said}")
    if len(absent) > _MOST_TOLD:
        _say_once(f"{list_path}: {len(absent) - _MOST_TOLD} more are not there")
    return paths, [_absolute(lists.located(list_path, entry.path)) for entry in entries]


@functools.cache  # a command looks once before TensorFlow is imported, and again at its work
def _say_once(text: str) -> None:
    logging.warning("%s", text)


def _common_parent(paths: list[str]) -> str:
    parents = [path.split("/")[:-1] for path in paths]
    shared = os.path.commonprefix(parents)  # noqa: RUF071 (of lists: whole components)
    return "/".join(shared)


def _matching(pattern: str, extensions: tuple[str, ...]) -> tuple[str, list[str]]:
    """Fixed beginning of a pattern and the files that match it."""
    base, _ = storage.split_pattern(pattern)
    return base, [path for path in storage.glob(pattern) if _has_one_of(extensions, path)]
