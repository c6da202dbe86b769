"""Which media files there are, and what each is called: folders, patterns, lists, local or not."""

import collections
import functools
import os
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from absl import logging

from soundnet_tf.files import lists, patterns, spans, storage, tars, windows
from soundnet_tf.files.spans import Span

_MOST_TOLD, _MOST_TOLD_IN_AN_ERROR = 20, 3  # entries that are not there
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COMPRESSED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_TARS_AT_ONCE = 16  # whose headers are read; in a bucket each waits for many answers

SOUND_EXTENSIONS = tuple(
    ".aac .ac3 .aif .aifc .aiff .amr .au .caf .eac3 .flac .m4a .m4b .mka .mp2 .mp3 .oga .ogg .opus "
    ".w64 .wav .wma .wv".split()
)
VIDEO_EXTENSIONS = tuple(
    ".3gp .asf .avi .f4v .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm "
    ".wmv".split()
)


class Found(NamedTuple):
    """Files by their ids, sorted by id, and of those that are not meant as a whole the spans that
    are, which do not overlap."""

    paths: dict[str, str]
    spans: dict[str, tuple[Span, ...]]


def find_media(source: str) -> dict[str, str]:
    """Paths of sound and video files by their ids; as `find_files`."""
    return find_files(source, SOUND_EXTENSIONS + VIDEO_EXTENSIONS, "media file")


def find_files(source: str, extensions: tuple[str, ...], kind: str) -> dict[str, str]:
    """Paths by ids as of `find_parts`.

    Raises:
        ValueError: a table says which spans of its files are meant; and as `find_parts`.
    """
    found = find_parts(source, extensions, kind)
    if found.spans:
        raise ValueError(
            f"{source} has columns {lists.START} and {lists.END}, but here files are taken whole; "
            "take these columns out, or cut the files first"
        )
    return found.paths


def find_parts(source: str, extensions: tuple[str, ...], kind: str) -> Found:
    """Files of a folder, a pattern or a list, and which spans of them are meant.

    A file that has several names, by links or in a list, counts once: under the first of its names
    in sorted order, and rather a plain one than a link's. How many names were left out is logged.

    Args:
        source: a folder (searched through to the bottom, links followed), a pattern in which `*`,
            `?` and `[...]` stay within one level and `**` spans any number of them, one file, or a
            list or a table (see `lists`). Folders and patterns give the files with one of
            `extensions`, links that lead nowhere too; a list gives what it names, a table what it
            keeps. `{0000..0009}` stands for each of these numbers. An entry that is not there is
            logged with its line, and given for its reader to refuse. A tar gives its members as a
            folder does its files (see `tars`); a broken one is given itself, likewise.
        extensions: in lower case, with their dots; the files' own may be in upper case.
        kind: what such a file is called in errors, "video" for example.

    Returns:
        Absolute paths by ids, and spans if a table has them, those that overlap as one (how many
        is logged). An id is the path below the folder, below the fixed
        beginning of the pattern, or below the common parent of the list; of a table that is the
        parent of all its rows, so that no id changes with what is kept. As `printable` gives it.

    Raises:
        FileNotFoundError: if `source` does not exist or holds no such files.
        ValueError: if `source` is a file, but neither one of `extensions` nor a text, or a table
            that cannot be read.
    """
    (root,) = tars.members_named([_absolute(os.path.expanduser(source))])
    again: list[str] = []
    of_rows: Sequence[Span | None] = ()
    if storage.is_folder(root):
        base = root
        below = storage.files_below(root, again)
        paths = [path for path in below if _is_wanted(extensions, path)]
    elif storage.exists(root):
        listed = paths = [root]
        if not _is_wanted(extensions, windows.plain(root)):
            paths, of_rows, listed = _listed(root, extensions, kind)
        base = _common_parent(listed)
    elif storage.is_pattern(root) or patterns.has_range(root):
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
    named = _named(base, _tars_opened(once, extensions))
    if not named:
        raise FileNotFoundError(
            f"{source}: no {kind}s in these tars, looked for {' '.join(extensions)}"
        )
    return Found(named, _spans_of(source, named, paths, of_rows))


def printable(name: str) -> str:
    """A name in which bytes that are no UTF-8 are written as `\\xNN`; it is then UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def one_line(name: str) -> str:
    """As `printable`, with control characters and ends of lines, which terminals obey, written as
    Python writes them: `\\x1b`, `\\n`."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], printable(name))


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
    ids = {path: _below(base, windows.plain(path)) for path in paths}
    for path in sorted(ids, key=lambda path: (printable(ids[path]) != ids[path], ids[path])):
        id = printable(ids[path])
        while id in named:
            id = id.replace("\\x", "\\\\x", 1)
        named[id] = path
    return dict(sorted(named.items()))


