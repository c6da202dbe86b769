"""Spectrograms, as small pictures inside a page."""

import io

import matplotlib
import numpy as np
from PIL import Image

from soundnet_tf.pages.inside import data_uri

WINDOW = 512  # samples
_RANGE_DB = 80.0
_MOST_COLUMNS = 1200


def spectrogram_db(waveform: np.ndarray, columns: int = 600) -> np.ndarray:
    """Power of stretches of sound by frequency.

    Args:
        waveform: float32 [samples].
        columns: how many stretches; of longer sound each is the loudest of its windows.

    Returns:
        float32 [WINDOW / 2 + 1, columns or fewer], the lowest frequency first, in dB of the
        loudest, from -80 to 0; silence is -80 throughout.
    """
    if not 1 <= columns <= _MOST_COLUMNS:
        raise ValueError(f"columns is {columns}; give 1 to {_MOST_COLUMNS}")
    padded = np.pad(np.ravel(waveform), (WINDOW // 2, WINDOW))
    starts = np.arange(0, padded.size - WINDOW, WINDOW // 2)
    columns = min(columns, starts.size)
    window = np.hanning(WINDOW).astype(np.float32)
    power = np.zeros([WINDOW // 2 + 1, columns], np.float32)
    for column, some in enumerate(np.array_split(starts, columns)):
        for start in some:
            spectrum = np.abs(np.fft.rfft(padded[start : start + WINDOW] * window)) ** 2
            np.maximum(power[:, column], spectrum, out=power[:, column])
    return decibels(power)


def decibels(power: np.ndarray) -> np.ndarray:
    """float32, of the same shape: in dB of the greatest, from -80 to 0; of silence -80."""
    loudest = power.max()
    if not loudest > 0:
        return np.full(power.shape, -_RANGE_DB, np.float32)
    floor = loudest * 10 ** (-_RANGE_DB / 10)
    return np.maximum(10 * np.log10(np.maximum(power, floor) / loudest), -_RANGE_DB)


def spectrogram_source(waveform: np.ndarray, columns: int = 600, height: int = 128) -> str:
    """The spectrogram for an <img>: PNG with the lowest frequency at the bottom, linear in Hz."""
    return levels_source(spectrogram_db(waveform, columns), height)


def levels_source(levels_db: np.ndarray, height: int = 128) -> str:
    """Levels [frequencies, columns] from -80 to 0 dB, the lowest frequency first, for an <img>."""
    indexed = np.round((levels_db[::-1] / _RANGE_DB + 1) * 255).astype(np.uint8)
    image = Image.fromarray(indexed, "P")
    colours = matplotlib.colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    image.putpalette(colours.tobytes())
    image = image.resize((image.width, height), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return data_uri(file.getvalue(), "image/png")
