"""What is drawn of filters: which curve stands where, in which units."""

import numpy as np

from soundnet_tf.models import filters, filters_figure

RATE, TAPS = 22050, 64


def drawn():
    """Two cosines, the higher one first in the kernel, and the axes of shapes and spectra."""
    moments = (np.arange(TAPS) - (TAPS - 1) / 2) / RATE
    waves = np.cos(2 * np.pi * np.outer(moments, [5000, 700])) * np.hanning(TAPS)[:, None]
    found = filters.of_kernel(np.float32(waves[:, None]))
    shapes, spectra, *_ = filters_figure.figure(found).axes
    return found, shapes, spectra


def test_shapes_stand_at_their_frequencies_over_milliseconds():
    """The lower one at the bottom; 63 samples behind the first are 63 / 22050 s."""
    found, shapes, _ = drawn()
    said = [text.get_text().replace("\u202f", "") for text in shapes.get_yticklabels()]
    assert said == [f"{hz:.0f} Hz" for hz in found.centres_hz]
    np.testing.assert_allclose(found.centres_hz, [700, 5000], atol=11)
    for place, line in enumerate(shapes.lines):
        assert line.get_xdata()[-1] == 1000 * 63 / RATE
        wave = found.waveforms[place]
        np.testing.assert_allclose(line.get_ydata(), place + 0.45 * wave / np.abs(wave).max())
    assert shapes.get_xlabel() == "ms"


def test_spectra_stand_beside_their_shapes_over_kilohertz():
    """A point of the picture at the height of a filter and a frequency has its decibels; a dot is
    at the peak."""
    _, _, spectra = drawn()
    (image,), (dots,) = spectra.images, spectra.lines
    assert image.origin == "lower" and spectra.get_xlabel() == "kHz"
    assert tuple(image.get_extent()) == (0, RATE / 2000, -0.5, 1.5)
    assert spectra.get_ylim()[0] < spectra.get_ylim()[1]
    levels = np.asarray(image.get_array())
    peaks_khz = levels.argmax(axis=1) * RATE / 4096 / 1000
    np.testing.assert_allclose(peaks_khz, [0.7, 5.0], atol=0.011)
    np.testing.assert_allclose(dots.get_xdata(), peaks_khz)
    np.testing.assert_array_equal(dots.get_ydata(), [0, 1])


def test_decibels_are_of_amplitudes():
    """Two equal taps answer by 2 cos(pi f / rate): at a third of the rate by half, which is 6.02 dB
    less, at half the rate by nothing, of which -40 dB are drawn."""
    found = filters.of_kernel(np.ones([2, 1, 1], np.float32))
    levels = filters_figure.decibels(found)[0]
    third = np.abs(found.frequencies_hz - RATE / 3).argmin()
    assert levels[0] == 0 and levels[-1] == -40
    np.testing.assert_allclose(levels[third], 20 * np.log10(0.5), atol=0.02)
