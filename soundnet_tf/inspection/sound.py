"""Levels of a clip's sound: how loud, how much of it is silence, clipped, or off zero; and two
figures by which speech and music can be guessed."""

from dataclasses import dataclass

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.inspection import sound_hash

_WINDOW = 441  # samples (20 ms) that are silent or not
_FULL_SCALE = 0.999  # what decoders and resampling leave of samples that were clipped
_LEAST_RUN = 3  # samples side by side at full scale; a peak that just reaches it has fewer
_ENVELOPE_RATE = 100  # Hz
_SYLLABLES_HZ = (2.0, 8.0)  # around 4 Hz, where speech has most of its modulation
_MODULATION_HZ = (0.5, 25.0)
_NOTHING_DBFS = -120.0


@dataclass(frozen=True)
class Levels:
    """Of one clip's sound.

    peak_dbfs, mean_dbfs: largest sample and root mean square, -120 at least.
    silent_share: of windows of 20 ms whose root mean square is below a level.
    clipped_share: of samples in runs of three or more at full scale.
    dc_offset: mean of the samples, full scale is 1.
    syllable_share: of the modulation of the loudness between 0.5 and 25 Hz, the share of power from
        2 to 8 Hz; None where there is none.
    steadiness: mean correlation of the spectrum with that of 0.19 s before, from -1 to 1; None of
        less than a second.
    """

    peak_dbfs: float
    mean_dbfs: float
    silent_share: float
    clipped_share: float
    dc_offset: float
    syllable_share: float | None
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
        syllable_share=_syllable_share(waveform),
        steadiness=_steadiness(waveform),
    )


def _dbfs(power: float) -> float:
    return max(_NOTHING_DBFS, 10 * np.log10(max(power, 1e-30)))


def _run_lengths(is_full: np.ndarray) -> int:
    """How many are in runs of at least _LEAST_RUN."""
    edges = np.flatnonzero(np.diff(is_full.astype(np.int8), prepend=0, append=0))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= _LEAST_RUN].sum())


def _syllable_share(waveform: np.ndarray) -> float | None:
    hop = SAMPLE_RATE // _ENVELOPE_RATE
    count = len(waveform) // hop
    if count < _ENVELOPE_RATE:
        return None
    blocks = np.square(waveform[: count * hop], dtype=np.float64).reshape(count, hop)
    loudness = np.sqrt(blocks.mean(axis=1))
    spectrum = np.abs(np.fft.rfft((loudness - loudness.mean()) * np.hanning(count))) ** 2
    hz = np.arange(len(spectrum)) * _ENVELOPE_RATE / count
    total = spectrum[(hz >= _MODULATION_HZ[0]) & (hz < _MODULATION_HZ[1])].sum()
    syllables = spectrum[(hz >= _SYLLABLES_HZ[0]) & (hz < _SYLLABLES_HZ[1])].sum()
    return float(syllables / total) if total > 0 else None


def _steadiness(waveform: np.ndarray) -> float | None:
    """Tones that are held stay where they are; speech glides and noise does not repeat."""
    window, lag = 2048, 8
    if len(waveform) < SAMPLE_RATE:
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(waveform, window)[:: window // 4]
    spectra = np.log(np.abs(np.fft.rfft(stretches * np.hanning(window)))[:, 10:300] + 1e-4)
    kernel = np.ones(15) / 15  # what is left are the partials, not the timbre
    smooth = np.apply_along_axis(np.convolve, 1, spectra, kernel, "same")
    partials = spectra - smooth
    partials /= np.linalg.norm(partials, axis=1, keepdims=True) + 1e-9
    return float((partials[lag:] * partials[:-lag]).sum(axis=1).mean())
