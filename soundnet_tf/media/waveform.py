"""Arrays of samples: channels to one, and from one sample rate to another."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from soundnet_tf.constants import CHANNELS

HIGHEST_PEAK = 8.0  # of float samples; beyond it they are integers in disguise, or garbage
MEAN, FIRST, LOUDEST = CHANNELS
SILENT_PEAK = 1e-4  # -80 dBFS
CANCELLED = "silent, since its channels cancel out in their mean; take the loudest or the first one"
_MOST_CHANNELS = 64  # a "waveform" of more has its axes turned round


def check_channel(channel: str) -> None:
    """ValueError unless `channel` is one of CHANNELS."""
    if channel not in CHANNELS:
        raise ValueError(f"channel is {channel!r}; it must be one of {CHANNELS}")


class CancelledWarning(UserWarning):
    """Channels are out of phase, so that their mean is silent though they are not."""


def to_mono(waveform: np.ndarray, channel: str | int = "mean") -> np.ndarray:
    """One channel out of many.

    Args:
        waveform: [samples] or [samples, channels]; floats, or integers of full scale.
        channel: "mean" of the channels, the "first" one, the "loudest" one (the most energy over
            the whole, the first of equal ones), or one's number (the last one's if it is beyond).

    Returns:
        float32 [samples], a new array; integers are scaled to [-1, 1), floats keep their scale.

    Raises:
        ValueError: wrong rank or dtype, no channel, or an unknown `channel`.
    """
    if not isinstance(channel, int):
        check_channel(channel)
    kind = waveform.dtype.kind
    is_fit = waveform.ndim in (1, 2) and kind in "fiu" and 0 not in waveform.shape[1:]
    if not is_fit or (waveform.ndim == 2 and waveform.shape[1] > _MOST_CHANNELS):
        raise ValueError(
            f"waveform is {waveform.dtype} {list(waveform.shape)}; give floats or integers, "
            "[samples] or [samples, channels] (transpose what has its channels first, and give "
            "several sounds as a list)"
        )
    columns = waveform[:, None] if waveform.ndim == 1 else waveform
    if channel != MEAN:
        number = {FIRST: 0}.get(channel, channel)
        number = loudest_column(columns)[0] if channel == LOUDEST else number
        columns = columns[:, [min(number, columns.shape[1] - 1)]]
    rows = np.ascontiguousarray(columns.T)  # NumPy takes seven times as long for short rows
    mono = rows.mean(axis=0, dtype=np.float64 if kind != "f" else np.float32)
    if kind == "f":
        return mono
    silence, half_range = _silence_and_half_range(waveform.dtype)
    return ((mono - silence) / half_range).astype(np.float32)


def to_float(columns: np.ndarray) -> np.ndarray:
    """All channels as they are: [samples, channels] of floats, or of integers of full scale, to
    float32 of the same shape; integers are scaled to [-1, 1)."""
    if columns.dtype.kind == "f":
        return columns.astype(np.float32)
    silence, half_range = _silence_and_half_range(columns.dtype)
    return ((columns.astype(np.float64) - silence) / half_range).astype(np.float32)


def loudest_column(columns: np.ndarray) -> tuple[int, np.ndarray]:
    """The column of [samples, channels] with the most energy, and float64 [channels] energies."""
    silence, half_range = _silence_and_half_range(columns.dtype)
    scaled = (columns.astype(np.float64) - silence) / half_range
    energies = np.einsum("sc,sc->c", scaled, scaled)
    return int(np.argmax(energies)) if len(energies) else 0, energies


def is_cancelled(mono: np.ndarray, columns: np.ndarray) -> bool:
    """Whether the mean of channels is silent (below -80 dBFS) and a channel is not.

    Args:
        mono: float32 [samples], their mean.
        columns: [samples, channels], as of `to_mono`.
    """
    if columns.ndim < 2 or not mono.size or np.abs(mono).max() >= SILENT_PEAK:
        return False
    silence, half_range = _silence_and_half_range(columns.dtype)
    return bool(np.abs(columns.astype(np.float64) - silence).max() >= SILENT_PEAK * half_range)


def _silence_and_half_range(dtype: np.dtype) -> tuple[float, float]:
    """What samples of a type have as silence, and by how much full scale is off it."""
    if dtype.kind == "f":
        return 0.0, 1.0
    half_range = 2.0 ** (8 * dtype.itemsize - 1)
    return (half_range if dtype.kind == "u" else 0.0), half_range


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
    _check_rates(from_rate, to_rate)
    if from_rate != to_rate:
        waveform = soxr.resample(waveform, from_rate, to_rate, quality="HQ")
    return np.clip(waveform, -1.0, 1.0)


class Resampler:
    """`resample` for sound that comes in blocks: the joined results equal that of the whole.

    What `push` gives lags 0.02 to 0.1 s behind what it got; `finish` gives the rest.

    Args:
        from_rate: in Hz.
        to_rate: in Hz.

    Raises:
        ValueError: a rate that is not positive.
    """

    def __init__(self, from_rate: float, to_rate: float):
        _check_rates(from_rate, to_rate)
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, "float32", "HQ")

    def push(self, block: np.ndarray) -> np.ndarray:
        """Float32 [samples] to float32 [some samples, or none yet], clipped to [-1, 1]."""
        if self._stream is not None:
            block = self._stream.resample_chunk(block)
        return np.clip(block, -1.0, 1.0)

    def finish(self) -> np.ndarray:
        """The samples after the last that `push` gave, once no more come."""
        rest = np.zeros(0, np.float32)
        if self._stream is not None:
            rest = self._stream.resample_chunk(rest, last=True)
        return np.clip(rest, -1.0, 1.0)


def joined(blocks: Iterable[np.ndarray], least_samples: int) -> Iterator[np.ndarray]:
    """The same samples in blocks of `least_samples` or more, but for the last."""
    held, length = [], 0
    for block in blocks:
        held.append(block)
        length += len(block)
        if length >= least_samples:
            yield np.concatenate(held)
            held, length = [], 0
    if length:
        yield np.concatenate(held)


def _check_rates(*rates: float) -> None:
    for rate in rates:
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"sample rate is {rate}; it must be a positive number of Hz")
