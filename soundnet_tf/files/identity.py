"""Whether a file is still the one that it was, for stages that go on from what they had done.

A file's identity is its size and when it was last written, to the nanosecond where that is known
(remote stores may know whole seconds only). By checksum it is its content, whenever it was written.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from soundnet_tf.files import storage, windows
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.files.spans import Span

HELP = (
    "Tell by their content (SHA-256; all are read) which files have changed, not by size and time "
    "of change."
)

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Identity:
    """What is known of a file.

    Attributes:
        bytes: its size; 0 if it is gone or out of reach, which its reader will tell.
        modified_ns: when it was last written, nanoseconds since 1970; None: not known.
        sha256: of its content; None: not asked for.
        spans: which stretches of it are meant, where it is a video; none: all of it.
    """

    bytes: int = 0
    modified_ns: int | None = None
    sha256: str | None = None
    spans: tuple[Span, ...] = ()

    def is_that_of(self, known: "Identity | None") -> bool:
        """Whether the file that has this identity now is the one that `known` was noted of: by
        content if this was made by checksum, and the same stretches of it. What was not noted,
        nobody knows."""
        if known is None or self.spans != known.spans:
            return False
        if self.sha256 is not None:
            return self.sha256 == known.sha256
        return (self.bytes, self.modified_ns) == (known.bytes, known.modified_ns)

    def as_fields(self) -> dict[str, Any]:
        """For JSON: what is known."""
        return {k: v for k, v in asdict(self).items() if v is not None and v != ()}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Identity":
        """Of a dict that has what `as_fields` gave, and perhaps more."""
        spans = tuple(Span(*span) for span in fields.get("spans", ()))
        return cls(fields["bytes"], fields.get("modified_ns"), fields.get("sha256"), spans)

    def as_text(self) -> str:
        """Of a whole file, such as "1024 1700000000123456789 -"."""
        parts = (self.bytes, self.modified_ns, self.sha256)
        return " ".join("-" if part is None else str(part) for part in parts)

    @classmethod
    def from_text(cls, text: str) -> "Identity | None":
        """Of what `as_text` gave; None of an empty text."""
        if not text:
            return None
        size, modified_ns, sha256 = (None if part == "-" else part for part in text.split())
        return cls(int(size or 0), int(modified_ns) if modified_ns else None, sha256)


def identity_of(path: str, checksum: bool = False) -> Identity:
    """The identity of a file as it is now."""
    try:
        found = storage.size_and_time(path)
        if found is None or storage.is_folder(path):
            return Identity()
        return Identity(*found, sha256(path) if checksum else None)
    except OSError:
        return Identity()


def identities_of(
    paths: Mapping[str, str], checksum: bool = False, progress: bool = False
) -> dict[str, Identity]:
    """Identities by the names of the paths; with checksums in threads, and with a bar."""
    if not checksum:
        remote = storage.sizes_and_times(filter(_is_looked_up_together, paths.values()))
        return {
            name: Identity(*(remote[path] or ())) if path in remote else identity_of(path)
            for name, path in paths.items()
        }
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # hashing leaves Python's lock
        found = threads.map(lambda path: identity_of(path, checksum), paths.values())
        bar = progress_bar(len(paths), "checksums", "file", progress, items=found)
        return dict(zip(paths, bar, strict=True))


def _is_looked_up_together(path: str) -> bool:
    return storage.is_remote(path) or windows.member(path) is not None


def digest(identities: Mapping[str, Identity]) -> str:
    """One text for all names and identities: by content if all were made by checksum."""
    lines = (
        f"{name}\0{known.sha256 or f'{known.bytes} {known.modified_ns}'}\n"
        for name, known in sorted(identities.items())
    )
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def note_of(
    paths: Sequence[str], checksum: bool = False, progress: bool = False
) -> dict[str, str | None]:
    """What to note of many files in their order: a text for their sizes and times of change, and
    with checksums one for their contents."""
    found = identities_of({path: path for path in paths}, checksum, progress)
    contents = {str(i): found[path] for i, path in enumerate(paths)}
    times = {i: replace(known, sha256=None) for i, known in contents.items()}
    return {"modified": digest(times), "content": digest(contents) if checksum else None}


def is_note_of_the_same(now: Mapping[str, str | None], known: Mapping[str, str | None]) -> bool:
    """Whether two of `note_of` are of the same files: by contents if they were asked for now."""
    way = "content" if now["content"] else "modified"
    return now[way] == known.get(way)


def sha256(path: str) -> str:
    """Of a file's bytes, in hexadecimal digits; OSError if it cannot be read."""
    content = hashlib.sha256()
    with storage.open_file(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            content.update(block)
    return content.hexdigest()
