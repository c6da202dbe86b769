"""Media files of any streams, written with PyAV; which codecs and what sound is up to the test."""

import contextlib
import heapq
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from synthetic_media import MAX_SECONDS, colour_of_second

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
_PICTURE_CLOCK = 90000  # ticks a second in which the times of frames are given to the encoder
_INDEX_BITS = 8  # of the number that a counted picture shows, in a row of black and white squares


@dataclass(frozen=True)
class Sound:
    """A sound stream: `waveform` [samples] or [samples, channels] in [-1, 1], from `start_secs`.

    `codec` is an encoder's name, `options` are its own; `flags` is an `av.stream.Disposition`.
    """

    codec: str
    rate: int
    waveform: np.ndarray
    start_secs: float = 0.0
    options: dict[str, str] = field(default_factory=dict)
    flags: int = 0
    bit_rate: int | None = None
    language: str | None = None

    def add_to(self, container: av.container.OutputContainer) -> av.AudioStream:
        layout = _LAYOUTS[1 if self.waveform.ndim == 1 else self.waveform.shape[1]]
        stream = container.add_stream(self.codec, rate=self.rate, layout=layout)
        if self.bit_rate:
            stream.codec_context.bit_rate = self.bit_rate
        stream.options = dict(self.options)
        stream.disposition = self.flags
        if self.language:
            stream.metadata["language"] = self.language
        return stream

    def packets(self, stream: av.AudioStream):
        context, first = stream.codec_context, round(self.start_secs * self.rate)
        for begin in range(0, len(self.waveform), self.rate):
            block = self.waveform[begin : begin + self.rate].astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=context.layout.name)
            frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
            frame.pts = first + begin
            yield from stream.encode(frame)
        yield from stream.encode(None)


@dataclass(frozen=True)
class Pictures:
    """A picture stream: frames uint8 [height, width, 3] (of any sequence), each at its own time.

    Times are `secs`, rising; `rate` is what the header says of frames a second.
    """

    codec: str
    frames: Sequence[np.ndarray]
    secs: Sequence[float]
    rate: int = 25
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    flags: int = 0
    keyframe_every: int = 25
    is_regular: bool = True  # encoders that count in frames get the frame's number as its time
    bit_rate: int | None = None

    def add_to(self, container: av.container.OutputContainer) -> av.VideoStream:
        stream = container.add_stream(self.codec, rate=self.rate)
        stream.height, stream.width = self.frames[0].shape[:2]
        stream.pix_fmt = self.pixels
        stream.codec_context.gop_size = self.keyframe_every
        if self.bit_rate:
            stream.codec_context.bit_rate = self.bit_rate
        if container.format.name == "avi":
            stream.codec_context.max_b_frames = 0  # AVI has no presentation times to reorder by
        stream.codec_context.time_base = self._time_base
        stream.options = dict(self.options)
        stream.disposition = self.flags
        return stream

    @property
    def _time_base(self) -> Fraction:
        return Fraction(1, self.rate if self.is_regular else _PICTURE_CLOCK)

    def packets(self, stream: av.VideoStream):
        for secs, pixels in zip(self.secs, self.frames, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.time_base, frame.pts = self._time_base, round(secs / self._time_base)
            yield from stream.encode(frame)
        yield from stream.encode(None)


def write(path: str | Path, *tracks: Sound | Pictures, form: str | None = None, **options) -> Path:
    """Write the streams, in this order and interleaved by time; gives the path back.

    `form` names the muxer where the extension does not, `options` are the muxer's.
    """
    with _priority_kept():
        return _write(Path(path), tracks, form, options)


@contextlib.contextmanager
def _priority_kept() -> Iterator[None]:
    """SVT-AV1 gives the thread that calls it real-time priority if it may, as root may. All threads
    and processes that this one ever starts would inherit that, and starve the machine."""
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)


def _write(path: Path, tracks: Sequence[Sound | Pictures], form: str | None, options: dict) -> Path:
    if path.suffix == ".avi":  # else the sound's encoder delay moves the picture
        options = {"avoid_negative_ts": "disabled", **options}
    with av.open(str(path), "w", format=form, options=options) as container:
        streams = [track.add_to(container) for track in tracks]
        packets = [t.packets(stream) for t, stream in zip(tracks, streams, strict=True)]
        last = [float("-inf")] * len(tracks)  # a packet without a time follows the one before it

        def moment(packet):
            if packet.dts is not None and packet.time_base:
                last[packet.stream.index] = float(packet.dts * packet.time_base)
            return last[packet.stream.index]

        container.mux(list(heapq.merge(*packets, key=moment)))
    return path


def counted_picture(index: int, second: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A picture of the second's colour, with `index` (0 to 255) below in black and white."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour_of_second(second)
    side = width // _INDEX_BITS
    for bit in range(_INDEX_BITS):
        is_set = index >> bit & 1
        picture[-2 * side :, bit * side : (bit + 1) * side] = 255 if is_set else 0
    return picture


def index_of(picture: np.ndarray) -> int:
    """The number that a counted picture, uint8 [height, width, 3], shows."""
    height, width = picture.shape[:2]
    side = width / _INDEX_BITS
    row = picture[round(height - 1.2 * side) : round(height - 0.5 * side)].mean(axis=(0, 2))
    middle = (np.arange(_INDEX_BITS) + 0.5) * side
    return sum(1 << bit for bit, at in enumerate(middle) if row[int(at)] > 127)


def counted_film(
    codec: str, seconds: float, rate: int = 25, start_secs: float = 0.0, **options
) -> Pictures:
    """`rate` counted pictures a second; each shows its number from the film's time 0, mod 256."""
    first, stop = round(start_secs * rate), round(seconds * rate)
    pictures = [counted_picture(i % 256, i // rate % MAX_SECONDS) for i in range(first, stop)]
    return Pictures(codec, pictures, [i / rate for i in range(first, stop)], rate, **options)
