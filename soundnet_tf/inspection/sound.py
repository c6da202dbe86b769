"""Levels of a clip's sound: how loud, how much of it is silence, clipped, or off zero; and
how much its tones are held, as music's are."""

from dataclasses import dataclass

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE

_WINDOW = 441  # samples (20 ms) that are silent or not
_FULL_SCALE = 0.999  # what decoders and resampling leave of samples that were clipped
_LEAST_RUN = 3  # samples side by side at full scale; a peak that just reaches it has fewer
_TONE_WINDOW = 2048  # samples (93 ms), four to a window
_TONE_LAG = 8  # of those steps (0.19 s)
_TONE_BINS = 10, 300  # 110 to 3200 Hz
_TIMBRE_BINS = 15  # over so many the spectrum is the timbre, what stands out of it are partials
_TONE_FLOOR = 1e-4
_NOTHING_DBFS = -120.0


@dataclass(frozen=True)
class Levels:
    """Of one clip's sound.

    peak_dbfs, mean_dbfs: largest sample and root mean square, -120 at least.
    silent_share: of windows of 20 ms whose root mean square is below a level.
    clipped_share: of samples in runs of three or more at full scale.
    dc_offset: mean of the samples, full scale is 1.
    steadiness: mean correlation of the spectrum with that of 0.19 s before, from -1 to 1; None of
        less than a second.
    """

    peak_dbfs: float
    mean_dbfs: float
    silent_share: float
    clipped_share: float
    dc_offset: float
    steadiness: float | None


def levels(waveform: np.ndarray, silent_dbfs: float) -> Levels:
    """Of float32 [samples] in [-1, 1], mono, at SAMPLE_RATE; at least one sample."""
    power = np.square(waveform, dtype=np.float64)
    whole = len(power) // _WINDOW * _WINDOW
    windows = power[:whole].reshape(-1, _WINDOW) if whole else power[None]
    is_silent = windows.mean(axis=1) < 10 ** (silent_dbfs / 10)
    return Levels(
        peak_dbfs=_dbfs(float(power.max())),
        mean_dbfs=_dbfs(float(power.mean())),
        silent_share=float(is_silent.mean()),
        clipped_share=float(_run_lengths(np.abs(waveform) >= _FULL_SCALE) / len(waveform)),
        dc_offset=float(waveform.mean(dtype=np.float64)),
        steadiness=_steadiness(waveform),
    )


def _dbfs(power: float) -> float:
    return max(_NOTHING_DBFS, 10 * np.log10(max(power, 1e-30)))


def _run_lengths(is_full: np.ndarray) -> int:
    """How many are in runs of at least _LEAST_RUN."""
    edges = np.flatnonzero(np.diff(is_full.astype(np.int8), prepend=0, append=0))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= _LEAST_RUN].sum())


def _steadiness(waveform: np.ndarray) -> float | None:
    """Tones that are held stay where they are; speech glides, and noise does not repeat."""
    if len(waveform) < SAMPLE_RATE:
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(waveform, _TONE_WINDOW)
    stretches = stretches[:: _TONE_WINDOW // 4] * np.hanning(_TONE_WINDOW)
    spectra = np.log(np.abs(np.fft.rfft(stretches))[:, slice(*_TONE_BINS)] + _TONE_FLOOR)
    around = np.ones(_TIMBRE_BINS) / _TIMBRE_BINS
    timbre = np.apply_along_axis(np.convolve, 1, spectra, around, "same")
    partials = spectra - timbre
    partials /= np.linalg.norm(partials, axis=1, keepdims=True) + 1e-9
    return float((partials[_TONE_LAG:] * partials[:-_TONE_LAG]).sum(axis=1).mean())
