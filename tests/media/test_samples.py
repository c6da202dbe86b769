"""What users give as sound: what is taken, at which scale, and what is refused with its remedy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.media.samples import check_rate, checked, scaled

WAVE = np.round(8000 * np.sin(np.arange(300) / 7)).astype(np.int16)  # samples of 16 bits


@pytest.mark.parametrize(
    ("sound", "divisor"),
    [
        (WAVE, 2**15),
        (WAVE.astype(">i2"), 2**15),
        (WAVE.astype(np.int32) << 16, 2**31),  # 32 bits
        (WAVE.astype(np.int32) << 8 << 8, 2**31),  # 24 bits to the left, as scipy reads them
        ((WAVE >> 8).astype(np.int8), 2**7),
        (WAVE / 32768.0, 1),
        ((WAVE / 32768.0).astype(">f4"), 1),
        ((WAVE / 32768.0).astype(np.float16), 1),
        ((WAVE / 32768.0).astype(np.longdouble), 1),
        (tf.constant(WAVE / 32768.0), 1),
        (keras.Variable(WAVE / 32768.0), 1),
        ((WAVE / 32768.0).tolist(), 1),
        (list(WAVE), 2**15),
    ],
)
def test_what_is_taken_is_divided_by_its_own_full_scale(sound, divisor):
    """float32, the samples over 2 ** (bits - 1) of their type; floats as they are."""
    expected = np.asarray(sound, np.float64) / divisor
    found = scaled(checked(sound))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32(expected))
    assert 0.2 < np.abs(found).max() < 0.26  # 8000 / 32768


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_unsigned_samples_have_silence_in_the_middle(bits):
    half = 2 ** (bits - 1)
    sound = np.array([0, half, half + half // 2], f"uint{bits}")
    np.testing.assert_array_equal(scaled(checked(sound)), np.float32([-1, 0, 0.5]))


@pytest.mark.parametrize(
    "sound",
    [
        WAVE.astype(np.int64),
        WAVE.astype(np.int64) << 48,  # whoever fills 64 bits can say so as well
        WAVE.astype(np.int64).astype(np.uint64),
        WAVE.tolist(),
        tuple(WAVE.tolist()),
        WAVE.astype(np.int32),
        WAVE.astype(">i4"),
        np.stack([WAVE, 0 * WAVE], axis=1).astype(np.int32),
        tf.constant(WAVE.astype(np.int32)),
        WAVE.astype(np.int32) << 8,  # 24 bits to the right
        np.array([0, -(2**23)], np.int32),  # their negative full scale
        np.array([0, 1], np.int32),
        (WAVE.astype(np.int32) + 32768).astype(np.uint32),
        (WAVE // 256 + 128).astype(np.uint16),
        np.array([2**31 + 5, 2**31], np.uint32),
    ],
)
def test_integers_of_a_scale_that_is_not_known_are_refused(sound):
    with pytest.raises(ValueError, match=r"\.astype\(np\.int16\).*/ 32768\.0"):
        checked(sound)


@pytest.mark.parametrize("peak", [2**23 + 1, 2**30, -(2**31)])
def test_32_bits_that_reach_over_a_256th_of_full_scale_are_taken(peak):
    found = scaled(checked(np.array([0, peak], np.int32)))
    np.testing.assert_array_equal(found, np.float32([0, peak / 2**31]))


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
)
def test_zeros_are_silence_in_any_scale(dtype):
    if dtype == "bool":
        with pytest.raises(ValueError, match=r"waveform is bool \[4\]; give floats or integers"):
            checked(np.zeros(4, dtype))
        return
    np.testing.assert_array_equal(scaled(checked(np.zeros((4, 2), dtype))), np.zeros((4, 2)))
    np.testing.assert_array_equal(scaled(checked(np.zeros(0, dtype))), np.zeros(0))
    np.testing.assert_array_equal(checked([0, 0]), [0.0, 0.0])


@pytest.mark.parametrize(
    "sound",
    [
        np.array([1.0, None]),
        np.array([0, 1j]),
        np.array(["1"]),
        np.array([0], "m8[s]"),
        tf.constant([0.5], tf.bfloat16),
        keras.Input((5,)),
        [[0.5], [0.5, 0.25]],
        {0.5},
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused(sound):
    with pytest.raises(ValueError, match=r"waveform is .*give .*floats or integers"):
        checked(sound)


@pytest.mark.parametrize(
    ("sound", "where"),
    [
        ([0.0, np.nan], "1"),
        (np.array([[0, 0], [np.inf, 0]]), "1, 0"),
        (np.float32("nan"), "0"),
        (np.array([0, -np.inf], np.float16), "1"),
    ],
)
def test_samples_that_are_not_finite_are_refused(sound, where):
    with pytest.raises(ValueError, match=f"NaN or infinite samples, the first at {where};"):
        checked(sound)


def test_floats_of_16_bit_scale_are_refused_with_an_advice_that_works():
    """What the message says, done: both ways give the same sound."""
    with pytest.raises(ValueError, match=r"/ 32768\.0.*\.astype\(np\.int16\)"):
        checked(WAVE.astype(np.float64))
    floats = WAVE.astype(np.float64)
    np.testing.assert_array_equal(
        scaled(checked(floats / 32768.0)), scaled(checked(floats.astype(np.int16)))
    )


def test_a_little_beyond_full_scale_is_clipped_and_nothing_is_changed():
    sound = np.array([[1.5, -3.0], [0.5, 1.0]], np.float32)
    sound.flags.writeable = False
    np.testing.assert_array_equal(scaled(checked(sound)), [[1.0, -1.0], [0.5, 1.0]])


def test_a_later_piece_may_be_quiet():
    quiet = np.array([3, -5], np.int32)
    np.testing.assert_array_equal(checked(quiet, np.dtype("int32")), quiet)
    with pytest.raises(ValueError, match="very quiet"):
        checked(quiet, np.dtype("int16"))


@pytest.mark.parametrize("rate", [44.1, 22.05, 999, 1, True])
def test_rates_in_kilohertz_are_refused(rate):
    with pytest.raises(ValueError, match=rf"sample rate is {rate}, .*in Hz, not kHz"):
        check_rate(rate)


@pytest.mark.parametrize("rate", [0, -44100, np.nan, np.inf, "44100", None, [44100, 44100]])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="it must be a positive number of Hz"):
        check_rate(rate)


def test_rates_are_numbers_of_any_kind():
    for rate in (1000, 44100.0, np.float32(8000), np.array(16000), tf.constant(48000)):
        assert check_rate(rate) == float(rate)
