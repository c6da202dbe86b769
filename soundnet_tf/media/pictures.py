"""Chosen frames of a film in one pass, and no more of it decoded than they need."""

from collections import deque
from collections.abc import Iterator, Sequence

import av
import numpy as np

from soundnet_tf.media.container import UNDECODABLE, MediaError, rotation_degrees
from soundnet_tf.media.track import Track

_CLOCK_TICK_SECS = 1e-5  # MPEG-TS counts in 1/90 000 s: a frame this little early is on time
_MOST_PENDING = 1000  # packets held back in search of a nearer keyframe

# Codecs that mark the frames to which no other refers, and whose packets hold the frame of their
# own time. MPEG-4's (DivX, Xvid) may hold the frame of the next packet too.
_MARKED_CODECS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video"})

TimedFrame = tuple[float, av.VideoFrame]


class Pictures:
    """Frames of a picture track, asked for in rising order of time; each is decoded once at most.

    Three things save decoding, and none changes what is chosen. From a wanted moment to the next
    it goes on at the last keyframe between them. Frames on the way that no other refers to are
    skipped. And nothing is decoded after the last frame that can be wanted.
    """

    def __init__(self, track: Track):
        self._track = track
        self._is_marked = track.stream.codec_context.codec.canonical_name in _MARKED_CODECS
        self._wanted: deque[float] = deque()  # still to be found, in seconds
        self._frames = self._towards_wanted()
        self._latest: TimedFrame | None = None
        self._newest: av.Packet | None = None  # of those met, the one that is shown last
        self._is_film_over = False  # what was not decoded at the film's end is not on screen

    def first_frames(self, wanted_secs: Sequence[float], end_secs: float) -> list[TimedFrame]:
        """The first frame at or after each wanted time with its own, as `read_clip` has it.

        `wanted_secs` rise and begin no earlier than those of the last call.
        """
        wanted = self._wanted
        wanted.clear()
        wanted.extend(wanted_secs)
        found: list[TimedFrame] = []
        while wanted:
            if self._latest is None or self._latest[0] < wanted[0] - _CLOCK_TICK_SECS:
                following = next(self._frames, None)
                if following is None:
                    break
                self._latest = following
            elif self._latest[0] >= end_secs:
                return found
            else:
                found.append(self._latest)
                while wanted and wanted[0] - _CLOCK_TICK_SECS <= self._latest[0]:
                    wanted.popleft()
        if self._latest is None:
            path = self._track.path
            raise MediaError(f"{path}: none of its pictures can be decoded; fetch it again")
        if wanted and not self._is_film_over and self._latest not in found:
            secs, frame = self._latest
            if secs + _shown_secs(self._track, frame) > wanted[0]:
                found.append(self._latest)
        return found

    def _towards_wanted(self) -> Iterator[TimedFrame]:
        """Decoded frames in order, leaving out what the way to `_wanted[0]` does not need.

        Packets are held back until no later one can be a keyframe at or before `_wanted[0]`;
        decoding goes on from the last such keyframe.
        """
        track, wanted, decoder = self._track, self._wanted, self._track.stream.codec_context
        pending: list[av.Packet] = []
        for packet in track.packets:
            is_entry = packet.is_keyframe and packet.pts is not None
            if is_entry and track.secs(packet.pts) <= wanted[0]:
                if pending:
                    decoder.flush_buffers()
                pending = []
            pending.append(packet)
            if packet.pts is not None and (self._newest is None or packet.pts > self._newest.pts):
                self._newest = packet
            ticks = packet.pts if packet.dts is None else packet.dts
            in_reach = ticks is not None and track.secs(ticks) > wanted[0]
            if in_reach or len(pending) >= _MOST_PENDING:
                yield from self._decode(pending)
                pending = []
        self._is_film_over = self._latest is not None and self._gone_before_wanted(pending)
        if not self._is_film_over:
            yield from self._decode(pending)

    def _gone_before_wanted(self, pending: list[av.Packet]) -> bool:
        """Whether the film's last frame is no longer on screen at `_wanted[0]`."""
        if self._newest is None or any(packet.size and packet.pts is None for packet in pending):
            return False
        shown_secs = _shown_secs(self._track, self._newest)
        return self._track.secs(self._newest.pts) + shown_secs <= self._wanted[0]

    def _decode(self, packets: list[av.Packet]) -> Iterator[TimedFrame]:
        track, decoder = self._track, self._track.stream.codec_context
        for packet in packets:
            decoder.skip_frame = "NONREF" if self._is_passed(packet) else "DEFAULT"
            try:
                frames = packet.decode()
            except UNDECODABLE:
                continue
            for frame in frames:
                ticks = frame.dts if frame.pts is None else frame.pts
                if ticks is not None and not frame.is_corrupt:
                    yield track.secs(ticks), frame

    def _is_passed(self, packet: av.Packet) -> bool:
        """Whether another frame is on screen between this one and the next wanted moment."""
        if not (self._is_marked and self._wanted) or packet.pts is None:
            return False
        if packet.pts >= self._newest.pts:
            return False
        return self._track.secs(packet.pts) < self._wanted[0] - _CLOCK_TICK_SECS


def upright_rgb(frame: av.VideoFrame, aspect: float, short_side: int) -> np.ndarray:
    """uint8 [height, width, 3]; `aspect` is a stored pixel's width over its height."""
    scale = short_side / min(frame.width * aspect, frame.height)
    width = max(1, round(frame.width * aspect * scale))
    height = max(1, round(frame.height * scale))
    rgb = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, rotation_degrees(frame) // 90))


def _shown_secs(track: Track, shown: av.VideoFrame | av.Packet) -> float:
    if shown.duration:
        return float(shown.duration * track.stream.time_base)
    return 1 / float(track.stream.average_rate) if track.stream.average_rate else 0.0
