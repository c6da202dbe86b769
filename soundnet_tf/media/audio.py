"""Sound of any file as the student takes it: mono, float32, one sample rate, at its true time."""

import warnings
from collections.abc import Iterator

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.media.container import MediaError
from soundnet_tf.media.native_sound import NativeSound, Window, open_sound
from soundnet_tf.media.waveform import CANCELLED, CancelledWarning, Resampler, check_channel, joined

_BLOCK_SECS = 4  # soon there, and long enough that the work is in the samples, not in the calls


def read_audio(
    path: str,
    start_secs: float = 0.0,
    duration_secs: float | None = None,
    channel: str = "mean",
    sample_rate: int = SAMPLE_RATE,
    audio_stream: int | None = None,
) -> np.ndarray:
    """The sound between two moments of a sound or video file.

    Sound lies where the container's time stamps say: zeros stand before sound that starts late and
    in gaps, and the result ends where the sound ends, it is not padded. A window equals the same
    stretch of the whole file, and only as much is decoded and held as the window needs. (Matroska,
    WebM, FLV and ASF round time stamps to 1 ms: there a window may lie up to 1 ms off the whole. So
    it may by up to 50 ms where stamps drift against the count of samples: a window goes by the
    stamps where it begins. The noise that an AAC decoder substitutes differs with where it began.)

    Args:
        path: local, or remote ("://", see `files.storage`).
        start_secs: 0 or more, from the earliest moment of any stream of the file.
        duration_secs: None reads to the end.
        channel: "mean" of the channels (a CancelledWarning tells if they cancel out in it), the
            "first" one as the original did, or the one that is "loudest" over the whole file.
        sample_rate: of the result, in Hz.
        audio_stream: number of the sound stream, from 0, as `probe` shows them; None takes the one
            that the file is about.

    Returns:
        float32 [samples] in [-1, 1]: round(duration_secs * sample_rate) samples, fewer only when
        the sound ends before.

    Raises:
        FileNotFoundError: no such file.
        MediaError: no sound stream, no sound at or after `start_secs`, samples that are not finite
            or beyond ±8, sound that ends before half of what the header declares, or a file that
            cannot be decoded.
        ValueError: an argument out of its range.
    """
    check_channel(channel)
    window = Window(start_secs, duration_secs, sample_rate)
    with open_sound(path, window, channel, audio_stream) as sound:
        waveform = read_window(sound, window)
        _warn_if_cancelled(sound)
        return waveform


def read_window(sound: NativeSound, window: Window) -> np.ndarray:
    """What `read_audio` gives of the sound of an open file."""
    laid = np.concatenate(list(_resampled(sound, window.sample_rate)))
    waveform = laid[window.slice(sound.timeline.rate)]
    if not waveform.size:
        raise _nothing_there(sound, window.start_secs)
    return waveform


def stream_audio(
    path: str,
    channel: str = "mean",
    sample_rate: int = SAMPLE_RATE,
    audio_stream: int | None = None,
) -> Iterator[np.ndarray]:
    """The sound of a file of any length, block by block, in a memory that does not grow with it.

    Args:
        path: local, or remote ("://", see `files.storage`).
        channel: "mean" of the channels (a CancelledWarning tells if they cancel out in it), the
            "first" one as the original did, or the one that is "loudest" over the whole file.
        sample_rate: of the result, in Hz.
        audio_stream: number of the sound stream, from 0, as `probe` shows them; None takes the one
            that the file is about.

    Returns:
        Blocks float32 [samples], samples > 0, in [-1, 1]; joined they are what `read_audio` gives
        of the file. A block lasts some seconds, the last ones may be shorter.

    Raises:
        What `read_audio` does: a ValueError at once, all else when blocks are asked for. What shows
        only in the middle of the file or at its end (wild samples, too much that cannot be decoded,
        sound that is cut off) is raised after the blocks before it were given, all but the seconds
        that do not fill one.
    """
    check_channel(channel)
    return _stream(path, Window(0.0, None, sample_rate), channel, audio_stream)


def _stream(
    path: str, window: Window, channel: str, audio_stream: int | None
) -> Iterator[np.ndarray]:
    with open_sound(path, window, channel, audio_stream) as sound:
        is_empty = True
        for block in _resampled(sound, window.sample_rate):
            if block.size:
                is_empty = False
                yield block
        if is_empty:
            raise _nothing_there(sound, window.start_secs)
        _warn_if_cancelled(sound)


def _warn_if_cancelled(sound: NativeSound) -> None:
    if sound.timeline.is_cancelled:
        warnings.warn(f"{sound.track.path} is {CANCELLED}", CancelledWarning, stacklevel=4)


def _resampled(sound: NativeSound, sample_rate: int) -> Iterator[np.ndarray]:
    """Blocks of a few seconds, the last ones of any length; one is there even without sound."""
    rate = sound.timeline.rate
    resampler = Resampler(rate, sample_rate)
    for block in joined(sound.blocks(), _BLOCK_SECS * rate):
        yield resampler.push(block)
    yield resampler.finish()


def _nothing_there(sound: NativeSound, start_secs: float) -> MediaError:
    return MediaError(
        f"{sound.track.path}: no sound at or after {start_secs:g} s, it ends at "
        f"{sound.end_secs:.3f} s; ask for an earlier start or leave it out"
    )
