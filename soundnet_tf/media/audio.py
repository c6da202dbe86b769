"""Sound of any file as the student takes it: mono, float32, one sample rate, at its true time."""

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.media.container import MediaError
from soundnet_tf.media.native_sound import Window, read_native
from soundnet_tf.media.waveform import check_channel, resample


def read_audio(
    path: str,
    start_secs: float = 0.0,
    duration_secs: float | None = None,
    channel: str = "mean",
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """The sound between two moments of a sound or video file.

    Sound lies where the container's time stamps say: zeros stand before sound that starts late and
    in gaps, and the result ends where the sound ends, it is not padded. A window equals the same
    stretch of the whole file, and only as much is decoded and held as the window needs. (Matroska
    and WebM round time stamps to 1 ms: there a window may lie up to 1 ms off the whole. The noise
    that an AAC decoder substitutes differs with where it began.)

    Args:
        path: a local path, or a remote one ("://") that `tf.io.gfile` can open.
        start_secs: 0 or more, from the earliest moment of any stream of the file.
        duration_secs: None reads to the end.
        channel: "mean" of the channels, or the "first" one as the original did.
        sample_rate: of the result, in Hz.

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
    native = read_native(path, window, channel)
    waveform = resample(native.samples, native.sample_rate, sample_rate)
    waveform = waveform[window.slice(native.sample_rate)]
    if not waveform.size:
        raise MediaError(
            f"{path}: no sound at or after {start_secs:g} s, it ends at {native.end_secs:.3f} s; "
            "ask for an earlier start or leave it out"
        )
    return waveform
