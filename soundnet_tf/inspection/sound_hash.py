"""64 bits of about a second of sound, that stay when it is coded anew or made louder.

As of Haitsma and Kalker ("A Highly Robust Audio Fingerprinting System", ISMIR 2002) a bit is the
sign of how the difference of two neighbouring bands' energies changes in time: gain, and filters
that are smooth, change nothing. Hashes are taken where the sound changes most, so that a copy that
was cut elsewhere has them at the same places of its content.
"""

import functools

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.inspection import near

_WINDOW = 8192  # samples (0.37 s): so long that bits hardly change from a hop to the next
_HOP = 512  # samples (23 ms)
_BANDS = 17  # 16 differences, between these Hz: where codecs keep what they get
_LOWEST_HZ, _HIGHEST_HZ = 200.0, 3200.0
_LAG = 9  # hops between the two moments of a change (0.21 s)
_STEP, _STEPS = 9, 4  # hops from one 16 bits to the next; 4 times 16 bits
_SPAN = _STEP * (_STEPS - 1) + _LAG  # hops that a hash is made of
_AROUND = 11  # hops: an anchor is the largest change of so many on both sides (0.26 s)
_FLOOR = 1e-9  # of a band's mean power: -90 dB below full scale is silence
_LEAST_CHANGE = 0.1  # of the logarithm, in the mean over bands: in a hum, signs are chance
HOP_SECS = _HOP / SAMPLE_RATE


def hashes(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of a clip's sound, about two a second; none where there is silence.

    Args:
        waveform: float32 [samples], mono, at SAMPLE_RATE.

    Returns:
        uint64 [hashes], and float64 [hashes]: seconds from the start of the clip.
    """
    powers = band_powers(waveform)
    levels = np.log(np.maximum(powers, _FLOOR))
    differences = np.diff(levels, axis=1)
    changes = differences[_LAG:] - differences[:-_LAG]  # [hops - _LAG, bands - 1]
    count = len(powers) - _SPAN
    if count < 1:
        return np.zeros(0, np.uint64), np.zeros(0)
    strength = np.abs(changes).mean(axis=1)[:count]
    heard = (powers > _FLOOR).mean(axis=1) > 0.5
    anchors = [i for i in _peaks(strength) if heard[i : i + _SPAN + 1].all()]
    moments = np.array(anchors, int)[:, None] + _STEP * np.arange(_STEPS)
    bits = (changes[moments] > 0).reshape(len(anchors), near.BITS)
    return near.packed(bits), np.array(anchors, float) * HOP_SECS


def band_powers(waveform: np.ndarray) -> np.ndarray:
    """float64 [hops, _BANDS]: mean power of each band in windows of 0.37 s."""
    if len(waveform) < _WINDOW:
        return np.zeros((0, _BANDS))
    window, first, stop = _analysis()
    stretches = np.lib.stride_tricks.sliding_window_view(waveform, _WINDOW)[::_HOP]
    powers = []
    for begin in range(0, len(stretches), 64):  # 4 MB at once
        spectrum = np.fft.rfft(stretches[begin : begin + 64] * window)
        power = np.abs(spectrum[:, first[0] : stop[-1]]) ** 2
        powers.append(np.add.reduceat(power, first - first[0], axis=1) / (stop - first))
    return np.concatenate(powers) / np.sum(window**2)


@functools.cache
def _analysis() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    edges = np.round(edges_hz * _WINDOW / SAMPLE_RATE).astype(int)
    return np.hanning(_WINDOW), edges[:-1], edges[1:]


def _peaks(strength: np.ndarray) -> np.ndarray:
    """Where it is the largest of `_AROUND` hops before and behind."""
    padded = np.pad(strength, _AROUND, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    return np.flatnonzero((strength == around.max(axis=1)) & (strength > _LEAST_CHANGE))
