"""Levels of sound, and the hashes by which it is known again."""

import numpy as np
import pytest
from inspected_films import RATE, notes

from soundnet_tf.inspection import near, sound, sound_hash


def test_levels_of_a_sine():
    """Peak 0.5 is -6.02 dBFS, its root mean square 3.01 dB below."""
    sine = 0.5 * np.sin(2 * np.pi * 441 * (np.arange(2 * RATE) + 0.5) / RATE).astype(np.float32)
    found = sound.levels(sine + np.float32(0.01), -60)
    largest = 0.5 * np.sin(2 * np.pi * 12.5 / 50) + 0.01  # 50 samples a period
    assert found.peak_dbfs == pytest.approx(20 * np.log10(largest), abs=0.01)
    assert found.mean_dbfs == pytest.approx(10 * np.log10(0.125 + 1e-4), abs=0.01)
    assert found.dc_offset == pytest.approx(0.01, abs=1e-5)
    assert (found.silent_share, found.clipped_share) == (0, 0)


def test_silence_is_what_is_below_the_level():
    """Three quarters: nothing, -66 dBFS, and -54 dBFS; a quarter at -6."""
    level = np.repeat([0, 10 ** (-66 / 20), 10 ** (-54 / 20), 0.5], RATE).astype(np.float32)
    assert sound.levels(level, -60).silent_share == pytest.approx(0.5)
    assert sound.levels(level, -50).silent_share == pytest.approx(0.75)
    assert sound.levels(np.zeros(RATE, np.float32), -60).peak_dbfs == -120


def test_clipping_is_runs_of_three_samples_at_full_scale():
    """A run of 5 up, one of 3 down; two of 2 and single ones are peaks."""
    samples = np.zeros(1000, np.float32)
    samples[100:105], samples[200:203], samples[300:302] = 1, -1, 1
    samples[[400, 402, 404, 998, 999]] = 1
    assert sound.levels(samples, -60).clipped_share == pytest.approx(8 / 1000)


def test_held_tones_are_steady_and_noise_is_not():
    secs = np.arange(3 * RATE) / RATE
    chord = sum(0.1 * np.sin(2 * np.pi * hz * secs) for hz in (262, 330, 392))
    noise = np.random.default_rng(0).normal(0, 0.1, len(secs))
    assert sound.levels((chord + 1e-3 * noise).astype(np.float32), -60).steadiness > 0.6
    assert abs(sound.levels(noise.astype(np.float32), -60).steadiness) < 0.1
    assert sound.levels(np.zeros(100, np.float32), -60).steadiness is None


HUM = 0.1 * sum(np.sin(2 * np.pi * hz * np.arange(8 * RATE) / RATE) for hz in (100, 300, 500))


def agreeing(one, other, cut_secs=0.0):
    """How many hashes of one sound are, at the same place of it, near one of the other."""
    (hashes, secs), (others, other_secs) = sound_hash.hashes(one), sound_hash.hashes(other)
    near_bits = near.popcount(hashes[:, None] ^ others[None]) <= 7
    at_place = np.abs(secs[:, None] - cut_secs - other_secs[None]) < 0.05
    return (near_bits & at_place).any(axis=1).sum(), len(hashes)


def test_sound_is_known_again_after_gain_and_a_cut():
    whole = notes(1, 12)
    found, count = agreeing(whole, 0.3 * whole[5000:], 5000 / RATE)
    assert count > 12 and found > 0.7 * count
    assert agreeing(whole, notes(2, 12))[0] == 0


def test_sound_is_known_again_in_noise():
    """Of a tenth of the power of the quietest tones: bands without a tone are noise alone."""
    whole = notes(0, 12)
    noise = np.random.default_rng(0).normal(0, 0.003, len(whole))
    found, count = agreeing(whole, (0.3 * whole + noise).astype(np.float32))
    assert found >= 0.3 * count


def test_bits_are_half_ones():
    hashes = np.concatenate([sound_hash.hashes(notes(seed, 12))[0] for seed in range(6)])
    assert 29 < near.popcount(hashes).mean() < 35


@pytest.mark.parametrize(
    "waveform", [np.zeros(0), np.zeros(1000), np.zeros(8 * RATE), np.full(8 * RATE, 0.3), HUM]
)
def test_silence_and_a_hum_have_no_hashes(waveform):
    hashes, secs = sound_hash.hashes(waveform.astype(np.float32))
    assert len(hashes) == len(secs) == 0


def test_no_hash_hears_silence():
    """Silent from 3 to 4.5 s: a hash is made of windows of 0.37 s that begin in 0.84 s from its
    moment on, so none is from 2.16 to 4.13 s. What is around is heard."""
    sound = notes(2, 12)
    sound[3 * RATE : round(4.5 * RATE)] = 0
    _, secs = sound_hash.hashes(sound)
    assert not ((secs > 2.2) & (secs < 4.1)).any()
    assert (secs < 2.2).any() and (secs > 4.1).sum() > 5
