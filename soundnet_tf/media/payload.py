"""MP4 and MOV files in buckets without what their packets hold: the index alone says where all of
them lie, so that a film of some gigabytes is surveyed for some megabytes.

Bytes of an `mdat` box are given as zeros, and not fetched. FFmpeg takes time stamps, places and
sizes from the index; only for the codecs of `is_unparsed` is it known not to look into packets for
them.
"""

import io
import struct
from typing import BinaryIO

import av

UNPARSED = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "aac", "alac", "opus", "flac"})

_HEADER, _LARGE = struct.Struct(">I4s"), struct.Struct(">Q")
_FORMATS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # with which such a file begins


def is_unparsed(stream: av.stream.Stream) -> bool:
    """Whether zeros will do for what its packets hold."""
    name = stream.codec_context.codec.canonical_name if stream.codec_context else ""
    return name in UNPARSED or name.startswith("pcm_")


def without_payload(file: BinaryIO) -> BinaryIO | None:
    """The file with zeros for payload; None if it is no MP4 or MOV file, box after box, and then it
    is at its beginning again."""
    holes = _payload(file, file.seek(0, io.SEEK_END))
    file.seek(0)
    return io.BufferedReader(_Holed(file, holes)) if holes else None


def _payload(file: BinaryIO, size: int) -> list[tuple[int, int]]:
    """From where to where; nothing of another format."""
    holes, at = [], 0
    while at < size:
        file.seek(at)
        begin = file.read(_HEADER.size + _LARGE.size)
        if len(begin) < _HEADER.size:
            return []
        length, kind = _HEADER.unpack_from(begin)
        head = _HEADER.size
        if length == 1 and len(begin) == head + _LARGE.size:
            (length,), head = _LARGE.unpack_from(begin, head), head + _LARGE.size
        length = length or size - at  # 0: to the end
        if length < head or (not at and kind not in _FORMATS):
            return []
        if kind == b"mdat":
            holes.append((at + head, min(at + length, size)))
        at += length
    return holes


class _Holed(io.RawIOBase):
    """A file of which stretches read as zeros."""

    def __init__(self, file: BinaryIO, holes: list[tuple[int, int]]):
        self._file, self._holes, self._at = file, holes, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=io.SEEK_SET):
        if whence == io.SEEK_CUR:
            offset, whence = self._at + offset, io.SEEK_SET
        self._at = self._file.seek(offset, whence)
        return self._at

    def readinto(self, buffer):
        wanted = len(buffer)
        for begin, end in self._holes:
            if begin <= self._at < end:
                count = min(wanted, end - self._at)
                buffer[:count] = bytes(count)
                self._at += count
                return count
            if self._at < begin:
                wanted = min(wanted, begin - self._at)
        self._file.seek(self._at)
        content = self._file.read(wanted)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
