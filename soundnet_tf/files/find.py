"""Which media files there are, and what each is called: folders, patterns, lists, local or not."""

import os

from soundnet_tf.files import storage

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
    if storage.is_folder(root):
        base = root
        paths = [path for path in storage.files_below(root) if _has_one_of(extensions, path)]
    elif storage.exists(root):
        paths = [root] if _has_one_of(extensions, root) else _listed(root, extensions, kind)
        base = _common_parent(paths)
    elif storage.is_pattern(root):
        base, paths = _matching(root, extensions)
    else:
        raise FileNotFoundError(f"{source}: no such folder, pattern, {kind} or list of {kind}s")
    if not paths:
        raise FileNotFoundError(f"{source}: no {kind}s found, looked for {' '.join(extensions)}")
    return dict(sorted((_below(base, path), path) for path in paths))


def _absolute(path: str) -> str:
    if storage.is_remote(path):
        return path.rstrip("/")
    return os.path.abspath(os.path.expanduser(path))


def _below(base: str, path: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _has_one_of(extensions: tuple[str, ...], path: str) -> bool:
    return path.lower().endswith(extensions)


def _listed(list_path: str, extensions: tuple[str, ...], kind: str) -> list[str]:
    with storage.open_file(list_path) as lines:
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
    base, _ = storage.split_pattern(pattern)
    return base, [path for path in storage.glob(pattern) if _has_one_of(extensions, path)]
