"""Names for files that are made of recordings: one each, that any file system takes."""

import os
import re
from collections.abc import Sequence

from soundnet_tf.files.find import printable

_MOST_BYTES = 180  # of 255, which file systems take: what is put behind and before it fits too
# What is no character of a line, and what one file system or another has a meaning for.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\\/:*?"<>|]')


def unique_names(paths: Sequence[str]) -> list[str]:
    """For each path its file's name without the ending, such that no two are the same, whatever
    their case: the second `rain` is `rain-2`. Characters that are not safe are underscores, so are
    dots and hyphens at the beginning.
    """
    names, taken = [], set()
    for path in paths:
        stem = _safe(os.path.splitext(os.path.basename(os.fsdecode(path)))[0])
        name, count = stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _safe(stem: str) -> str:
    stem = _UNSAFE.sub("_", printable(stem))
    stem = re.sub(r"^[.\s-]+", lambda found: "_" * len(found[0]), stem)
    return stem.encode()[:_MOST_BYTES].decode("utf-8", "ignore").rstrip(". ") or "_"
