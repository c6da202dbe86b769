"""A picture of the filters that hear the waveform."""

import io

import numpy as np
from matplotlib.figure import Figure

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.models.filters import Filters

_FLOOR_DB = -40.0
_INK, _MUTED = "#1f3a5f", "#5a6472"


def figure(filters: Filters, title: str = "") -> Figure:
    """Waveforms on the left, each by its own greatest value, and spectra on the right, in decibels
    below their own peaks; the lowest centre frequency is at the bottom."""
    count, taps = filters.waveforms.shape
    drawn = Figure(figsize=(8, 1.2 + 0.26 * count), layout="constrained")
    shapes, spectra = drawn.subplots(1, 2, sharey=True, width_ratios=(1, 1.5))
    heights = np.nan_to_num(filters.waveforms)
    heights = heights / np.maximum(np.abs(heights).max(axis=1, keepdims=True), 1e-30)
    moments_ms = np.arange(taps) / SAMPLE_RATE * 1000
    shapes.plot(moments_ms, (0.45 * heights + np.arange(count)[:, None]).T, color=_INK, lw=0.9)
    shapes.set(xlabel="ms", xlim=(0, moments_ms[-1]), ylim=(-0.6, count - 0.4))
    shapes.set_yticks(range(count), [_hertz(hz) for hz in filters.centres_hz], fontsize=8)
    shapes.set_ylabel("centre frequency")
    khz = filters.frequencies_hz / 1000
    image = spectra.imshow(
        decibels(filters),
        origin="lower",
        aspect="auto",
        extent=(khz[0], khz[-1], -0.5, count - 0.5),
        vmin=_FLOOR_DB,
        vmax=0,
        cmap="Blues",
        interpolation="nearest",
    )
    spectra.plot(filters.centres_hz / 1000, range(count), "o", ms=3, color="#c2410c")
    spectra.set(xlabel="kHz", xlim=(khz[0], khz[-1]))
    drawn.colorbar(image, label="dB below the peak", pad=0.02)
    for axes in (shapes, spectra):
        axes.tick_params(length=2, color=_MUTED)
        axes.spines[["top", "right"]].set_visible(False)
    if title:
        drawn.suptitle(title, fontsize=10, color=_MUTED)
    return drawn


def decibels(filters: Filters) -> np.ndarray:
    """float64 [filters, bins], each spectrum below its own peak, at least -40; that where there is
    nothing, or nothing finite."""
    spectra = np.nan_to_num(filters.spectra, posinf=0.0)
    shares = spectra / np.maximum(spectra.max(axis=1, keepdims=True), 1e-30)
    return 20 * np.log10(np.maximum(shares, 10 ** (_FLOOR_DB / 20)))


def png(drawn: Figure, dots_per_inch: int = 100) -> bytes:
    """The figure as a PNG file."""
    with io.BytesIO() as file:
        drawn.savefig(file, format="png", dpi=dots_per_inch)
        return file.getvalue()


def _hertz(hz: float) -> str:
    return f"{hz:,.0f} Hz".replace(",", "\u202f") if np.isfinite(hz) else "not finite"
