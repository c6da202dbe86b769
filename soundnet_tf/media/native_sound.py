"""Sound at a file's own sample rate, decoded block by block.

FFmpeg (PyAV) reads every format, WAV, FLAC, Ogg and MP3 too. There it is as fast as libsndfile,
which gives wrong samples after a seek in Vorbis and MP3, and which of an MP3 with a changing bit
rate and no length in its header leaves out what lies beyond its guess of the length.
"""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import numpy as np

from soundnet_tf.media.container import MediaError
from soundnet_tf.media.decoded_sound import columns_of, decoded_packets
from soundnet_tf.media.limits import check_sound
from soundnet_tf.media.loudest import loudest_channel
from soundnet_tf.media.timeline import Timeline
from soundnet_tf.media.track import Track, open_track
from soundnet_tf.media.waveform import LOUDEST

_MARGIN_SECS = 0.1  # the resampling filter reaches less far
_PREROLL_SECS = 0.5  # a decoder that starts in the middle settles in less (MP3's bit reservoir)
REACH_SECS = _MARGIN_SECS + 1.0 + _PREROLL_SECS  # the grids of two whole rates meet each second

_MOST_LOST = 10  # packets at a file's end that cannot be decoded, where it may be another's


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
        object.__setattr__(self, "sample_rate", int(self.sample_rate))

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
    """The sound of an open file from `Window.first` on, at the rate of its `timeline`."""

    track: Track
    timeline: Timeline

    @property
    def end_secs(self) -> float:
        """Where all sound met so far ends; without any, where the file does."""
        end = self.timeline.end
        return self.track.layout.end_secs if end is None else end / self.timeline.rate

    def blocks(self) -> Iterator[np.ndarray]:
        """Float32 [samples], mono, one after the other; errors as in `read_audio`."""
        track, timeline = self.track, self.timeline
        parts = deque(track.layout.parts_secs("audio"))
        decoded = undecodable = in_a_row = 0
        anew = False
        for frames in decoded_packets(track, timeline.first / timeline.rate - _PREROLL_SECS):
            decoded += frames is not None
            undecodable += frames is None
            in_a_row = 0 if frames else in_a_row + (frames is None)
            anew = anew or frames is None
            for frame in frames or ():
                position = _position(track, frame, timeline.rate)
                while parts and position is not None and position >= int(parts[0] * timeline.rate):
                    parts.popleft()
                    anew = True
                yield from timeline.place(position, columns_of(frame), anew)
                anew = False
            if timeline.is_full:
                break
        yield from timeline.finish()
        if track.layout.is_joined and in_a_row > _MOST_LOST:
            raise MediaError(
                f"{track.path}: from {self.end_secs:.3f} s on its sound cannot be decoded; it was "
                "joined of files that differ, take it apart or convert it anew"
            )
        if undecodable > decoded:
            raise MediaError(
                f"{timeline.path}: {undecodable} of {undecodable + decoded} packets of sound "
                "cannot be decoded; it is damaged, fetch it again or leave it out"
            )
        if not timeline.is_full:
            _check_not_cut(self.track, self.end_secs)


@contextmanager
def open_sound(
    path: str, window: Window, channel: str, audio_stream: int | None = None
) -> Iterator[NativeSound]:
    """The native samples that `window` takes; errors as in `read_audio`."""
    from_secs = window.start_secs - REACH_SECS
    with open_track(path, "audio", from_secs, audio_stream=audio_stream) as track:
        yield native_sound(track, window, channel, audio_stream)


def native_sound(
    track: Track, window: Window, channel: str | None, audio_stream: int | None = None
) -> NativeSound:
    """The native samples of a track, whose packets begin early enough, that `window` takes; without
    `channel` blocks are [samples, channels]."""
    check_sound(track.path, track.stream.codec_context)
    column = loudest_channel(track.path, audio_stream) if channel == LOUDEST else channel
    rate = track.stream.codec_context.sample_rate
    first, stop = window.first(rate), window.stop(rate)
    return NativeSound(track, Timeline(track.path, rate, first, stop, column))


def _position(track: Track, frame: av.AudioFrame, rate: int) -> int | None:
    """Native sample at which the frame begins; None if it follows on the one before."""
    if frame.sample_rate != rate:
        raise MediaError(
            f"{track.path}: its sample rate changes from {rate} to {frame.sample_rate} Hz; "
            "convert it to one rate"
        )
    return None if frame.pts is None else round(track.secs(frame.pts) * rate)


def _check_not_cut(track: Track, end_secs: float) -> None:
    declared_secs = track.declared_end_secs()
    own_clock_secs = end_secs + max(0.0, track.layout.origin_secs)  # some headers count so
    if declared_secs is not None and own_clock_secs < declared_secs / 2:
        raise MediaError(
            f"{track.path}: its header declares sound up to {declared_secs:.3f} s but it ends at "
            f"{end_secs:.3f} s; it is cut off, fetch it again"
        )
