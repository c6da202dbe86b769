"""Chosen frames of a film in one pass, and no more of it decoded than they need."""

from collections import deque
from collections.abc import Iterator, Sequence

import av
import numpy as np

from soundnet_tf.media.container import UNDECODABLE, MediaError
from soundnet_tf.media.limits import check_shape
from soundnet_tf.media.orientation import orientation
from soundnet_tf.media.track import Track

_CLOCK_TICK_SECS = 1e-5  # MPEG-TS counts in 1/90 000 s: a frame this little late is on time
_MOST_PENDING = 1000  # packets held back in search of a nearer keyframe

# Codecs that mark the frames to which no other refers, and whose packets hold the frame of their
# own time. MPEG-4's (DivX, Xvid) may hold the frame of the next packet too.
_MARKED_CODECS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video"})

TimedFrame = tuple[float, av.VideoFrame]


class Pictures:
    """Frames of a picture track, asked for in rising order of time; each is decoded once at most.

    Three things save decoding, and none changes what is chosen. From a wanted moment to the next
    it goes on at the last keyframe between them. Frames on the way that no other refers to are
    skipped. And nothing is decoded after the last frame that is wanted.
    """

    def __init__(self, track: Track):
        self._track = track
        self._is_marked = track.stream.codec_context.codec.canonical_name in _MARKED_CODECS
        self._begins_secs = np.sort(track.layout.begins_secs("video"))  # of all frames
        self._end_secs = _end_secs(self._begins_secs, track)
        self._parts_secs = track.layout.parts_secs()
        self._joins_secs = deque(track.layout.parts_secs("video"))
        self._awaits_keyframe = False
        self._wanted_secs = self._target_secs = -np.inf
        self._frames = self._towards_wanted()
        self._latest: TimedFrame | None = None  # the last that began by the wanted moment
        self._ahead: TimedFrame | None = None  # decoded, and not yet on screen

    def shown_frames(self, wanted_secs: Sequence[float], end_secs: float) -> list[TimedFrame]:
        """The frame on screen at each wanted moment, as `read_clip` has it.

        With each stands the first moment from the wanted one on at which it is on screen. The
        moments wanted rise, and begin no earlier than those of the last call.
        """
        found: list[TimedFrame] = []
        for secs in wanted_secs:
            if secs >= self._end_secs - _CLOCK_TICK_SECS:
                break
            shown = self._shown_at(secs)
            if shown is None or shown[0] >= end_secs:
                break
            begin_secs, frame = shown
            shown_secs = max(float(secs), begin_secs)
            if not found or shown_secs > found[-1][0]:
                found.append((shown_secs, frame))
        if (
            self._latest is None
            and len(wanted_secs)
            and wanted_secs[0] < self._end_secs - _CLOCK_TICK_SECS
        ):
            path = self._track.path
            raise MediaError(f"{path}: none of its pictures can be decoded; fetch it again")
        return found

    def _shown_at(self, secs: float) -> TimedFrame | None:
        """What is on screen, or the first frame to come where nothing of its part is yet."""
        self._go_to(secs)
        parts_begun = np.searchsorted(self._parts_secs, secs + _CLOCK_TICK_SECS, side="right")
        part_secs = self._parts_secs[parts_begun - 1] if parts_begun else -np.inf
        if self._latest is None or self._latest[0] >= part_secs - _CLOCK_TICK_SECS:
            return self._latest
        if self._ahead is None:  # of what was joined, no picture is shown beside the other's sound
            self._ahead = next(self._frames, None)
        return self._ahead

    def _go_to(self, secs: float) -> None:
        """Makes `_latest` the last frame that began at or before `secs`, or the first of all."""
        self._wanted_secs, reach_secs = secs, secs + _CLOCK_TICK_SECS
        begun = np.searchsorted(self._begins_secs, reach_secs, side="right")
        self._target_secs = self._begins_secs[max(0, begun - 1)]
        while not self._is_target(self._latest):
            following = self._ahead or next(self._frames, None)
            self._ahead = None
            if following is None:
                return
            if self._latest is not None and following[0] > reach_secs:
                self._ahead = following
                return
            self._latest = following

    def _is_target(self, frame: TimedFrame | None) -> bool:
        """Whether no later frame can have begun by the wanted moment, as far as packets say."""
        if frame is None or not self._is_marked:
            return frame is not None and frame[0] > self._wanted_secs + _CLOCK_TICK_SECS
        return frame[0] >= self._target_secs - _CLOCK_TICK_SECS

    def _towards_wanted(self) -> Iterator[TimedFrame]:
        """Decoded frames in order, leaving out what the way to the wanted one does not need.

        Packets are held back until no later one can be a keyframe at or before the wanted moment;
        decoding goes on from the last such keyframe.
        """
        track, decoder = self._track, self._track.stream.codec_context
        pending: list[av.Packet] = []
        for packet in track.packets:
            is_entry = packet.is_keyframe and packet.pts is not None
            if is_entry and track.secs(packet.pts) <= self._wanted_secs:
                if pending:
                    decoder.flush_buffers()
                pending = []
            pending.append(packet)
            ticks = packet.pts if packet.dts is None else packet.dts
            in_reach = ticks is not None and track.secs(ticks) > self._wanted_secs
            if in_reach or len(pending) >= _MOST_PENDING:
                yield from self._decode(pending)
                pending = []
        yield from self._decode(pending)

    def _decode(self, packets: list[av.Packet]) -> Iterator[TimedFrame]:
        decoder = self._track.stream.codec_context
        for packet in packets:
            if self._begins_part(packet):
                yield from self._timed(decoder.decode(None))
                decoder.flush_buffers()
                self._awaits_keyframe = True
            if self._awaits_keyframe and not packet.is_keyframe:
                continue
            self._awaits_keyframe = False
            decoder.skip_frame = "NONREF" if self._is_passed(packet) else "DEFAULT"
            try:
                frames = packet.decode()
            except UNDECODABLE:
                continue
            yield from self._timed(frames)

    def _timed(self, frames: Sequence[av.VideoFrame]) -> Iterator[TimedFrame]:
        for frame in frames:
            ticks = frame.dts if frame.pts is None else frame.pts
            if ticks is not None and not frame.is_corrupt:
                yield self._track.secs(ticks), frame

    def _begins_part(self, packet: av.Packet) -> bool:
        """Whether it is the first behind a join: no picture is made out of the other part's."""
        begins = self._joins_secs
        if not begins or packet.pts is None or self._track.secs(packet.pts) < begins[0] - 1e-9:
            return False
        while begins and self._track.secs(packet.pts) >= begins[0] - 1e-9:
            begins.popleft()
        return True

    def _is_passed(self, packet: av.Packet) -> bool:
        """Whether another frame is on screen between this one and the next wanted moment."""
        if not self._is_marked or packet.pts is None:
            return False
        return self._track.secs(packet.pts) < self._target_secs - _CLOCK_TICK_SECS


def upright_rgb(path: str, frame: av.VideoFrame, aspect: float, short_side: int) -> np.ndarray:
    """uint8 [height, width, 3]; `aspect` is a stored pixel's width over its height.

    MediaError for a picture so narrow that its longer side would be beyond measure.
    """
    check_shape(path, frame.width * aspect, frame.height)
    scale = short_side / min(frame.width * aspect, frame.height)
    width = max(1, round(frame.width * aspect * scale))
    height = max(1, round(frame.height * scale))
    rgb = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1).to_ndarray()
    return orientation(frame).upright(rgb)


def _end_secs(begins_secs: np.ndarray, track: Track) -> float:
    """Until when the film's last frame is on screen.

    As long as its packet says, or as the frame before it was: writers of slides do not always say.
    A picture that is alone stays to the end of all.
    """
    if not len(begins_secs):
        return 0.0
    shown_secs = np.diff(begins_secs)
    shown_secs = shown_secs[shown_secs > 0]
    if not len(shown_secs):
        return track.layout.end_secs
    return max(track.layout.ends_secs["video"], float(begins_secs[-1] + shown_secs[-1]))
