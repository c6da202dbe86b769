"""Sound that a user gives as an array: whether it is sound, and at which scale.

Floats are in [-1, 1], and integers of 8 and 16 bits use their type's full scale. Those of 32 and 64
bits may well hold samples of 16 or 24: divided by the full scale of their type these would be
silence, and nothing would say so. The sound of files is not judged here: there the format tells the
scale, and a quiet recording is one.
"""

import math
import warnings

import numpy as np

from soundnet_tf.media.waveform import (
    CANCELLED,
    HIGHEST_PEAK,
    MEAN,
    CancelledWarning,
    is_cancelled,
    to_mono,
)

_LOWEST_RATE = 1000  # Hz; no sound has less, but rates given in kHz have
_QUIET_BITS = 8  # integers that leave more bits unused are of another scale


def checked(sound, known: np.dtype | None = None) -> np.ndarray:
    """The array of what a user gives as sound, if it can be told what it is.

    Args:
        sound: an array of any shape, or what NumPy makes one of.
        known: of sound that comes in pieces, the dtype of an earlier one that was not silent: this
            one may be quiet.

    Returns:
        The same samples, floats or integers of full scale. Integers that are all zero are silence
        in any scale, and become floats.

    Raises:
        ValueError: no array of real numbers; samples that are not finite or beyond ±8; integers of
            64 bits (as Python's are), or of 32 (unsigned: 16 or 32) that do not reach 2**-8 of
            full scale.
    """
    waveform = _as_array(sound)
    if waveform.dtype.kind == "f":
        _check_floats(waveform)
    elif waveform.dtype != known:
        if not waveform.any():
            return np.zeros(waveform.shape, np.float32)
        _check_scale(waveform)
    return waveform


def mono(waveform: np.ndarray, channel: str) -> np.ndarray:
    """`to_mono` of what `checked` gave, with a CancelledWarning if channels cancel out."""
    channels = to_mono(waveform, channel)
    if channel == MEAN and is_cancelled(channels, waveform):
        warnings.warn(f"waveform is {CANCELLED}", CancelledWarning, stacklevel=4)
    return channels


def scaled(waveform: np.ndarray) -> np.ndarray:
    """What `checked` gave, of any shape, as float32 in [-1, 1]; what is a little beyond is clipped.
    Not a new array if it is so already."""
    if waveform.dtype == np.float32 and _peak(waveform) <= 1.0:
        return waveform
    return np.clip(to_mono(waveform.reshape(-1)), -1.0, 1.0).reshape(waveform.shape)


def check_rate(sample_rate: float) -> float:
    """The sample rate of an array.

    Raises:
        ValueError: no number, or none that sound has: below 1000 Hz it was meant in kHz.
    """
    try:
        rate = math.nan if isinstance(sample_rate, str | bytes) else float(sample_rate)
    except (TypeError, ValueError):
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"sample rate is {sample_rate!r}; it must be a positive number of Hz")
    if rate < _LOWEST_RATE:
        raise ValueError(
            f"sample rate is {sample_rate!r}, which no sound has; give it in Hz, not kHz "
            "(44.1 kHz: 44100)"
        )
    return rate


def _as_array(sound) -> np.ndarray:
    try:
        waveform = np.asarray(sound)
    except (TypeError, ValueError, RuntimeError) as error:  # symbolic tensors, lists of lists
        raise ValueError(
            f"waveform is a {type(sound).__name__} that is no array ({error}); give one of floats "
            "or integers"
        ) from error
    if waveform.dtype.kind not in "fiu":
        raise ValueError(
            f"waveform is {waveform.dtype} {list(waveform.shape)}; give floats or integers, such "
            "as .astype(np.float32)"
        )
    return waveform


def _check_floats(waveform: np.ndarray) -> None:
    peak = _peak(waveform)
    if not math.isfinite(peak):
        first = ", ".join(map(str, np.argwhere(~np.isfinite(waveform))[0])) or "0"
        raise ValueError(
            f"waveform has NaN or infinite samples, the first at {first}; leave them out or put 0"
        )
    if peak > HIGHEST_PEAK:
        raise ValueError(
            f"waveform reaches {peak:g}, where full scale is 1; divide samples that were integers "
            "by their full scale (16 bits: / 32768.0), or give them in their own type (16 bits: "
            ".astype(np.int16))"
        )


def _check_scale(waveform: np.ndarray) -> None:
    """ValueError unless integers, not all zero, are surely of their type's full scale."""
    name, bits = waveform.dtype.name, 8 * waveform.dtype.itemsize
    remedy = (
        "; say it: in the type of their bits (16: .astype(np.int16)), or divided by their full "
        "scale as floats (16 bits: / 32768.0; 24: / 8388608.0; 32: / 2147483648.0)"
    )
    if bits == 64:
        raise ValueError(
            f"waveform is {name}, as Python's integers and sums are, so that the full scale of its "
            f"samples is not known{remedy}"
        )
    lowest, highest = int(waveform.min()), int(waveform.max())
    half = 2 ** (bits - 1)
    if waveform.dtype.kind == "u":
        # Far from the middle, but all at the bottom, are samples of fewer bits too.
        is_quiet = bits > 8 and highest < 2 ** (bits - _QUIET_BITS)
        lowest, highest = lowest - half, highest - half
    else:
        is_quiet = False
    peak = max(-lowest, highest)
    # Samples of 24 bits reach 2**-8 itself, at the negative end.
    if is_quiet or (bits == 32 and 0 < peak <= half >> _QUIET_BITS):
        raise ValueError(
            f"waveform is {name}, with samples from {int(waveform.min())} to "
            f"{int(waveform.max())}: of another scale than its type's, or very quiet{remedy}"
        )


def _peak(waveform: np.ndarray) -> float:
    """NaN if any sample is; of no samples 0."""
    if not waveform.size:
        return 0.0
    return float(np.maximum(-waveform.min(), waveform.max()))
