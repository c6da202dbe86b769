"""Channels to one, and resampling, against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.media.waveform import Resampler, resample, to_mono


def test_mean_of_channels():
    """(0.8 + 0.8) / 2 = 0.8 and (1 - 0.5) / 2 = 0.25: averaged, not added or power-normalised."""
    stereo = np.array([[0.8, 0.8], [1.0, -0.5]], np.float32)
    np.testing.assert_allclose(to_mono(stereo), [0.8, 0.25], rtol=1e-6)


def test_first_channel():
    stereo = np.array([[0.8, 0.1], [1.0, -0.5]], np.float32)
    np.testing.assert_array_equal(to_mono(stereo, "first"), stereo[:, 0])


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        (np.uint8, [0, 128, 192], [-1.0, 0.0, 0.5]),
        (np.int16, [-32768, 0, 16384], [-1.0, 0.0, 0.5]),
        (np.int32, [-(2**31), 0, 2**30], [-1.0, 0.0, 0.5]),
        (np.int64, [-(2**63), 0, 2**62], [-1.0, 0.0, 0.5]),
        (np.float64, [-1.0, 0.0, 3.0], [-1.0, 0.0, 3.0]),
    ],
)
def test_full_scale_of_each_dtype(dtype, values, expected):
    """Full negative scale is -1, half positive scale 0.5, floats keep theirs."""
    mono = to_mono(np.array(values, dtype))
    assert mono.dtype == np.float32
    np.testing.assert_array_equal(mono, np.float32(expected))


def test_mono_is_a_new_array():
    original = np.ones(4, np.float32)
    to_mono(original)[:] = 0
    np.testing.assert_array_equal(original, np.ones(4))


@pytest.mark.parametrize(
    ("waveform", "channel"),
    [
        (np.zeros((2, 2, 2), np.float32), "mean"),
        (np.zeros((5, 0), np.float32), "mean"),
        (np.zeros(5, np.complex64), "mean"),
        (np.zeros(5, bool), "mean"),
        (np.zeros(5, np.float32), "left"),
    ],
)
def test_to_mono_refuses(waveform, channel):
    with pytest.raises(ValueError, match="waveform is|channel is 'left'"):
        to_mono(waveform, channel)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 32000, 44100, 48000, 96000, 192000])
def test_resampled_sine(rate):
    """A 440 Hz sine sampled at `rate` is, resampled, the same sine sampled at 22 050 Hz."""
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    resampled = resample(sine, rate, 22050)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    assert len(resampled) == 22050
    np.testing.assert_allclose(resampled[500:-500], expected[500:-500], atol=1e-4)


def test_no_alias():
    """15 kHz lies above the new Nyquist frequency of 11 025 Hz: nothing of it may be left."""
    sine = np.sin(2 * np.pi * 15000 * np.arange(44100) / 44100).astype(np.float32)
    assert np.abs(resample(sine, 44100, 22050)[500:-500]).max() < 1e-5


def test_overshoot_is_clipped():
    square = np.sign(np.sin(2 * np.pi * 100 * np.arange(44100) / 44100)).astype(np.float32)
    assert np.abs(resample(square, 44100, 22050)).max() == 1.0


@given(st.integers(1, 20000), st.sampled_from([8000, 44100, 48000]))
def test_resampled_length(samples, rate):
    expected = samples * 22050 / rate
    assert abs(len(resample(np.zeros(samples, np.float32), rate, 22050)) - expected) <= 1


@given(
    st.lists(st.integers(0, 5000), max_size=8),
    st.sampled_from([8000, 11025, 22050, 44056, 44100, 48000, 192000]),
)
def test_blocks_resampled_equal_the_whole(lengths, rate):
    """To the bit, however the sound is cut, empty blocks among them; clipped too."""
    whole = np.random.default_rng(0).normal(0, 0.5, sum(lengths)).astype(np.float32)
    resampler = Resampler(rate, 22050)
    blocks = [resampler.push(block) for block in np.split(whole, np.cumsum(lengths))]
    joined = np.concatenate([*blocks, resampler.finish()])
    np.testing.assert_array_equal(joined, resample(whole, rate, 22050))


def test_resampler_lags_by_milliseconds():
    """What a live second gives is a second but for the reach of the filter, below 0.05 s."""
    resampled = Resampler(48000, 22050).push(np.zeros(48000, np.float32))
    assert 0.95 * 22050 < len(resampled) <= 22050


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_resample_refuses_rate(rate):
    with pytest.raises(ValueError, match="sample rate is"):
        resample(np.zeros(5, np.float32), rate, 22050)
    with pytest.raises(ValueError, match="sample rate is"):
        Resampler(22050, rate)
