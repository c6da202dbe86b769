"""One stream of a media file from a given moment on, its times on the file's clock."""

import functools
import itertools
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import numpy as np

from soundnet_tf.constants import MOST_PIXELS
from soundnet_tf.media.container import (
    MediaError,
    declared_duration_secs,
    demux,
    open_container,
    open_file,
)
from soundnet_tf.media.layout import Layout, lay_out
from soundnet_tf.media.streams import KINDS

# Without an index FFmpeg searches these by time stamp and lands in the middle of whatever is there:
# the next keyframe comes after the wanted moment. So the search begins that much earlier, and ever
# earlier until a keyframe before the moment is met.
_SEARCHED_FORMATS = frozenset({"mpeg", "mpegts"})
_SEARCH_LEAD_SECS = 4.0  # some keyframes of a broadcast; packets cut by the landing are behind us
_OPEN_RIFF_BYTES = 0x7FFFF000  # from here on, the size that a writer to a pipe puts down

# Their decoders go on from what they have put out, so that a sample depends on all before it: ADPCM
# (G.722, G.726 and others), DPCM, and codecs of speech. All are fast.
_UNENDING_CODECS = re.compile(
    r"adpcm_.*|.*_dpcm|dfpwm|g72[36].*|g729|gsm.*|amr_?[nw]b|speex|ilbc|evrc|qcelp|sipr|ra_\d+|shorten"
    r"|truespeech|wmavoice"
)


@dataclass(frozen=True)
class Track:
    """One stream of an open file and its packets in decoding order, the flushing one last."""

    layout: Layout
    stream: av.stream.Stream
    packets: Iterator[av.Packet]

    @property
    def path(self) -> str:
        """Of the file."""
        return self.layout.path

    @functools.cached_property
    def is_unending(self) -> bool:
        """Whether what is decoded depends on everything before, so that nothing can be left out."""
        return bool(_UNENDING_CODECS.fullmatch(self.stream.codec_context.codec.canonical_name))

    def secs(self, ticks: int) -> float:
        """Seconds since the file's time 0 of a time stamp of this stream."""
        return ticks * self._tick[0] / self._tick[1] - self.layout.origin_secs

    @functools.cached_property
    def _tick(self) -> tuple[int, int]:
        tick = self.layout.packets[self.stream.type].tick
        return tick.numerator, tick.denominator

    def declared_end_secs(self) -> float | None:
        """Where the header says that the stream ends; None if it does not say."""
        stream, container = self.stream, self.stream.container
        longest_secs = declared_duration_secs(container)
        if longest_secs is None or self.layout.is_joined:
            return None
        if container.format.name == "wav":  # FFmpeg counts only the bytes that are there
            return longest_secs * _riff_bytes(self.path) / container.size
        if stream.duration:
            return self.secs((stream.start_time or 0) + stream.duration)
        tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
        if tag:  # Matroska: the time of the stream's end
            hours, minutes, secs = tag.groups()
            return int(hours) * 3600 + int(minutes) * 60 + float(secs) - self.layout.origin_secs
        # The longest stream's end says something about this one only if the file is cut off.
        return longest_secs if self.layout.end_secs < longest_secs / 2 else None


