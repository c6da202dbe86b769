"""One timeline for the sound and the picture of a file, of whatever parts it was put together.

Time 0 of a file is the earliest moment of any of its streams: an MPEG-TS file that starts at 1.4 s,
one whose clock wraps and that starts at -18 s, and an MP4 that starts at 0 read alike. What an
encoder declares as its delay, or an edit cuts away, is never presented and does not count.
"""

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from soundnet_tf.media.container import MediaError
from soundnet_tf.media.joins import AmbiguousStampsError, Join, Stamps, find_joins
from soundnet_tf.media.limits import check_length
from soundnet_tf.media.streams import KINDS, choose_streams
from soundnet_tf.media.survey import Packets, is_presented, survey

_LONGEST_DELAY_SECS = 0.5  # of encoders: AAC's is up to 0.13 s
_INTERLEAVED_PACKETS = 50  # by which those of one stream lie before those of another

# All streams may have nothing for that long. FFmpeg says which formats' stamps may jump; 10 s is
# what the ffmpeg program allows those. Elsewhere a pause is what the file says it is, up to a
# minute; nobody learns from longer ones.
_LONGEST_PAUSE_SECS, _LONGEST_PAUSE_WHERE_STAMPS_JUMP_SECS = 60.0, 10.0


@dataclass(frozen=True)
class Layout:
    """Which streams are taken, and when what they hold is presented.

    path: of the file.
    streams: the index in the file of the "audio" and the "video" stream that are taken.
    packets: of each stream taken, by kind.
    origin_secs: time 0 of the file on its own clock.
    joins: of each stream taken, by kind; `Join.index` counts packets as `Packets` does.
    ends_secs: where each stream taken ends, from time 0, by kind.
    """

    path: str
    streams: Mapping[str, int]
    packets: Mapping[str, Packets]
    origin_secs: float
    joins: Mapping[str, tuple[Join, ...]]
    ends_secs: Mapping[str, float]

    @property
    def end_secs(self) -> float:
        """Where sound and picture have both ended; 0 for a file without packets."""
        return max(self.ends_secs.values(), default=0.0)

    @property
    def unknown_end_secs(self) -> float:
        """How long a last packet may last whose duration is not known: as the one before it."""
        found = [p for p in self.packets.values() if len(p.order) > 1 and not p.duration[-1]]
        return max((float((p.pts[-1] - p.pts[-2]) * p.tick) for p in found), default=0.0)

    @property
    def last_packet_secs(self) -> float:
        """How long the last packet of sound lasts, by what it says."""
        sound = self.packets.get("audio")
        return float(sound.duration[-1] * sound.tick) if sound and len(sound.order) else 0.0

    @property
    def is_joined(self) -> bool:
        """Whether stamps begin anew somewhere: they do not say what a seek leads to."""
        return any(self.joins.values())

    def begins_secs(self, kind: str) -> np.ndarray:
        """float64: when what each packet of a kind holds is presented, from time 0."""
        packets = self.packets[kind]
        begins = _joined(packets.pts * float(packets.tick), self.joins.get(kind, ()))
        return begins - self.origin_secs

    def is_near(self, kind: str, begins_secs: np.ndarray, ends_secs: np.ndarray) -> np.ndarray:
        """bool: whether any packet of a kind begins in each stretch, or up to a minute before."""
        packets = np.sort(self.begins_secs(kind))
        believed = _believed(self.packets[kind]) * float(self.packets[kind].tick)
        margin_secs = max(_LONGEST_PAUSE_SECS, believed.max(initial=0))
        last = np.searchsorted(packets, ends_secs) - 1  # that begins before the stretch ends
        return (last >= 0) & (packets[last] >= begins_secs - margin_secs)

    def parts_secs(self, kind: str | None = None) -> list[float]:
        """When each part but the first begins, from time 0; of a kind, when its stream does."""
        begins = [self._parts_of(name) for name in ([kind] if kind else self.joins)]
        earliest = (min(of_part) for of_part in zip(*begins, strict=True))
        return [secs for secs in earliest if math.isfinite(secs)]

    def _parts_of(self, kind: str) -> list[float]:
        packets = self.packets[kind]
        return [
            float(packets.pts[join.index] * packets.tick) - join.shift_secs - self.origin_secs
            if join.index < len(packets.pts)
            else math.inf
            for join in self.joins.get(kind, ())
        ]

    def restamped(
        self, packets: Iterator[av.Packet], first: Mapping[str, int] | None = None
    ) -> Iterator[av.Packet]:
        """The packets of a file from its beginning on, all with stamps of its first part; those of
        a kind from the `first` of it on, by its index among `Packets`."""
        if not self.is_joined:
            yield from packets
            return
        joins = {self.streams[kind]: list(found) for kind, found in self.joins.items()}
        met = dict.fromkeys(joins, 0) | {self.streams[k]: n for k, n in (first or {}).items()}
        shift = dict.fromkeys(joins, 0)
        for packet in packets:
            index = packet.stream_index
            if index in joins and is_presented(packet):
                while joins[index] and joins[index][0].index <= met[index]:
                    shift[index] = round(joins[index].pop(0).shift_secs / packet.time_base)
                met[index] += 1
            if shift.get(index):
                packet.pts = None if packet.pts is None else packet.pts - shift[index]
                packet.dts = None if packet.dts is None else packet.dts - shift[index]
            yield packet


