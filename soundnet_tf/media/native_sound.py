"""Sound at a file's own sample rate, laid down at the container's times.

FFmpeg (PyAV) reads every format, WAV, FLAC, Ogg and MP3 too. There it is as fast as libsndfile,
which gives wrong samples after a seek in Vorbis and MP3, and which of an MP3 with a changing bit
rate and no length in its header leaves out what lies beyond its guess of the length.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import numpy as np
from av.audio.plane import AudioPlane

from soundnet_tf.media.container import UNDECODABLE, MediaError, scan_end_secs
from soundnet_tf.media.track import Track, open_track
from soundnet_tf.media.waveform import to_mono

_SAMPLE_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_MARGIN_SECS = 0.1  # the resampling filter reaches less far
_PREROLL_SECS = 0.5  # a decoder that starts in the middle settles in less (MP3's bit reservoir)
_JITTER_SECS = 0.05  # re-encoded streams show time stamps 20 ms off a steady count of samples
_LONGEST_GAP_SECS = 3600
_HIGHEST_PEAK = 8.0  # of float samples; beyond it they are integers in disguise, or garbage


@dataclass(frozen=True)
class Window:
    """A stretch of time at the wanted `sample_rate`, and the native samples that it takes."""

    start_secs: float
    duration_secs: float | None
    sample_rate: int

    def __post_init__(self):
        if not 0 <= self.start_secs < math.inf:
            raise ValueError(f"start_secs is {self.start_secs}; it must be 0 or more")
        if self.duration_secs is not None and not 0 < self.duration_secs < math.inf:
            raise ValueError(f"duration_secs is {self.duration_secs}; it must be above 0 or None")
        if not (self.sample_rate > 0 and self.sample_rate == int(self.sample_rate)):
            raise ValueError(f"sample_rate is {self.sample_rate}; it must be a whole number of Hz")

    def first(self, native_rate: int) -> int:
        """Native sample to begin with: a margin before the start, where both grids meet."""
        period = native_rate // math.gcd(native_rate, self.sample_rate)
        return max(0, int((self.start_secs - _MARGIN_SECS) * native_rate) // period * period)

    def stop(self, native_rate: int) -> float:
        """Native sample to end before; infinity when the window is open."""
        if self.duration_secs is None:
            return math.inf
        return math.ceil((self.start_secs + self.duration_secs + _MARGIN_SECS) * native_rate)

    def slice(self, native_rate: int) -> slice:
        """The window within what resampling gives from native sample `first` on."""
        begin = round(self.start_secs * self.sample_rate)
        begin -= self.first(native_rate) * self.sample_rate // native_rate
        if self.duration_secs is None:
            return slice(begin, None)
        return slice(begin, begin + round(self.duration_secs * self.sample_rate))


@dataclass(frozen=True)
class NativeSound:
    """`samples` float32 [n], mono, from `Window.first` on; `end_secs` of all sound met so far."""

    samples: np.ndarray
    sample_rate: int
    end_secs: float


def read_native(path: str, window: Window, channel: str) -> NativeSound:
    """The native samples that `window` takes; errors as in `read_audio`."""
    reach_secs = _MARGIN_SECS + 1.0 + _PREROLL_SECS  # the grids of two whole rates meet each second
    with open_track(path, "audio", window.start_secs - reach_secs) as track:
        rate = track.stream.codec_context.sample_rate
        timeline = _Timeline(path, rate, window.first(rate), window.stop(rate))
        decoded = undecodable = 0
        for frames in _decoded_packets(track, timeline.first / rate - _PREROLL_SECS):
            decoded += frames is not None
            undecodable += frames is None
            for frame in frames or ():
                timeline.place(_position(track, frame, rate), _columns(frame), channel)
            if timeline.is_full:
                break
        if undecodable > decoded:
            raise MediaError(
                f"{path}: {undecodable} of {undecodable + decoded} packets of sound cannot be "
                "decoded; it is damaged, fetch it again or leave it out"
            )
        end_secs = scan_end_secs(path) if timeline.end is None else timeline.end / rate
        if not timeline.is_full:
            _check_not_cut(track, end_secs)
        return NativeSound(timeline.samples(), rate, end_secs)


def _decoded_packets(track: Track, from_secs: float) -> Iterator[list[av.AudioFrame] | None]:
    """Frames of each packet from `from_secs` on; None for a packet that cannot be decoded."""
    for packet in track.packets:
        if packet.pts is None or track.secs(packet.pts) >= from_secs:
            try:
                frames = packet.decode()
            except UNDECODABLE:
                frames = None
            yield frames


def _position(track: Track, frame: av.AudioFrame, rate: int) -> int | None:
    """Native sample at which the frame begins; None if it follows on the one before."""
    if frame.sample_rate != rate:
        raise MediaError(
            f"{track.path}: its sample rate changes from {rate} to {frame.sample_rate} Hz; "
            "convert it to one rate"
        )
    return None if frame.pts is None else round(track.secs(frame.pts) * rate)


def _columns(frame: av.AudioFrame) -> np.ndarray:
    """[samples, channels] in the codec's sample format.

    Not `frame.to_ndarray()`: PyAV 18 counts planes up to a null pointer, which frames of 8 and more
    planes do not have, and crashes.
    """
    dtype = _SAMPLE_DTYPES[frame.format.name.removesuffix("p")]
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        samples = np.frombuffer(AudioPlane(frame, 0), dtype, frame.samples * channels)
        return samples.reshape(-1, channels)
    planes = (AudioPlane(frame, index) for index in range(channels))
    return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in planes], axis=1)


@dataclass
class _Run:
    """Mono blocks that follow each other; it starts where their time stamps say on average."""

    blocks: list[np.ndarray] = field(default_factory=list)
    length: int = 0
    _starts: int = 0

    @property
    def start(self) -> int:
        return round(self._starts / len(self.blocks))

    @property
    def end(self) -> int:
        return self.start + self.length

    def append(self, position: int, block: np.ndarray) -> None:
        self._starts += position - self.length
        self.blocks.append(block)
        self.length += len(block)


class _Timeline:
    """Lays samples down at native positions, from `first` up to `stop`."""

    def __init__(self, path: str, rate: int, first: int, stop: float):
        self.path, self.rate, self.first, self.stop = path, rate, first, stop
        self._runs: list[_Run] = []

    @property
    def end(self) -> int | None:
        """Position after the last sample; None before the first."""
        return self._runs[-1].end if self._runs else None

    @property
    def is_full(self) -> bool:
        return self.end is not None and self.end >= self.stop

    def place(self, position: int | None, columns: np.ndarray, channel: str) -> None:
        """Adds `columns` [samples, channels] at `position`; None puts them after the last."""
        if position is None:
            position = self.end or 0
        if position + len(columns) > self.first:  # before, a decoder that settles may give garbage
            _check_peak(self.path, columns)
        if self.end is None or abs(position - self.end) > _JITTER_SECS * self.rate:
            self._runs.append(_Run())
        self._runs[-1].append(position, to_mono(columns, channel))

    def samples(self) -> np.ndarray:
        """Float32 [samples]; zeros fill gaps, what overlaps earlier samples is dropped."""
        laid = [np.zeros(0, np.float32)]
        cursor = self.first
        for run in self._runs:
            position = run.start
            gap = int(min(position, self.stop)) - cursor
            if gap > 0:
                self._check_gap(gap)
                laid.append(np.zeros(gap, np.float32))
                cursor += gap
            for block in run.blocks:
                begin = max(0, cursor - position)
                end = int(max(begin, min(self.stop - position, len(block))))
                laid.append(block[begin:end])
                cursor += end - begin
                position += len(block)
        return np.concatenate(laid)

    def _check_gap(self, gap: int) -> None:
        if gap > _LONGEST_GAP_SECS * self.rate:
            raise MediaError(
                f"{self.path}: its sound pauses for {gap / self.rate:.0f} s; its time stamps are "
                "broken, convert it anew or leave it out"
            )


def _check_peak(path: str, columns: np.ndarray) -> None:
    if columns.dtype.kind == "f" and columns.size:
        peak = float(np.abs(columns).max())  # NaN if any sample is
        if not peak <= _HIGHEST_PEAK:
            raise MediaError(
                f"{path}: float samples reach {peak:g}, where full scale is 1; it is damaged or "
                "written in another scale, write it anew in [-1, 1]"
            )


def _check_not_cut(track: Track, end_secs: float) -> None:
    declared_secs = track.declared_end_secs()
    if declared_secs is not None and end_secs < declared_secs / 2:
        raise MediaError(
            f"{track.path}: its header declares sound up to {declared_secs:.3f} s but it ends at "
            f"{end_secs:.3f} s; it is cut off, fetch it again"
        )
