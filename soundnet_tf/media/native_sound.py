"""Sound at a file's own sample rate, laid down at the container's times.

soundfile reads WAV, FLAC, Ogg and MP3, FFmpeg (PyAV) everything else and what soundfile refuses.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

import av
import numpy as np
import soundfile
from av.audio.plane import AudioPlane

from soundnet_tf.media.container import (
    UNDECODABLE,
    MediaError,
    Track,
    open_source,
    open_track,
)
from soundnet_tf.media.waveform import to_mono

_SOUNDFILE_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".mp3"})
_SAMPLE_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_BLOCK_SECS = 10
_MARGIN_SECS = 0.1  # the resampling filter reaches less far
_PREROLL_SECS = 0.5  # a decoder that starts in the middle settles in less (MP3's bit reservoir)
_JITTER_SECS = 0.05  # re-encoded streams show time stamps 20 ms off a steady count of samples
_LONGEST_GAP_SECS = 3600
_HIGHEST_PEAK = 8.0  # of float samples; beyond it they are integers in disguise, or garbage
_UNKNOWN_WAV_BYTES = 0x7FFFF000  # a size from here on is what a writer to a pipe puts down


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

    @property
    def end_secs(self) -> float:
        """Infinity when the window is open."""
        return math.inf if self.duration_secs is None else self.start_secs + self.duration_secs

    def first(self, native_rate: int) -> int:
        """Native sample to begin with: a margin before the start, where both grids meet."""
        period = native_rate // math.gcd(native_rate, self.sample_rate)
        return max(0, int((self.start_secs - _MARGIN_SECS) * native_rate) // period * period)

    def stop(self, native_rate: int) -> float:
        """Native sample to end before; infinity when the window is open."""
        if self.duration_secs is None:
            return math.inf
        return math.ceil((self.end_secs + _MARGIN_SECS) * native_rate)

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
    if PurePath(path).suffix.lower() not in _SOUNDFILE_SUFFIXES:
        return _read_with_ffmpeg(path, window, channel)
    try:
        return _read_with_soundfile(path, window, channel)
    except soundfile.LibsndfileError:  # another format under this name, or damage
        return _read_with_ffmpeg(path, window, channel)


def _read_with_soundfile(path: str, window: Window, channel: str) -> NativeSound:
    with open_source(path) as source, soundfile.SoundFile(source) as file:
        rate = file.samplerate
        position = min(window.first(rate), file.frames)
        stop = min(window.stop(rate), file.frames)
        file.seek(position)
        chunks = [np.zeros(0, np.float32)]
        while position < stop:
            block = file.read(min(_BLOCK_SECS * rate, stop - position), "float32", always_2d=True)
            if not len(block):
                break
            chunks.append(to_mono(_checked(path, block), channel))
            position += len(block)
        if position < window.stop(rate):
            _check_not_cut(path, window, position / rate, _declared_frames(file) / rate)
        return NativeSound(np.concatenate(chunks), rate, position / rate)


def _declared_frames(file: soundfile.SoundFile) -> int:
    """Frames by the header; of a WAV libsndfile counts the bytes there are and logs the header."""
    sizes = re.search(r"^data : (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if sizes is None:
        return file.frames
    declared_bytes, found_bytes = map(int, sizes.groups())
    if declared_bytes >= _UNKNOWN_WAV_BYTES or not found_bytes:
        return file.frames
    return file.frames * declared_bytes // found_bytes


def _read_with_ffmpeg(path: str, window: Window, channel: str) -> NativeSound:
    reach_secs = _MARGIN_SECS + 1.0 + _PREROLL_SECS  # the grids of two whole rates meet each second
    with open_track(path, "audio", window.start_secs - reach_secs) as track:
        rate = track.stream.codec_context.sample_rate
        timeline = _Timeline(path, rate, window.first(rate), window.stop(rate))
        for position, block in _decoded_blocks(track, rate, timeline.first / rate - _PREROLL_SECS):
            timeline.place(position, to_mono(_checked(path, block), channel))
            if timeline.is_full:
                break
        if timeline.end is None:
            raise MediaError(f"{path}: none of its sound can be decoded; fetch it again")
        end_secs = timeline.end / rate
        if not timeline.is_full:
            _check_not_cut(path, window, end_secs, track.declared_end_secs())
        return NativeSound(timeline.samples(), rate, end_secs)


def _decoded_blocks(
    track: Track, rate: int, from_secs: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks [samples, channels] in the codec's sample format, with their native positions."""
    decoded = undecodable = position = 0
    for packet in track.packets:
        if packet.pts is not None and track.secs(packet.pts) < from_secs:
            continue
        try:
            frames = packet.decode()
        except UNDECODABLE:
            undecodable += 1
            continue
        decoded += 1
        for frame in frames:
            if frame.sample_rate != rate:
                raise MediaError(
                    f"{track.path}: its sample rate changes from {rate} to {frame.sample_rate} Hz; "
                    "convert it to one rate"
                )
            if frame.pts is not None:
                position = round(track.secs(frame.pts) * rate)
            yield position, _columns(frame)
            position += frame.samples
    if undecodable > decoded:
        raise MediaError(
            f"{track.path}: {undecodable} of {undecodable + decoded} packets of sound cannot be "
            "decoded; it is damaged, fetch it again"
        )


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
    """Decoded blocks that follow each other; it starts where their time stamps say on average."""

    blocks: list[np.ndarray] = field(default_factory=list)
    length: int = 0
    _starts: int = 0

    @property
    def start(self) -> int:
        return round(self._starts / len(self.blocks))

    @property
    def end(self) -> int:
        return self.start + self.length

    def append(self, position: int, samples: np.ndarray) -> None:
        self._starts += position - self.length
        self.blocks.append(samples)
        self.length += len(samples)


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

    def place(self, position: int, samples: np.ndarray) -> None:
        if self.end is None or abs(position - self.end) > _JITTER_SECS * self.rate:
            self._runs.append(_Run())
        self._runs[-1].append(position, samples)

    def samples(self) -> np.ndarray:
        """Float32 [samples]; zeros fill gaps, what overlaps earlier samples is dropped."""
        laid = [np.zeros(0, np.float32)]
        cursor = self.first
        for run in self._runs:
            position = run.start
            for block in run.blocks:
                gap = int(min(position, self.stop)) - cursor
                if gap > 0:
                    self._check_gap(gap)
                    laid.append(np.zeros(gap, np.float32))
                    cursor += gap
                past = max(0, cursor - position)
                rest = int(max(past, min(self.stop - position, len(block))))
                laid.append(block[past:rest])
                cursor += rest - past
                position += len(block)
        return np.concatenate(laid)

    def _check_gap(self, gap: int) -> None:
        if gap > _LONGEST_GAP_SECS * self.rate:
            raise MediaError(
                f"{self.path}: its sound pauses for {gap / self.rate:.0f} s; its time stamps are "
                "broken, convert it anew or leave it out"
            )


def _checked(path: str, block: np.ndarray) -> np.ndarray:
    if block.dtype.kind == "f" and block.size:
        peak = float(np.abs(block).max())  # NaN if any sample is
        if not peak <= _HIGHEST_PEAK:
            raise MediaError(
                f"{path}: float samples reach {peak:g}, where full scale is 1; it is damaged or "
                "written in another scale, write it anew in [-1, 1]"
            )
    return block


def _check_not_cut(
    path: str, window: Window, end_secs: float, declared_end_secs: float | None
) -> None:
    if declared_end_secs is None:
        return
    declared_secs = min(window.end_secs, declared_end_secs) - window.start_secs
    if end_secs - window.start_secs < declared_secs / 2:
        raise MediaError(
            f"{path}: its header declares sound up to {declared_end_secs:.3f} s but it ends at "
            f"{end_secs:.3f} s; it is cut off, fetch it again"
        )
