"""Arrays of samples: channels to one, and from one sample rate to another."""

import math

import numpy as np
import soxr

CHANNELS = ("mean", "first")


def check_channel(channel: str) -> None:
    """ValueError unless `channel` is one of CHANNELS."""
    if channel not in CHANNELS:
        raise ValueError(f"channel is {channel!r}; it must be one of {CHANNELS}")


def to_mono(waveform: np.ndarray, channel: str = "mean") -> np.ndarray:
    """One channel out of many.

    Args:
        waveform: [samples] or [samples, channels]; floats, or integers of full scale.
        channel: "mean" of the channels, or the "first" one.

    Returns:
        float32 [samples], a new array; integers are scaled to [-1, 1), floats keep their scale.

    Raises:
        ValueError: wrong rank or dtype, no channel, or an unknown `channel`.
    """
    check_channel(channel)
    kind = waveform.dtype.kind
    if waveform.ndim not in (1, 2) or kind not in "fiu" or 0 in waveform.shape[1:]:
        raise ValueError(
            f"waveform is {waveform.dtype} {list(waveform.shape)}; give floats or integers, "
            "[samples] or [samples, channels]"
        )
    columns = waveform[:, None] if waveform.ndim == 1 else waveform
    if channel == "first":
        columns = columns[:, :1]
    mono = columns.mean(axis=1, dtype=np.float64 if kind != "f" else np.float32)
    if kind == "f":
        return mono
    half_range = 2.0 ** (8 * waveform.dtype.itemsize - 1)
    silence = half_range if kind == "u" else 0.0
    return ((mono - silence) / half_range).astype(np.float32)


def resample(waveform: np.ndarray, from_rate: float, to_rate: float) -> np.ndarray:
    """soxr's HQ resampling (its phase is linear: sample 0 stays at the same moment).

    Args:
        waveform: float32 [samples].
        from_rate: in Hz.
        to_rate: in Hz.

    Returns:
        float32 [round(samples * to_rate / from_rate)], clipped to [-1, 1] since the filter
        overshoots at steps.

    Raises:
        ValueError: a rate that is not positive.
    """
    for rate in (from_rate, to_rate):
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"sample rate is {rate}; it must be a positive number of Hz")
    if from_rate != to_rate:
        waveform = soxr.resample(waveform, from_rate, to_rate, quality="HQ")
    return np.clip(waveform, -1.0, 1.0)
