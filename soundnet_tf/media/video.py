"""A clip of a video file: its sound and a few of its frames, on one clock."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from soundnet_tf.constants import CLIP_SECS, FRAME_EVERY_SECS, FRAME_SHORT_SIDE
from soundnet_tf.media.audio import read_audio
from soundnet_tf.media.container import UNDECODABLE, MediaError, rotation_degrees
from soundnet_tf.media.track import Track, open_track

_CLOCK_TICK_SECS = 1e-5  # MPEG-TS counts in 1/90 000 s: a frame this little early is on time
_MOST_PENDING = 1000  # packets held back in search of a nearer keyframe


@dataclass(frozen=True)
class Clip:
    """A stretch of a video; times count from its start, in seconds.

    waveform: float32 [samples] in [-1, 1], mono, at `constants.SAMPLE_RATE`.
    frames: each uint8 [height, width, 3], RGB, upright, square pixels, short side as asked for.
    frame_secs: float32 [len(frames)], rising, when each frame comes on screen.
    """

    waveform: np.ndarray
    frames: tuple[np.ndarray, ...]
    frame_secs: np.ndarray


def read_clip(
    path: str,
    start_secs: float = 0.0,
    duration_secs: float = CLIP_SECS,
    frame_every_secs: float = FRAME_EVERY_SECS,
    short_side: int = FRAME_SHORT_SIDE,
    channel: str = "mean",
) -> Clip:
    """The sound of a stretch of video, and the first frame at or after each step of it.

    A frame is wanted at `start_secs` and every `frame_every_secs` from there, while the clip and
    the film last. The first frame at or after that moment is given with its true time, also if it
    is late; none that begins at or after the clip's end, and none twice. When no frame follows, the
    last one of the film is given if it is still on screen at the wanted moment (so its time may lie
    before that). A clip may have fewer frames than steps, and none where the picture starts late or
    ends early.

    Args:
        path: a local path, or a remote one ("://") that `tf.io.gfile` can open.
        start_secs: 0 or more, from the earliest moment of any stream of the file.
        duration_secs: above 0; the waveform ends before that where the sound does.
        frame_every_secs: above 0.
        short_side: pixels of the frames' shorter side; the other keeps the aspect.
        channel: as in `read_audio`.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no picture stream, none of it can be decoded, or what `read_audio` raises.
        ValueError: an argument out of its range.
    """
    if not frame_every_secs > 0:
        raise ValueError(f"frame_every_secs is {frame_every_secs}; it must be above 0")
    if short_side < 1:
        raise ValueError(f"short_side is {short_side}; it must be 1 pixel or more")
    waveform = read_audio(path, start_secs, duration_secs, channel)
    steps = np.arange(0.0, duration_secs, frame_every_secs)
    with open_track(path, "video", start_secs) as track:
        aspect = float(track.stream.sample_aspect_ratio or 1)
        found = _first_frames(track, start_secs + steps, start_secs + duration_secs)
        frames = tuple(_upright_rgb(frame, aspect, short_side) for _, frame in found)
    frame_secs = np.array([secs - start_secs for secs, _ in found], np.float32)
    return Clip(waveform, frames, frame_secs)


def _first_frames(
    track: Track, wanted_secs: np.ndarray, end_secs: float
) -> list[tuple[float, av.VideoFrame]]:
    """The first frame at or after each wanted time with its own, as `read_clip` has it."""
    wanted = deque(wanted_secs)
    found: list[tuple[float, av.VideoFrame]] = []
    last = None
    for secs, frame in _frames_towards(track, wanted):
        last = secs, frame
        if secs >= end_secs:
            return found
        if secs >= wanted[0] - _CLOCK_TICK_SECS:
            found.append(last)
            while wanted and wanted[0] - _CLOCK_TICK_SECS <= secs:
                wanted.popleft()
            if not wanted:
                return found
    if last is None:
        raise MediaError(f"{track.path}: none of its pictures can be decoded; fetch it again")
    if last not in found and last[0] + _shown_secs(track, last[1]) > wanted[0]:
        found.append(last)
    return found


def _frames_towards(track: Track, wanted: deque[float]) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decoded frames with their times, leaving out what the way to `wanted[0]` does not need.

    The caller takes the times that it has found off `wanted`. Packets are held back until no later
    one can be a keyframe at or before `wanted[0]`; decoding goes on from the last such keyframe.
    """
    decoder = track.stream.codec_context
    pending: list[av.Packet] = []
    for packet in track.packets:
        if packet.is_keyframe and packet.pts is not None and track.secs(packet.pts) <= wanted[0]:
            if pending:
                decoder.flush_buffers()
            pending = []
        pending.append(packet)
        ticks = packet.pts if packet.dts is None else packet.dts
        in_reach = ticks is not None and track.secs(ticks) > wanted[0]
        if in_reach or len(pending) >= _MOST_PENDING:
            yield from _decode(track, pending)
            pending = []
    yield from _decode(track, pending)


def _decode(track: Track, packets: list[av.Packet]) -> Iterator[tuple[float, av.VideoFrame]]:
    for packet in packets:
        try:
            frames = packet.decode()
        except UNDECODABLE:
            continue
        for frame in frames:
            ticks = frame.dts if frame.pts is None else frame.pts
            if ticks is not None and not frame.is_corrupt:
                yield track.secs(ticks), frame


def _shown_secs(track: Track, frame: av.VideoFrame) -> float:
    if frame.duration:
        return float(frame.duration * track.stream.time_base)
    return 1 / float(track.stream.average_rate) if track.stream.average_rate else 0.0


def _upright_rgb(frame: av.VideoFrame, aspect: float, short_side: int) -> np.ndarray:
    """uint8 [height, width, 3]; `aspect` is a stored pixel's width over its height."""
    scale = short_side / min(frame.width * aspect, frame.height)
    width = max(1, round(frame.width * aspect * scale))
    height = max(1, round(frame.height * scale))
    rgb = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, rotation_degrees(frame) // 90))
