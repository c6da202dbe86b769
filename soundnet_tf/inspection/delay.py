"""How much later the sound is than the picture, by what begins in both.

Hits, steps and mouths are seen and heard at once: where the picture changes, the sound begins.
Many films show nothing of the kind; a delay is told only where the best shift stands out.
"""

from dataclasses import dataclass

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE

RATE = 25  # Hz: of pictures, and of what is compared
_FINE = 8  # times as often the sound is looked at
_REACH_SECS = 1.0  # shifts looked for
_APART_SECS = 0.12  # of shifts that are not the same peak
_SMOOTH_SECS = 1.0  # what changes more slowly is no event
_EDGE_SECS = 0.16  # at both ends of a clip, where events are its own beginning and end
_LEAST_EVENTS = 4.0  # that agree
_MOST_OVER_USUAL = 3.0  # times the root mean square, so that no delay rests on one event


@dataclass(frozen=True)
class Delay:
    """secs: of the sound behind the picture (negative: before it). correlation: of onsets and
    changes of the picture at that shift. peak: how many standard deviations of all shifts it is
    above their mean."""

    secs: float
    correlation: float
    peak: float


def sound_delay(waveform: np.ndarray, changes: np.ndarray) -> Delay | None:
    """The delay by the largest correlation; None if there is too little to compare, or if it rests
    on fewer than four events.

    Args:
        waveform: float32 [samples] at SAMPLE_RATE, from the moment of the first picture on.
        changes: float32 [pictures - 1]: how much each picture of RATE a second differs from the one
            before it.
    """
    seen = _events(changes)
    heard = _onsets(waveform)[: len(seen) * _FINE]
    reach = round(_REACH_SECS * RATE * _FINE)
    if len(heard) < 4 * reach or not seen.any() or not heard.any():
        return None
    seen = np.repeat(seen[: len(heard) // _FINE], _FINE)
    heard = heard[: len(seen)]
    size = 1 << (len(seen) + reach).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(seen, size)), size)
    correlation = np.concatenate([correlation[-reach:], correlation[: reach + 1]])
    correlation /= np.linalg.norm(seen) * np.linalg.norm(heard)
    best = int(np.argmax(correlation))
    if _agreeing(seen, heard, best - reach) < _LEAST_EVENTS:
        return None
    apart = round(_APART_SECS * RATE * _FINE)
    others = np.delete(correlation, slice(max(0, best - apart), best + apart + 1))
    peak = (correlation[best] - others.mean()) / (others.std() + 1e-9)
    return Delay((best - reach) / (RATE * _FINE), float(correlation[best]), float(peak))


def _agreeing(seen: np.ndarray, heard: np.ndarray, shift: int) -> float:
    """On how many pictures the agreement at a shift rests: of n alike n, of one large one 1."""
    first, stop = max(0, -shift), len(seen) - max(0, shift)
    products = seen[first:stop] * heard[first + shift : stop + shift]
    products = products[: len(products) // _FINE * _FINE].reshape(-1, _FINE).sum(axis=1)
    return float(products.sum() ** 2 / (np.square(products).sum() + 1e-12))


def _events(strength: np.ndarray) -> np.ndarray:
    """Changes of the picture above the usual, large ones not by their size but by its logarithm."""
    return _above_usual(np.log1p(strength), RATE)


def _onsets(waveform: np.ndarray) -> np.ndarray:
    """How much louder each 5 ms is than what was before, in a few bands."""
    hop = SAMPLE_RATE / (RATE * _FINE)
    window = 512
    padded = np.pad(waveform, (window, window))
    starts = (np.arange(int(len(waveform) / hop)) * hop).astype(int) + window // 2
    stretches = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]
    spectra = np.abs(np.fft.rfft(stretches * np.hanning(window)))[:, 2:162]
    bands = np.log(spectra.reshape(len(spectra), 8, 20).mean(axis=2) + 1e-3)
    rises = np.maximum(0, bands[4:] - bands[:-4]).mean(axis=1)
    return _above_usual(np.pad(rises, (4, 0)), RATE * _FINE)


def _above_usual(strength: np.ndarray, rate: int) -> np.ndarray:
    """By how much each is above the mean of the second around it, within limits."""
    width = max(1, round(_SMOOTH_SECS * rate))
    around = np.ones(width)
    usual = np.convolve(strength, around, "same") / np.convolve(
        np.ones(len(strength)), around, "same"
    )
    above = np.maximum(0, strength - usual)
    edge = round(_EDGE_SECS * rate)
    above[:edge] = above[len(above) - edge :] = 0  # a cut begins and ends what it cuts
    return np.minimum(above, _MOST_OVER_USUAL * np.sqrt(np.mean(above**2)))
