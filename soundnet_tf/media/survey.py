"""What lies in a media file, found by reading through all its packets once, without decoding.

Headers say too little (a recording that was cut off while it was written), too much (a file that
was), and nothing of stamps that begin anew; and after a seek some demuxers guess the time. What
was met on the way from the beginning to the end is taken at its word instead.
"""

import functools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from soundnet_tf.files import storage
from soundnet_tf.media.container import RAW_FORMATS, demux, open_container
from soundnet_tf.media.payload import is_unparsed

_FIELDS = ("order", "pts", "dts", "duration", "position", "size")
_CHUNK = 4096  # packets that are held as Python's numbers
_KEPT = 4  # files; a film of an hour takes 12 MB


@dataclass(frozen=True, eq=False)
class Packets:
    """Packets of one stream that have a time stamp and present something, in the order of the file.

    All int64 [packets]; `pts` and `dts` stand for each other where one is missing. A tick is a
    Fraction of a second.

    kind: "audio" or "video".
    order: the packet's number among those of all streams, rising.
    pts, dts, duration: in ticks; a duration that is not known is 0.
    position: in the file, in bytes; -1 where it is not known.
    size: in bytes.
    """

    kind: str
    order: np.ndarray
    pts: np.ndarray
    dts: np.ndarray
    duration: np.ndarray
    position: np.ndarray
    size: np.ndarray
    tick: Fraction

    @property
    def bytes(self) -> int:
        """Of all packets."""
        return int(self.size.sum())

    @functools.cached_property
    def _by_place(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions that are known, rising, and which packets they are of."""
        known = np.flatnonzero(self.position >= 0)
        known = known[np.argsort(self.position[known], kind="stable")]
        return self.position[known], known

    def index_of(self, packet: av.Packet) -> int | None:
        """Which of them a packet is that a seek led to: it lies there, and has the stamp that it
        has in the file's order. None if none is."""
        if packet.pos is None or packet.pts is None:
            return None
        positions, indices = self._by_place
        first, stop = np.searchsorted(positions, [packet.pos, packet.pos + 1])
        alike = [i for i in indices[first:stop].tolist() if self.pts[i] == packet.pts]
        return alike[0] if alike else None


def survey(path: str) -> dict[int, Packets]:
    """The packets of each sound and picture stream by its index in the file; none without any.

    Streams are among them that the header does not have and that turn up on the way.

    The last files are remembered as long as their size and time of modification stay.

    Raises:
        FileNotFoundError, MediaError: as of `open_container`.
    """
    return _survey(path, storage.size_and_time(path))


@functools.lru_cache(maxsize=_KEPT)
def _survey(path: str, size_and_time: tuple[int, int] | None) -> dict[int, Packets]:
    del size_and_time  # it is there for the cache
    with open_container(path, index_alone=True) as container:
        if all(map(is_unparsed, container.streams)):
            return _packets(container)
    with open_container(path) as container:
        return _packets(container)


def _packets(container: av.container.InputContainer) -> dict[int, Packets]:
    streams = [s for s in container.streams if s.type in ("audio", "video")]
    if not streams:
        return {}
    rates = {
        s.index: s.codec_context and s.codec_context.sample_rate
        for s in streams
        if s.type == "audio" and container.format.name in RAW_FORMATS
    }
    chunks: dict[int, list[np.ndarray]] = defaultdict(list)
    for index, chunk in _chunks(demux(*streams)):
        chunks[index].append(chunk)
    late = [container.streams[index] for index in chunks.keys() - {s.index for s in streams}]
    ticks = {s.index: s.time_base for s in [*streams, *late]}
    kinds = {s.index: s.type for s in [*streams, *late]}
    empty = np.zeros((0, len(_FIELDS)), np.int64)
    found = {}
    for index, tick in ticks.items():
        order, pts, dts, duration, position, size = np.concatenate([empty, *chunks[index]]).T.copy()
        tick = _exact_tick(tick, duration, rates.get(index))
        found[index] = Packets(kinds[index], order, pts, dts, duration, position, size, tick)
    return found


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


def _exact_tick(tick: Fraction, duration: np.ndarray, counted_rate: int | None) -> Fraction:
    """The tick by which `duration` ticks are whole samples, where stamps are but counted.

    Of streams without stamps FFmpeg cuts each packet's duration to whole ticks: 1536 samples of
    44.1 kHz are 3134 of 1/90 000 s, 0.22 ms a second too few.
    """
    if not counted_rate or not len(duration) or not duration[0] or np.ptp(duration):
        return tick
    samples = math.ceil(int(duration[0]) * tick * counted_rate)
    return Fraction(samples, counted_rate * int(duration[0]))
