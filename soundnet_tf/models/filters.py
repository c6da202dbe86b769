"""The filters that hear the waveform, conv1's: their shapes, spectra and centre frequencies.

Without TensorFlow: what is drawn of them, in TensorBoard and elsewhere, is made of these numbers.
"""

from dataclasses import dataclass

import numpy as np

from soundnet_tf.constants import SAMPLE_RATE

FFT_SAMPLES = 4096  # bins of 5.4 Hz; 64 taps tell frequencies apart that differ by some 350 Hz


@dataclass(frozen=True)
class Filters:
    """Filters by rising centre frequency.

    Attributes:
        waveforms: float32 [filters, taps], as they are laid on the sound (it is a correlation).
        spectra: float64 [filters, bins], magnitudes of the frequency response.
        frequencies_hz: float64 [bins], from 0 to half the sample rate.
        centres_hz: float64 [filters], where each answers most; NaN of one that is not finite, and
            these come last. A filter of zeros has 0.
        channels: int [filters], which of the layer's outputs each is.
    """

    waveforms: np.ndarray
    spectra: np.ndarray
    frequencies_hz: np.ndarray
    centres_hz: np.ndarray
    channels: np.ndarray


def of_student(student) -> Filters:
    """The filters of a SoundNet (a Keras model), in order."""
    return of_kernel(np.asarray(student.get_layer("conv1_conv").kernel))


def of_kernel(kernel: np.ndarray) -> Filters:
    """Filters in order.

    Args:
        kernel: float [taps, 1, filters], of a convolution that hears one channel.

    Raises:
        ValueError: a kernel of another shape.
    """
    if kernel.ndim != 3 or kernel.shape[1] != 1:
        raise ValueError(f"a kernel of shape {kernel.shape} does not hear a waveform: [taps, 1, n]")
    waveforms = np.asarray(kernel[:, 0].T, np.float32)
    size = max(FFT_SAMPLES, waveforms.shape[1])
    spectra = np.abs(np.fft.rfft(waveforms.astype(np.float64), size))
    frequencies_hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    centres_hz = frequencies_hz[spectra.argmax(axis=1)]
    centres_hz[~np.isfinite(waveforms).all(axis=1)] = np.nan
    order = np.argsort(centres_hz, kind="stable")
    return Filters(waveforms[order], spectra[order], frequencies_hz, centres_hz[order], order)
