"""MFCCs against NumPy and SciPy, and against what can be said without computing them."""

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import soundfile
import tensorflow as tf

from soundnet_tf.evaluation.mfcc import mfcc, mfcc_features

RATE = 22050
BANDS = 128


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def mel(hz):
    """HTK's: 1127 ln(1 + f / 700)."""
    return 1127 * np.log1p(np.asarray(hz) / 700)


def numpy_log_mel(waveform):
    """float64 [steps, 128] by SciPy's windows and FFT, and triangles that are straight in mel."""
    windows = np.lib.stride_tricks.sliding_window_view(np.float64(waveform), 1024)[::256]
    spectra = scipy.fft.rfft(windows * scipy.signal.get_window("hann", 1024))
    edges = np.linspace(0, mel(RATE / 2), BANDS + 2)
    bins = mel(np.arange(513) * RATE / 1024)
    triangles = np.stack(
        [np.interp(bins, edges[i : i + 3], [0, 1, 0], 0, 0) for i in range(BANDS)], axis=1
    )
    return np.log(np.maximum(np.abs(spectra) ** 2 @ triangles, 1e-10))


def numpy_mfcc(waveform):
    return scipy.fft.dct(numpy_log_mel(waveform), type=2, norm="ortho")[:, :13]


@pytest.mark.parametrize("samples", [1024, 1279, 1280, 5000, 22050])
def test_as_scipy_computes_them(samples):
    waveform = noise(samples)
    coefficients = mfcc(waveform)
    assert coefficients.dtype == tf.float32
    assert coefficients.shape == ((samples - 1024) // 256 + 1, 13)
    np.testing.assert_allclose(coefficients, numpy_mfcc(waveform), atol=2e-3)


def test_of_a_real_recording(shared):
    path = shared / "data/esc10/audio/001 - Dog bark/1-100032-A.ogg"
    waveform = np.float32(soundfile.read(path)[0][::2])
    expected = numpy_mfcc(waveform)
    np.testing.assert_allclose(mfcc(waveform), expected, atol=0.02)
    features = mfcc_features(waveform)
    np.testing.assert_allclose(features[:13], expected.mean(axis=0), atol=2e-3)
    np.testing.assert_allclose(features[13:], expected.std(axis=0), atol=2e-3)


@pytest.mark.parametrize("hz", [200, 440, 1000, 3000, 9000])
def test_a_tone_peaks_in_its_mel_band(hz):
    """Band i is centred i + 1 of 129 equal steps of mel from 0 Hz to 11 025 Hz. The 13 coefficients
    are a smoothed spectrum: the DCT back has its peak within a ripple's width (128 / 13 bands)."""
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    coefficients = np.pad(mfcc(tone).numpy(), [(0, 0), (0, BANDS - 13)])
    smoothed = scipy.fft.idct(coefficients, type=2, norm="ortho").mean(axis=0)
    band = mel(hz) / (mel(RATE / 2) / (BANDS + 1)) - 1
    assert abs(smoothed.argmax() - band) < BANDS / 13
    assert abs(numpy_log_mel(tone).mean(axis=0).argmax() - band) <= 1


def test_a_gain_shifts_only_the_first_coefficient():
    """Logarithms of powers grow by 2 ln(gain) in all bands; the orthonormal DCT-II of a constant c
    is c sqrt(128) in coefficient 0 and nothing elsewhere."""
    waveform = noise(8000)
    shift = mfcc(waveform * 0.1) - mfcc(waveform)
    np.testing.assert_allclose(shift[:, 0], 2 * np.log(0.1) * np.sqrt(128), atol=1e-3)
    np.testing.assert_allclose(shift[:, 1:], np.zeros((28, 12)), atol=1e-3)


def test_silence_is_finite():
    """All bands have the least power, 1e-10: coefficient 0 is ln(1e-10) sqrt(128), others are 0."""
    coefficients = mfcc(np.zeros(3000, np.float32))
    expected = np.zeros((8, 13))
    expected[:, 0] = np.log(1e-10) * np.sqrt(128)
    np.testing.assert_allclose(coefficients, expected, atol=1e-3)
    np.testing.assert_allclose(
        mfcc_features(np.zeros(3000, np.float32)), [*expected[0], *np.zeros(13)], atol=1e-3
    )


@pytest.mark.parametrize("samples", [0, 1, 700, 1023])
def test_sound_of_less_than_a_window_is_padded(samples):
    waveform = noise(samples)
    padded = np.concatenate([waveform, np.zeros(1024 - samples, np.float32)])
    np.testing.assert_array_equal(mfcc(waveform), mfcc(padded))
    features = mfcc_features(waveform)
    np.testing.assert_allclose(features[:13], mfcc(padded)[0], rtol=1e-6)
    np.testing.assert_array_equal(features[13:], np.zeros(13))


@pytest.mark.parametrize("samples", [700, 4000])
def test_a_batch_gives_what_each_gives_alone(samples):
    waveforms = noise(3, samples)
    np.testing.assert_allclose(mfcc(waveforms), [mfcc(w) for w in waveforms], atol=1e-4)
    features = mfcc_features(waveforms)
    assert features.shape == (3, 26)
    np.testing.assert_allclose(features, [mfcc_features(w) for w in waveforms], atol=1e-4)


@pytest.mark.parametrize("function", [mfcc, mfcc_features])
def test_eagerly_in_a_graph_of_any_length_and_in_a_dataset(function):
    waveforms = noise(2, 5000)
    signature = [tf.TensorSpec([None, None], tf.float32)]
    graph = tf.function(function, input_signature=signature)
    dataset = tf.data.Dataset.from_tensor_slices(waveforms).map(function)
    np.testing.assert_allclose(graph(waveforms), function(waveforms), atol=1e-4)
    np.testing.assert_allclose(graph(waveforms[:, :500]), function(waveforms[:, :500]), atol=1e-4)
    np.testing.assert_allclose(list(dataset), function(waveforms), atol=1e-4)
