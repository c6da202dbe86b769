"""Changes of sound: by how much, where, and that pictures follow."""

import numpy as np
import pytest
import tensorflow as tf
from clock_records import clip, config, grey_of, source, tenth_of

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import augment, pipeline
from soundnet_tf.data.settings import AugmentConfig

ALL = AugmentConfig(
    gain_db=6.0, polarity=True, filter_db=6.0, noise_db=10.0, time_masks=2, resample_semitones=3.0
)


def seed(number):
    return tf.constant([7, number], tf.int64)


def noise(samples=SAMPLE_RATE, rms=0.1):
    rng = np.random.default_rng(0)
    return tf.constant(rms * rng.standard_normal(samples), tf.float32)


def test_sound_at_another_speed_is_interpolated():
    """0, 1, 2 … at 1.5 times the speed is 0, 1.5, 3 …, to the last sample and not beyond."""
    ramp = tf.range(10.0)
    np.testing.assert_allclose(augment.resample(ramp, 1.5), np.arange(7) * 1.5, rtol=1e-6)
    np.testing.assert_allclose(augment.resample(ramp, 0.75), np.arange(13) * 0.75, rtol=1e-6)
    np.testing.assert_array_equal(augment.resample(ramp, 1.0), ramp)


def test_places_in_long_sound_are_exact():
    """Sample 400 000 of a ramp, at a speed that float32 has not exactly."""
    ramp = tf.range(420_000.0)
    found = augment.resample(ramp, tf.constant(1.01)).numpy()
    expected = np.arange(len(found)) * np.float64(np.float32(1.01))
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_speeds_are_between_the_semitones():
    factors = [float(augment.resampling_factor(2.0, seed(i))) for i in range(200)]
    assert 2 ** (-2 / 12) <= min(factors) < 0.92 and 1.09 < max(factors) <= 2 ** (2 / 12)
    assert np.mean(np.log2(factors)) == pytest.approx(0, abs=0.02)


def test_pictures_run_as_fast_as_the_sound():
    """A clip whose sound and pictures tell their time, wherever it is cut: a frame that stands at a
    moment of the crop shows the second that is heard there."""
    settings = config(augment=AugmentConfig(resample_semitones=4.0), crop_secs=4.0)
    speeds = []
    for batch in pipeline.train_batches(source(clip(0, 9.0)), settings, epochs=30):
        tenths = tenth_of(batch["waveform"])[0]
        secs, mask = batch["frame_secs"][0].numpy(), batch["frame_mask"][0].numpy()
        shown = (grey_of(batch["frames"])[0] - 10) / 20
        for at, second in zip(secs[mask], np.round(shown[mask]), strict=True):
            heard = tenths[min(round(float(at) * SAMPLE_RATE), len(tenths) - 1)] / 10
            assert heard == pytest.approx(second, abs=0.11)
        speeds.append((tenths[-1] - tenths[0]) / 40)
        # All that is heard has its frames: each whole second, but for those at the very edges.
        first, last = tenths[0] / 10 + 0.1, tenths[-1] / 10 - 0.1
        assert mask.sum() >= np.floor(last) - np.ceil(first) + 1
    assert min(speeds) < 0.93 and max(speeds) > 1.07


def test_a_short_clip_keeps_its_rhythm_at_another_speed():
    """2 s, looped: each turn shows its first picture where its first sound is heard."""
    settings = config(augment=AugmentConfig(resample_semitones=4.0), crop_secs=6.0)
    for batch in pipeline.train_batches(source(clip(0, 2.0)), settings, epochs=5):
        tenths, secs = tenth_of(batch["waveform"])[0], batch["frame_secs"][0].numpy()
        shown = grey_of(batch["frames"])[0]
        first = secs[batch["frame_mask"][0].numpy() & (np.abs(shown - 10) < 5)]
        assert len(first) >= 2
        for at in first:
            assert tenths[round(float(at) * SAMPLE_RATE) + 50] == 0