def _spans_of(
    source: str, named: Mapping[str, str], paths: Sequence[str], of_rows: Sequence[Span | None]
) -> dict[str, tuple[Span, ...]]:
    """By ids, of paths and a span of each; a file has those of all its names."""
    of_files = collections.defaultdict(set)
    for path, span in zip(paths, of_rows, strict=False):
        if span is not None:
            of_files[storage.real(path)].add(span)
    if not of_files:
        return {}
    found = {id: spans.joined(of_files[storage.real(path)]) for id, path in named.items()}
    if count := len(paths) - sum(map(len, found.values())):
        _say_once(
            f"{printable(source)}: {count} of {len(paths)} spans overlap others of their videos "
            "and are joined with them, so that nothing is learned twice"
        )
    return found


def _absolute(path: str) -> str:
    """Without `.`, `..` and empty levels, which no key in a bucket may have."""
    if not storage.is_remote(path):
        return os.path.abspath(path)
    scheme, _, rest = path.partition("://")
    bucket, _, key = rest.partition("/")
    below = posixpath.normpath(f"/{key}").lstrip("/")
    return f"{scheme}://{bucket}/{below}" if below else f"{scheme}://{bucket}"


def _below(base: str, path: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _is_wanted(extensions: tuple[str, ...], path: str) -> bool:
    return path.lower().endswith((*extensions, tars.TAR))


def _tars_opened(paths: Sequence[str], extensions: tuple[str, ...]) -> list[str]:
    """Paths, and in the place of each whole tar those of its members that are wanted."""
    found = [path for path in paths if tars.is_tar(path)]
    with ThreadPoolExecutor(_TARS_AT_ONCE) as threads:
        opened = dict(zip(found, threads.map(tars.contents, found), strict=True))
    out = [path for path in paths if path not in opened or opened[path].problem]
    for tar, held in opened.items():
        out += [path for name, path in held.files.items() if name.lower().endswith(extensions)]
        if held.left_out:
            _say_once(
                f"{printable(tar)}: {held.left_out} members were left out, links, devices, or of "
                "names that lead out of it"
            )
    return out


def _listed(
    list_path: str, extensions: tuple[str, ...], kind: str
) -> tuple[list[str], list[Span | None], list[str]]:
    """Paths that are wanted with the span of each, and all paths that a list or table names."""
    try:
        if not list_path.lower().endswith(lists.PARQUET):
            lists.read_text(list_path)
    except ValueError as error:
        if list_path.lower().endswith(_COMPRESSED_TARS):
            raise ValueError(
                f"{list_path} is a compressed tar, in which nothing can seek; unpack it to .tar"
            ) from error
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
    for entry in wanted:
        if entry.span and tars.is_tar(entry.path):
            raise ValueError(
                f"{list_path}, line {entry.line}: {entry.path} is a tar, which has no start and "
                f"end; name its members, such as {entry.path}/KEY{extensions[0]}"
            )
    paths = _located(list_path, wanted)
    there = storage.sizes_and_times(paths)
    missing = {  # of a file with several spans once
        entry.path: lists.missing(list_path, entry.line, entry.path)
        for entry, path in reversed(list(zip(wanted, paths, strict=True)))
        if there[path] is None
    }
    absent = [*reversed(missing.values())]
    if absent and not any(there.values()):
        raise FileNotFoundError(
            f"{list_path}: none of its {len(wanted)} entries is there; "
            f"{'; '.join(absent[:_MOST_TOLD_IN_AN_ERROR])}"
        )
    for said in absent[:_MOST_TOLD]:
        _say_once(f"{list_path}, {said}")
    if len(absent) > _MOST_TOLD:
        _say_once(f"{list_path}: {len(absent) - _MOST_TOLD} more are not there")
    return paths, [entry.span for entry in wanted], _located(list_path, entries)


def _located(list_path: str, entries: Iterable[lists.Kept]) -> list[str]:
    """Absolute paths of entries, those in tars too."""
    paths = [_absolute(lists.located(list_path, entry.path)) for entry in entries]
    return tars.members_named(paths)


@functools.cache  # a command looks once before TensorFlow is imported, and again at its work
def _say_once(text: str) -> None:
    logging.warning("%s", text)


def _common_parent(paths: list[str]) -> str:
    """Never a tar: what is in one has its name before it."""
    members = map(windows.member, paths)
    files = (member.tar if member else path for member, path in zip(members, paths, strict=True))
    parents = [path.split("/")[:-1] for path in files]
    shared = os.path.commonprefix(parents)  # noqa: RUF071 (of lists: whole components)
    return "/".join(shared)


def _matching(pattern: str, extensions: tuple[str, ...]) -> tuple[str, list[str]]:
    """Fixed beginning of a pattern, of which ranges are no part, and the files that match it. Those
    that only a range names are given whether they are there or not."""
    base, _ = storage.split_pattern(patterns.with_stars(pattern))
    found: list[str] = []
    for name in patterns.each_number(pattern):
        if storage.is_pattern(name):
            found += [path for path in storage.glob(name) if _is_wanted(extensions, path)]
        else:
            found.append(name)
    if patterns.has_range(pattern):
        there = storage.sizes_and_times(found)
        absent = [path for path in found if there[path] is None]
        if absent and len(absent) == len(found):
            raise FileNotFoundError(f"{pattern}: none of its {len(found)} files is there")
        for path in absent[:_MOST_TOLD]:
            _say_once(f"{printable(pattern)}: there is no {printable(path)}")
    return base, found
