"""Which media files there are, and what each is called: folders, patterns, lists; local or remote.

It is not part of `soundnet_tf.media` itself, as it imports TensorFlow, whose `tf.io.gfile` reads
folders of all kinds (gs://, s3://, ...).
"""

import os
from fnmatch import fnmatchcase

import tensorflow as tf

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

    Args:
        source: a folder (searched through to the bottom), a pattern in which `*`, `?` and `[...]`
            stay within one level and `**` spans any number of them, one file, or a text file with
            one path a line (`#` starts a comment line, a path named twice counts once). Folders
            and patterns give the files with one of `extensions`, a list gives what it names,
            whether it is there or not.
        extensions: in lower case, with their dots; the files' own may be in upper case.
        kind: what such a file is called in errors, "video" for example.

    Returns:
        Absolute paths by ids, sorted by id. An id is the path below the folder, below the fixed
        beginning of the pattern, or below the common parent of the list.

    Raises:
        FileNotFoundError: if `source` does not exist or holds no such files.
        ValueError: if `source` is a file, but neither one of `extensions` nor a text.
    """
    root = _absolute(source)
    if tf.io.gfile.isdir(root):
        base, paths = root, _files_below(root, extensions)
    elif tf.io.gfile.exists(root):
        paths = [root] if _has_one_of(extensions, root) else _listed(root, extensions, kind)
        base = _common_parent(paths)
    elif _is_pattern(root):
        base, paths = _matching(root, extensions)
    else:
        raise FileNotFoundError(f"{source}: no such folder, pattern, {kind} or list of {kind}s")
    if not paths:
        raise FileNotFoundError(f"{source}: no {kind}s found, looked for {' '.join(extensions)}")
    return dict(sorted((_below(base, path), path) for path in paths))


def _absolute(path: str) -> str:
    is_remote = "://" in path
    return path.rstrip("/") if is_remote else os.path.abspath(os.path.expanduser(path))


def _below(base: str, path: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _has_one_of(extensions: tuple[str, ...], path: str) -> bool:
    return path.lower().endswith(extensions)


def _is_pattern(path: str) -> bool:
    return any(wildcard in path for wildcard in "*?[")


def _files_below(folder: str, extensions: tuple[str, ...]) -> list[str]:
    return [
        tf.io.gfile.join(parent, name)
        for parent, _, names in tf.io.gfile.walk(folder)
        for name in names
        if _has_one_of(extensions, name)
    ]


def _listed(list_path: str, extensions: tuple[str, ...], kind: str) -> list[str]:
    with tf.io.gfile.GFile(list_path) as lines:
        try:
            entries = [line.strip() for line in lines]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{list_path} is neither a list of {kind}s in UTF-8 nor a {kind} with one of "
                f"{' '.join(extensions)}"
            ) from error
    return [_absolute(entry) for entry in entries if entry and not entry.startswith("#")]


def _common_parent(paths: list[str]) -> str:
    parents = [path.split("/")[:-1] for path in paths]
    shared = os.path.commonprefix(parents)  # of lists: compares whole components
    return "/".join(shared)


def _matching(pattern: str, extensions: tuple[str, ...]) -> tuple[str, list[str]]:
    """Fixed beginning of a pattern and the files that match it."""
    parts = pattern.split("/")
    fixed = next(i for i, part in enumerate(parts) if _is_pattern(part))
    base = "/".join(parts[:fixed]) or "/"
    if "**" not in parts:
        return base, [path for path in tf.io.gfile.glob(pattern) if _has_one_of(extensions, path)]
    paths = [  # gfile.glob does not know **
        path
        for path in _files_below(base, extensions)
        if _matches(_below(base, path).split("/"), parts[fixed:])
    ]
    return base, paths


def _matches(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