def test_a_filter_has_the_gains_that_were_drawn():
    """Its response at the bands' frequencies, far enough from each other for its 65 taps."""
    impulse = tf.one_hot(2048, 4096)
    spectrum = np.abs(np.fft.rfft(augment.coloured(impulse, 12.0, seed(1))))
    hz = np.fft.rfftfreq(4096, 1 / SAMPLE_RATE)
    drawn = augment._uniform(seed(1), -12.0, 12.0, [6]).numpy()
    bands = np.geomspace(100, SAMPLE_RATE / 2, 6)
    for band in (3, 4, 5):
        found = 20 * np.log10(np.interp(bands[band] * 0.999, hz, spectrum))
        assert found == pytest.approx(drawn[band], abs=1.5)


def test_a_filter_of_no_decibels_changes_nothing_and_moves_nothing():
    sound = noise()
    np.testing.assert_allclose(augment.coloured(sound, 0.0, seed(2)), sound, atol=1e-5)


def test_noise_is_as_soft_beside_a_clip_that_padding_follows():
    """Three quarters of padding would make it 6 dB softer."""
    sound = noise()
    padded = tf.concat([sound, tf.zeros([3 * SAMPLE_RATE])], 0)
    for i in range(3):
        alone = augment.with_noise(sound, 10.0, seed(i), tf.size(sound)) - sound
        beside = augment.with_noise(padded, 10.0, seed(i), tf.size(sound)) - padded
        assert np.std(beside) == pytest.approx(np.std(alone), rel=0.02)


def test_noise_is_softer_than_the_sound_by_so_much():
    sound = noise(rms=0.05)
    below = []
    for i in range(40):
        added = (augment.with_noise(sound, 10.0, seed(i), tf.size(sound)) - sound).numpy()
        below.append(-20 * np.log10(added.std() / 0.05))
    assert 9.9 < min(below) < 18 and 32 < max(below) < 40.1


def test_a_mask_is_a_stretch_of_silence():
    sound = tf.ones([SAMPLE_RATE])
    widths, starts = [], []
    for i in range(40):
        silent = np.flatnonzero(augment.masked(sound, seed(i)).numpy() == 0)
        assert len(silent) == 0 or silent[-1] - silent[0] + 1 == len(silent)
        widths.append(len(silent) / SAMPLE_RATE)
        starts.extend(silent[:1] / SAMPLE_RATE)
    assert max(widths) <= augment.LONGEST_MASK_SECS and max(widths) > 0.4
    assert min(starts) < 0.1 and max(starts) > 0.6


def test_polarity_turns_half_of_the_sounds_upside_down():
    sound = noise()
    signs = []
    for i in range(60):
        found = augment.augment(sound, tf.size(sound), AugmentConfig(polarity=True), seed(i))
        signs.append(float(tf.reduce_mean(found / sound)))
    assert set(np.round(signs)) == {-1, 1} and 15 < sum(s > 0 for s in signs) < 45


def test_padding_stays_silent():
    sound = tf.concat([noise(3000), tf.zeros([1000])], 0)
    found = augment.augment(sound, tf.constant(3000), ALL, seed(0)).numpy()
    assert not found[3000:].any() and found[:3000].any()


def test_the_graph_gives_what_eager_execution_gives_and_the_seed_decides():
    sound = noise()

    def changed(of_seed):
        return augment.augment(sound, tf.size(sound), ALL, of_seed)

    np.testing.assert_allclose(tf.function(changed)(seed(3)), changed(seed(3)), atol=1e-5)
    assert not np.allclose(changed(seed(3)), changed(seed(4)), atol=1e-3)


def test_nothing_is_changed_that_was_not_asked_for():
    sound = noise()
    found = augment.augment(sound, tf.size(sound), AugmentConfig(), seed(0))
    np.testing.assert_array_equal(found, sound)


def test_evaluation_hears_sound_as_it_is():
    clips = source(clip(0, 6.0))
    for (found,), (expected,) in [
        (list(pipeline.eval_batches(clips, config(augment=of))) for of in (ALL, AugmentConfig()))
    ]:
        np.testing.assert_array_equal(found["waveform"], expected["waveform"])
