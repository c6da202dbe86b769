"""The whole of a sound in some hundred columns, whatever its length: waveform and spectrogram."""

from typing import NamedTuple

import numpy as np

from soundnet_tf.pages import spectrogram

_WINDOW, _HOP = spectrogram.WINDOW, spectrogram.WINDOW // 2
_AT_ONCE = 1024  # windows whose spectra are computed together


class Columns(NamedTuple):
    """Stretches of equal length; the last one may be shorter.

    Attributes:
        lows, highs: float32 [columns], the lowest and the highest sample of each.
        levels_db: float32 [frequencies, columns], from -80 to 0, as `spectrogram.spectrogram_db`.
    """

    lows: np.ndarray
    highs: np.ndarray
    levels_db: np.ndarray


class Overview:
    """Takes a sound piece by piece, in a memory that does not grow.

    A column holds the extremes of so many windows (12 ms apart); when there is no room for more
    columns, each takes its neighbour in.
    """

    def __init__(self, columns: int = 400):
        """Args: columns: there will be so many at least, if there are as many windows, and at most
        twice as many."""
        if columns < 1:
            raise ValueError(f"columns is {columns}; give 1 or more")
        # Of each column -low, high, and powers: all of them grow by what comes.
        self._rows = np.full([2 * columns, 2 + _WINDOW // 2 + 1], -np.inf, np.float32)
        self._per_row = 1
        self._seen = 0
        self._rest = np.zeros(_HOP, np.float32)  # before the sound: window i is centred on hop i

    def push(self, piece: np.ndarray) -> None:
        """Takes the next samples, float32 [samples], in [-1, 1]."""
        samples = np.concatenate([self._rest, piece])
        count = max(0, (samples.size - _WINDOW) // _HOP + 1)
        for begin in range(0, count, _AT_ONCE):
            end = min(count, begin + _AT_ONCE)
            self._add(_extremes(samples[begin * _HOP : (end - 1) * _HOP + _WINDOW]))
        self._rest = samples[count * _HOP :]

    def finish(self) -> Columns:
        """What was heard; nothing may be pushed after it. Of nothing there is one silent column."""
        behind = self._rest.size - _HOP  # samples behind the centre of the last window
        self.push(np.zeros(_HOP if behind <= _HOP // 2 else _WINDOW, np.float32))
        rows = self._rows[: -(-self._seen // self._per_row)]
        return Columns(-rows[:, 0], rows[:, 1], spectrogram.decibels(rows[:, 2:].T))

    def _add(self, windows: np.ndarray) -> None:
        while self._seen + len(windows) > len(self._rows) * self._per_row:
            half = len(self._rows) // 2
            self._rows[:half] = self._rows.reshape(half, 2, -1).max(axis=1)
            self._rows[half:] = -np.inf
            self._per_row *= 2
        row = (self._seen + np.arange(len(windows))) // self._per_row
        firsts = np.flatnonzero(np.diff(row, prepend=-1))
        found = np.maximum.reduceat(windows, firsts, axis=0)
        self._rows[row[firsts]] = np.maximum(self._rows[row[firsts]], found)
        self._seen += len(windows)


def _extremes(samples: np.ndarray) -> np.ndarray:
    """float32 [windows, 2 + frequencies]: of each window -low and high of the hop in its middle,
    and its power by frequency."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    middle = windows[:, _HOP // 2 : _HOP // 2 + _HOP]
    spectra = np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32))
    ends = np.stack([-middle.min(axis=1), middle.max(axis=1)], axis=1)
    return np.concatenate([ends, np.abs(spectra) ** 2], axis=1, dtype=np.float32)
