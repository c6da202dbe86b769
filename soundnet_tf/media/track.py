"""One stream of a media file from a given moment on, its times on the file's clock."""

import functools
import itertools
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av

from soundnet_tf.media.container import (
    STREAM_NAMES,
    MediaError,
    declared_duration_secs,
    demux,
    find_stream,
    open_container,
    open_file,
    origin_secs,
    scan_end_secs,
)

# Without an index FFmpeg searches these by time stamp and lands in the middle of whatever is there:
# the next keyframe comes after the wanted moment. So the search begins that much earlier, and ever
# earlier until a keyframe before the moment is met.
_SEARCHED_FORMATS = frozenset({"mpeg", "mpegts"})
_SEARCH_LEAD_SECS = 4.0  # some keyframes of a broadcast; packets cut by the landing are behind us
_OPEN_RIFF_BYTES = 0x7FFFF000  # from here on, the size that a writer to a pipe puts down


@dataclass(frozen=True)
class Track:
    """One stream of an open file and its packets in decoding order, the flushing one last."""

    path: str
    stream: av.stream.Stream
    packets: Iterator[av.Packet]
    origin_secs: float

    def secs(self, ticks: int) -> float:
        """Seconds since the file's time 0 of a time stamp in the stream's time base."""
        return ticks * self._tick[0] / self._tick[1] - self.origin_secs

    @functools.cached_property
    def _tick(self) -> tuple[int, int]:
        tick = self.stream.time_base  # made anew at each look, and slow to count with
        return tick.numerator, tick.denominator

    def declared_end_secs(self) -> float | None:
        """Where the header says that the stream ends; None if it does not say."""
        stream, container = self.stream, self.stream.container
        longest_secs = declared_duration_secs(container)
        if longest_secs is None:
            return None
        if container.format.name == "wav":  # FFmpeg counts only the bytes that are there
            return longest_secs * _riff_bytes(self.path) / container.size
        if stream.duration:
            return self.secs((stream.start_time or 0) + stream.duration)
        tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
        if tag:  # Matroska: the time of the stream's end
            hours, minutes, secs = tag.groups()
            return int(hours) * 3600 + int(minutes) * 60 + float(secs) - self.origin_secs
        # The longest stream's end says something about this one only if the file is cut off.
        return longest_secs if scan_end_secs(self.path) < longest_secs / 2 else None


@contextmanager
def open_track(path: str, kind: str, from_secs: float = 0.0) -> Iterator[Track]:
    """The first "audio" or "video" stream, its packets from `from_secs` or earlier on.

    The first packet is a keyframe that comes no later than `from_secs`, or the first of the file.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no such stream, no decoder for it, or any FFmpeg error inside the block.
    """
    with open_container(path) as container:
        track = _track(path, container, kind)
        packets = _seek(track, from_secs) if from_secs > 0 else track.packets
        if packets is not None:
            yield Track(path, track.stream, packets, track.origin_secs)
            return
    with open_container(path) as container:  # no seek lands before that moment
        yield _track(path, container, kind)


@contextmanager
def open_tracks(path: str, *kinds: str) -> Iterator[tuple[Track, ...]]:
    """The first stream of each kind from the file's beginning on, all in one pass over the file.

    What the pass meets of a track that is read later waits in memory; close the packets of one that
    is done with. Errors as in `open_track`.
    """
    with open_container(path) as container:
        tracks = [_track(path, container, kind) for kind in kinds]
        streams = [track.stream for track in tracks]
        for stream in streams:
            stream.discard = av.stream.Discard.default
        waiting = {stream.index: deque() for stream in streams}
        packets = demux(*streams)
        shares = [_own_packets(stream, packets, waiting) for stream in streams]
        try:
            yield tuple(
                Track(path, track.stream, share, track.origin_secs)
                for track, share in zip(tracks, shares, strict=True)
            )
        finally:
            for share in shares:  # while the streams that they touch are still there
                share.close()


def _own_packets(
    stream: av.stream.Stream, packets: Iterator[av.Packet], waiting: dict[int, deque[av.Packet]]
) -> Iterator[av.Packet]:
    """One stream's share of `packets`, by way of what other shares left in `waiting`."""
    own = waiting[stream.index]
    try:
        while True:
            while not own:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.stream.index in waiting:
                    waiting[packet.stream.index].append(packet)
            yield own.popleft()
    finally:
        del waiting[stream.index]
        stream.discard = av.stream.Discard.all


def _track(path: str, container: av.container.InputContainer, kind: str) -> Track:
    stream = find_stream(path, container, kind)
    if stream is None:
        found = ", ".join(s.type for s in container.streams) or "no stream at all"
        raise MediaError(
            f"{path}: has no {STREAM_NAMES[kind]} stream (found {found}); "
            f"give a file with {STREAM_NAMES[kind]} or leave it out"
        )
    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    return Track(path, stream, demux(stream), origin_secs(container))


def _seek(track: Track, from_secs: float) -> Iterator[av.Packet] | None:
    """Packets from a keyframe at or before `from_secs` on; None if no seek lands before it."""
    if track.stream.container.format.name not in _SEARCHED_FORMATS:
        return _packets_after_seek(track, from_secs, from_secs)
    lead_secs = _SEARCH_LEAD_SECS
    while lead_secs < from_secs:
        packets = _packets_after_seek(track, from_secs - lead_secs, from_secs)
        if packets is not None:
            return packets
        lead_secs *= 2
    return None


def _packets_after_seek(
    track: Track, to_secs: float, from_secs: float
) -> Iterator[av.Packet] | None:
    """What `_seek` gives, by a seek to `to_secs`; None if its first keyframe is too late."""
    stream = track.stream
    try:
        stream.container.seek(int((to_secs + track.origin_secs) / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return None  # the container has no index
    packets = demux(stream)
    keyframe = next((packet for packet in packets if packet.is_keyframe), None)
    if keyframe is None or keyframe.pts is None or track.secs(keyframe.pts) > from_secs:
        return None
    return itertools.chain([keyframe], packets)


def _riff_bytes(path: str) -> int:
    """Size of a WAV file by its header; 0 if a writer to a pipe left it open."""
    with open_file(path) as file:
        size = int.from_bytes(file.read(8)[4:], "little") + 8
    return size if size < _OPEN_RIFF_BYTES else 0
