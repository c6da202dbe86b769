"""Which videos there are, what each is called, and into which split and shard it falls."""

import hashlib
import os
from fnmatch import fnmatchcase

import tensorflow as tf

from soundnet_tf.data.clips import Video
from soundnet_tf.data.manifest import size

VIDEO_EXTENSIONS = tuple(
    ".3gp .asf .avi .f4v .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm "
    ".wmv".split()
)
TRAIN, VAL = "train", "val"


def find_videos(source: str) -> tuple[Video, ...]:
    """Videos of a folder, a pattern or a list, sorted by id, local or remote (gs://, s3://, ...).

    Args:
        source: a folder (searched through to the bottom), a pattern in which `*`, `?` and `[...]`
            stay within one level and `**` spans any number of them, one video, or a text file
            with one path a line (`#` starts a comment line, a path named twice counts once).
            Folders and patterns give the files with one of VIDEO_EXTENSIONS, a list gives what it
            names. A file that is gone has 0 bytes; the decoder will refuse it.

    Returns:
        Videos whose ids are their paths below the folder, below the fixed beginning of the
        pattern, or below the common parent of the list.

    Raises:
        FileNotFoundError: if `source` does not exist or holds no videos.
        ValueError: if `source` is a file, but neither a video nor a text.
    """
    root = _absolute(source)
    if tf.io.gfile.isdir(root):
        base, paths = root, _videos_below(root)
    elif tf.io.gfile.exists(root):
        paths = [root] if _is_video(root) else _listed(root)
        base = _common_parent(paths)
    elif _is_pattern(root):
        base, paths = _matching(root)
    else:
        raise FileNotFoundError(f"{source}: no such folder, pattern, video or list of videos")
    if not paths:
        raise FileNotFoundError(
            f"{source}: no videos found, looked for {' '.join(VIDEO_EXTENSIONS)}"
        )
    ids = {_below(base, path): path for path in paths}
    return tuple(Video(id, path, size(path) or 0) for id, path in sorted(ids.items()))


def split_and_shard(
    video_id: str, val_fraction: float, shard_counts: dict[str, int]
) -> tuple[str, int]:
    """Split ("train" or "val") and shard index of a video: fixed by its id alone.

    The first 8 bytes of the id's SHA-256 choose the split, the next 8 the shard.
    """
    digest = hashlib.sha256(video_id.encode()).digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    split = VAL if fraction < val_fraction else TRAIN
    return split, int.from_bytes(digest[8:16], "big") % shard_counts[split]


def is_remote(path: str) -> bool:
    return "://" in path


def _absolute(path: str) -> str:
    return path.rstrip("/") if is_remote(path) else os.path.abspath(os.path.expanduser(path))


def _below(base: str, path: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _is_video(path: str) -> bool:
    return path.lower().endswith(VIDEO_EXTENSIONS)


def _is_pattern(path: str) -> bool:
    return any(wildcard in path for wildcard in "*?[")


def _videos_below(folder: str) -> list[str]:
    return [
        tf.io.gfile.join(parent, name)
        for parent, _, names in tf.io.gfile.walk(folder)
        for name in names
        if _is_video(name)
    ]


def _listed(list_path: str) -> list[str]:
    with tf.io.gfile.GFile(list_path) as lines:
        try:
            entries = [line.strip() for line in lines]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{list_path} is neither a list of videos in UTF-8 nor a video with one of "
                f"{' '.join(VIDEO_EXTENSIONS)}"
            ) from error
    return [_absolute(entry) for entry in entries if entry and not entry.startswith("#")]


def _common_parent(paths: list[str]) -> str:
    parents = [path.split("/")[:-1] for path in paths]
    shared = os.path.commonprefix(parents)  # of lists: compares whole components
    return "/".join(shared)


def _matching(pattern: str) -> tuple[str, list[str]]:
    """Fixed beginning of a pattern and the videos that match it."""
    parts = pattern.split("/")
    fixed = next(i for i, part in enumerate(parts) if _is_pattern(part))
    base = "/".join(parts[:fixed]) or "/"
    if "**" not in parts:
        return base, [path for path in tf.io.gfile.glob(pattern) if _is_video(path)]
    paths = [  # gfile.glob does not know **
        path
        for path in _videos_below(base)
        if _matches(_below(base, path).split("/"), parts[fixed:])
    ]
    return base, paths


def _matches(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