def lay_out(
    path: str,
    container: av.container.InputContainer,
    audio_stream: int | None = None,
    video_stream: int | None = None,
) -> Layout:
    """The layout of an open file.

    Args:
        path: of the file.
        container: the open file.
        audio_stream: number of the sound stream among the file's, from 0; None chooses.
        video_stream: likewise of the picture stream.

    Raises:
        MediaError: a stream that is not there or cannot be decoded, time stamps that begin anew
            and do not show where, or a length beyond all measure.
    """
    found = survey(path)
    chosen = choose_streams(path, container, found, audio_stream, video_stream)
    streams = {kind: stream.index for kind, stream in chosen.items()}
    packets = {kind: found[index] for kind, index in streams.items()}
    _refuse_successors(path, found, packets)
    jumps = container.format.flags & av.format.Flags.ts_discont.value
    longest_secs = _LONGEST_PAUSE_WHERE_STAMPS_JUMP_SECS if jumps else _LONGEST_PAUSE_SECS
    try:
        joins, ends_secs = _timeline(packets.get("audio"), packets.get("video"), longest_secs)
    except AmbiguousStampsError as error:
        raise MediaError(
            f"{path}: {error}, so that sound and picture cannot be told to belong together; "
            "convert it anew (ffmpeg writes one timeline), or leave it out"
        ) from error
    origin_secs = _origin_secs(container, packets, joins)
    ends_secs = {kind: end_secs - origin_secs for kind, end_secs in ends_secs.items()}
    check_length(path, max(ends_secs.values(), default=0.0))
    return Layout(path, streams, packets, origin_secs, joins, ends_secs)


def _origin_secs(
    container: av.container.InputContainer,
    taken: Mapping[str, Packets],
    joins: Mapping[str, tuple[Join, ...]],
) -> float:
    """Time 0 on the file's own clock: FFmpeg's start time, which knows encoders' delays, unless
    something is presented long before it."""
    start_secs = float(Fraction(container.start_time or 0, av.time_base))
    stops = {kind: found[0].index if found else None for kind, found in joins.items()}
    of_first_part = [p.pts[: stops.get(kind)] * float(p.tick) for kind, p in taken.items()]
    earliest_secs = min((secs.min() for secs in of_first_part if len(secs)), default=math.inf)
    return start_secs if earliest_secs > start_secs - _LONGEST_DELAY_SECS else float(earliest_secs)


@functools.lru_cache(maxsize=4)  # of the files that `survey` remembers: a film has many clips
def _timeline(
    audio: Packets | None, video: Packets | None, longest_pause_secs: float
) -> tuple[dict[str, tuple[Join, ...]], dict[str, float]]:
    """The joins of each kind, and where it ends on the file's own clock."""
    taken = {"audio": audio, "video": video}
    stamps = {kind: _stamps(p) for kind, p in taken.items() if p is not None and len(p.order)}
    joins = find_joins(stamps, longest_pause_secs)
    ends = {kind: _joined(of_kind.end_secs, joins[kind]).max() for kind, of_kind in stamps.items()}
    return joins, {kind: float(end_secs) for kind, end_secs in ends.items()}


def _refuse_successors(
    path: str, found: Mapping[int, Packets], taken: Mapping[str, Packets]
) -> None:
    """MediaError if a stream that is taken ends where another of its kind begins."""
    for kind, packets in taken.items():
        for other in found.values():
            if other.kind == kind and (_precedes(other, packets) or _precedes(packets, other)):
                raise MediaError(
                    f"{path}: its {KINDS[kind]} stream ends where another begins; it was joined "
                    "of files that differ, take it apart or convert it anew"
                )


def _precedes(some: Packets, others: Packets) -> bool:
    """Whether one stream lies before the other in the file; of a few packets that says nothing."""
    if min(len(some.order), len(others.order)) <= _INTERLEAVED_PACKETS:
        return False
    # The very last packets of a transport stream wait until the file ends.
    return bool(some.order[-_INTERLEAVED_PACKETS] < others.order[0])


def _stamps(packets: Packets) -> Stamps:
    begin, tick = packets.pts, float(packets.tick)
    return Stamps(
        order=packets.order,
        decode_secs=packets.dts * tick,
        begin_secs=begin * tick,
        end_secs=(begin + _believed(packets)) * tick,
    )


def _believed(packets: Packets) -> np.ndarray:
    """Durations; of sound none that is far beyond the others: MP4 has a pause as the duration of
    the packet before it."""
    if packets.kind == "video" or not len(packets.duration):
        return packets.duration
    return np.minimum(packets.duration, 10 * np.median(packets.duration))


def _joined(secs: np.ndarray, joins: tuple[Join, ...]) -> np.ndarray:
    """Stamps of packets on the timeline of the first part."""
    shifts_secs = np.zeros(len(secs))
    for join in joins:
        shifts_secs[join.index :] = join.shift_secs
    return secs - shifts_secs
