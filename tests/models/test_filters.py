"""Filters of known frequency come in its order, with the spectra that a sum over taps gives."""

import numpy as np
import pytest

from soundnet_tf.models import filters, student

TAPS, RATE = 64, 22050


def kernel_of(frequencies_hz, amplitudes=None):
    """Windowed cosines: each answers most at its frequency, within two bins: a Hann window's side
    lobes leave little of the image at minus that frequency."""
    moments = (np.arange(TAPS) - (TAPS - 1) / 2) / RATE
    waves = np.cos(2 * np.pi * np.outer(moments, frequencies_hz)) * np.hanning(TAPS)[:, None]
    waves *= 1.0 if amplitudes is None else np.array(amplitudes)
    return waves[:, None].astype(np.float32)


def test_filters_come_by_frequency_whatever_their_loudness():
    frequencies = [5000.0, 700.0, 9000.0, 2500.0]
    kernel = kernel_of(frequencies, [0.01, 100.0, 1.0, -3.0])
    found = filters.of_kernel(kernel)
    np.testing.assert_array_equal(found.channels, [1, 3, 0, 2])
    np.testing.assert_allclose(found.centres_hz, sorted(frequencies), atol=2 * RATE / 4096)
    np.testing.assert_array_equal(found.waveforms, kernel[:, 0].T[[1, 3, 0, 2]])


def test_a_spectrum_is_the_sum_over_taps():
    """|sum of w[n] exp(-2 pi i f n / rate)|, here by its definition."""
    found = filters.of_kernel(np.random.default_rng(3).normal(size=(TAPS, 1, 2)))
    for index in (0, 100, 2048):
        hz = found.frequencies_hz[index]
        assert hz == pytest.approx(index * RATE / 4096)
        turned = np.exp(-2j * np.pi * hz * np.arange(TAPS) / RATE)
        np.testing.assert_allclose(
            found.spectra[:, index], np.abs(found.waveforms @ turned), rtol=1e-5
        )


def test_filters_that_are_nothing_or_not_finite_have_their_places():
    kernel = kernel_of([4000.0, 1000.0, 2000.0])
    kernel[:, 0, 0], kernel[5, 0, 1] = 0.0, np.nan
    found = filters.of_kernel(kernel)
    np.testing.assert_array_equal(found.channels, [0, 2, 1])
    assert found.centres_hz[0] == 0 and np.isnan(found.centres_hz[2])


@pytest.mark.parametrize("build", [student.SoundNet8, student.SoundNet5])
def test_a_students_filters_are_its_first_kernel(build):
    network = build(object_classes=3, scene_classes=None)
    (kernel,) = (v.numpy() for v in network.variables if v.path == "conv1_conv/kernel")
    found = filters.of_student(network)
    np.testing.assert_array_equal(found.waveforms, kernel[:, 0].T[found.channels])
    assert (np.diff(found.centres_hz) >= 0).all()


def test_other_kernels_are_refused():
    with pytest.raises(ValueError, match="16, 2, 3"):
        filters.of_kernel(np.zeros((16, 2, 3)))
