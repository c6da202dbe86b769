"""Local files and folders that have several names: which are one, and a walk that ends."""

import heapq
import os
from collections.abc import Callable, Hashable, Iterator


def real(path: str) -> Hashable:
    """Device and inode, whatever the name; where there are none, such as of what is not there, the
    path without links."""
    try:
        stat = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return (stat.st_dev, stat.st_ino) if stat.st_ino else os.path.realpath(path)


def walk(
    folder: str, again: list[str], onerror: Callable[[OSError], None]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, sorted; links are followed when all folders have been seen.

    Args:
        folder: where to begin.
        again: to which folders are added that had been seen under another name; they are not gone
            into.
        onerror: as of `os.walk`.
    """
    seen: set[Hashable] = set()
    starts = [folder]
    while starts:
        for parent, folders, names in os.walk(heapq.heappop(starts), onerror=onerror):
            if real(parent) in seen:
                again.append(parent)
                folders.clear()
                continue
            seen.add(real(parent))
            folders.sort()
            inner = (os.path.join(parent, name) for name in folders)
            for link in filter(os.path.islink, inner):
                heapq.heappush(starts, link)
            yield parent, folders, sorted(names)
