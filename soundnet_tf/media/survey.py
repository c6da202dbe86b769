"""What lies in a media file, found by reading through all its packets once, without decoding.

Headers say too little (a recording that was cut off while it was written), too much (a file that
was), and nothing of stamps that begin anew; and after a seek some demuxers guess the time. What
was met on the way from the beginning to the end is taken at its word instead.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from soundnet_tf.files import storage
from soundnet_tf.media.container import demux, open_container

_FIELDS = ("order", "pts", "dts", "duration", "position", "size")
_CHUNK = 4096  # packets that are held as Python's numbers
_KEPT = 2  # files; a film of an hour takes 12 MB


@dataclass(frozen=True)
class Packets:
    """Packets of one stream that have a time stamp and present something, in the order of the file.

    All int64 [packets]; `pts` and `dts` stand for each other where one is missing.

    order: the packet's number among those of all streams, rising.
    pts, dts, duration: in `tick_secs`; a duration that is not known is 0.
    position: in the file, in bytes; -1 where it is not known.
    size: in bytes.
    """

    order: np.ndarray
    pts: np.ndarray
    dts: np.ndarray
    duration: np.ndarray
    position: np.ndarray
    size: np.ndarray
    tick_secs: float

    @property
    def bytes(self) -> int:
        """Of all packets."""
        return int(self.size.sum())

    @functools.cached_property
    def _by_place(self) -> tuple[np.ndarray, np.ndarray]:
        known = np.flatnonzero(self.position >= 0)
        known = known[np.argsort(self.position[known], kind="stable")]
        return self.position[known], self.pts[known]

    def has(self, packet: av.Packet) -> bool:
        """Whether a packet that a seek led to has the stamp that it has in the file's order."""
        if packet.pos is None or packet.pts is None:
            return False
        positions, pts = self._by_place
        first, stop = np.searchsorted(positions, [packet.pos, packet.pos + 1])
        return packet.pts in pts[first:stop]


def survey(path: str) -> dict[int, Packets]:
    """The packets of each sound and picture stream by its index in the file; none without any.

    The last files are remembered as long as their size and time of modification stay.

    Raises:
        FileNotFoundError, MediaError: as of `open_container`.
    """
    return _survey(path, storage.size(path), storage.modified_ns(path))


@functools.lru_cache(maxsize=_KEPT)
def _survey(path: str, size: int | None, modified_ns: int | None) -> dict[int, Packets]:
    del size, modified_ns  # they are there for the cache
    with open_container(path) as container:
        streams = [s for s in container.streams if s.type in ("audio", "video")]
        if not streams:
            return {}
        tick_secs = {stream.index: float(stream.time_base) for stream in streams}
        chunks: dict[int, list[np.ndarray]] = defaultdict(list)
        for index, chunk in _chunks(demux(*streams)):
            chunks[index].append(chunk)
    empty = np.zeros((0, len(_FIELDS)), np.int64)
    return {
        index: _packets(np.concatenate([empty, *chunks[index]]), secs)
        for index, secs in tick_secs.items()
    }


def is_presented(packet: av.Packet) -> bool:
    """Whether `Packets` counts it: not the last, flushing one, nor one that an edit cuts away."""
    has_stamp = packet.pts is not None or packet.dts is not None
    return has_stamp and packet.size > 0 and not packet.is_discard


def _chunks(packets: Iterator[av.Packet]) -> Iterator[tuple[int, np.ndarray]]:
    rows: dict[int, list[tuple]] = defaultdict(list)
    for order, packet in enumerate(packets):
        if not is_presented(packet):
            continue
        pts, dts, position = packet.pts, packet.dts, packet.pos
        index = packet.stream_index
        rows[index].append(
            (
                order,
                dts if pts is None else pts,
                pts if dts is None else dts,
                packet.duration or 0,
                -1 if position is None else position,
                packet.size,
            )
        )
        if len(rows[index]) == _CHUNK:
            yield index, np.array(rows.pop(index), np.int64)
    for index, rest in rows.items():
        yield index, np.array(rest, np.int64)


def _packets(rows: np.ndarray, tick_secs: float) -> Packets:
    return Packets(*rows.T.copy(), tick_secs=tick_secs)