@contextmanager
def open_track(
    path: str,
    kind: str,
    from_secs: float = 0.0,
    audio_stream: int | None = None,
    video_stream: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[Track]:
    """The file's "audio" or "video", its packets from `from_secs` or earlier on.

    The first packet is a keyframe that comes no later than `from_secs`, or the first of the file.
    A seek is believed if it leads to a packet that has the same time stamp when the file is read
    from its beginning; else the packets before are read, which is slower, but right.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no stream of this kind, or any FFmpeg error inside the block.
    """
    numbers = audio_stream, video_stream
    with open_container(path, most_pixels=most_pixels) as container:
        layout = lay_out(path, container, *numbers)
        track = _track(layout, container, kind)
        seeks = from_secs > 0 and not track.is_unending
        packets = _seek(track, kind, from_secs) if seeks else track.packets
        if packets is not None:
            yield Track(layout, track.stream, packets)
            return
    with open_container(
        path, most_pixels=most_pixels
    ) as container:  # no seek lands before that moment
        yield _track(lay_out(path, container, *numbers), container, kind)


@contextmanager
def open_tracks(
    path: str,
    *kinds: str,
    audio_stream: int | None = None,
    video_stream: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[tuple[Track, ...]]:
    """The stream of each kind from the file's beginning on, all in one pass over the file.

    What the pass meets of a track that is read later waits in memory; close the packets of one that
    is done with. Errors as in `open_track`.
    """
    with open_container(path, most_pixels=most_pixels) as container:
        layout = lay_out(path, container, audio_stream, video_stream)
        tracks = [_track(layout, container, kind) for kind in kinds]
        streams = [track.stream for track in tracks]
        for stream in streams:
            stream.discard = av.stream.Discard.default
        waiting = {stream.index: deque() for stream in streams}
        packets = layout.restamped(demux(*streams))
        shares = [_own_packets(stream, packets, waiting) for stream in streams]
        try:
            yield tuple(
                Track(layout, track.stream, share)
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


def _track(layout: Layout, container: av.container.InputContainer, kind: str) -> Track:
    """From the file's beginning on."""
    if kind not in layout.streams:
        found = ", ".join(s.type for s in container.streams) or "no stream at all"
        raise MediaError(
            f"{layout.path}: has no {KINDS[kind]} stream (found {found}); "
            f"give a file with {KINDS[kind]} or leave it out"
        )
    stream = container.streams[layout.streams[kind]]
    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    return Track(layout, stream, layout.restamped(demux(stream)))


def _seek(track: Track, kind: str, from_secs: float) -> Iterator[av.Packet] | None:
    """Packets from a keyframe at or before `from_secs` on; None if no seek lands before it."""
    is_searched = track.stream.container.format.name in _SEARCHED_FORMATS
    if not is_searched:
        # Behind a join stamps say no more where to go, and positions do only where any will do.
        is_joined = track.layout.is_joined
        return None if is_joined else _packets_after_seek(track, kind, from_secs, from_secs)
    lead_secs = _SEARCH_LEAD_SECS
    while lead_secs < from_secs:
        packets = _packets_after_seek(track, kind, from_secs - lead_secs, from_secs)
        if packets is not None:
            return packets
        lead_secs *= 2
    return None


def _packets_after_seek(
    track: Track, kind: str, to_secs: float, from_secs: float
) -> Iterator[av.Packet] | None:
    """What `_seek` gives, by a seek to `to_secs`; None if its first keyframe is too late.

    That is the first keyframe that has the stamp which it has in the file's order.
    """
    layout, stream, met_in_order = track.layout, track.stream, track.layout.packets[kind]
    try:
        _go_to(track, kind, to_secs)
    except av.error.FFmpegError:
        return None  # the container has no index
    packets = demux(stream)
    begins_secs = layout.begins_secs(kind) if layout.is_joined else None
    for packet in packets:
        if begins_secs is None and packet.pts is not None and track.secs(packet.pts) > from_secs:
            return None
        index = met_in_order.index_of(packet) if packet.is_keyframe else None
        if index is not None:
            if begins_secs is not None and begins_secs[index] > from_secs:
                return None
            return layout.restamped(itertools.chain([packet], packets), {kind: index})
    return None


def _go_to(track: Track, kind: str, to_secs: float) -> None:
    """Seeks by time, or in a joined file to the place of the last packet that begins by then."""
    layout, stream = track.layout, track.stream
    if not layout.is_joined:
        ticks = int((to_secs + layout.origin_secs) / stream.time_base)
        stream.container.seek(ticks, stream=stream)
        return
    packets = layout.packets[kind]
    begun = np.flatnonzero((layout.begins_secs(kind) <= to_secs) & (packets.position >= 0))
    position = int(packets.position[begun[-1]]) if len(begun) else 0
    stream.container.seek(position, unsupported_byte_offset=True)


def _riff_bytes(path: str) -> int:
    """Size of a WAV file by its header; 0 if a writer to a pipe left it open."""
    with open_file(path) as file:
        size = int.from_bytes(file.read(8)[4:], "little") + 8
    return size if size < _OPEN_RIFF_BYTES else 0
