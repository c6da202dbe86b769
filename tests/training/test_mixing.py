"""Mixed clips: how loud each is, what their targets are, and what is left alone."""

import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.training.mixing import mix

SEED = tf.constant([3, 4], tf.int64)
SAMPLES = 4000


def batch(levels, valid=None):
    """Clip i is a sine of its own frequency, of which others know nothing, and has all its
    probability on class i."""
    t = np.arange(SAMPLES) / SAMPLES
    sines = np.sqrt(2) * np.sin(2 * np.pi * np.outer(np.arange(1, len(levels) + 1) * 10, t))
    posteriors = np.repeat(np.eye(len(levels), dtype=np.float32)[:, None], 2, axis=1)
    mask = np.ones((len(levels), 2), bool) if valid is None else np.array(valid)
    waveform = np.float32(np.array(levels)[:, None] * sines)
    return tf.constant(waveform), {"objects": (tf.constant(posteriors), tf.constant(mask))}, sines


def test_clips_are_as_loud_as_their_part_whatever_their_levels():
    """Of two orthogonal sines of levels a and b, g a : (1 - g) b is r : 1 - r, and the power is
    that of gains whose squares sum to 1."""
    levels = [0.5, 0.01, 0.2, 0.1]
    waveform, targets, sines = batch(levels)
    mixed, found = mix(waveform, targets, 1.0, SEED)
    posteriors, mask = found["objects"]
    heard = mixed.numpy() @ sines.T / SAMPLES  # [clip, sine], amplitude as a level
    parts = []
    for i, level in enumerate(levels):
        other = (i + 1) % len(levels)
        part = posteriors.numpy()[i, 0, i]
        parts.append(part)
        assert posteriors.numpy()[i, 0, other] == pytest.approx(1 - part)
        gain = part * levels[other] / (part * levels[other] + (1 - part) * level)
        scale = np.hypot(gain, 1 - gain)
        assert heard[i, i] == pytest.approx(gain * level / scale, rel=1e-3)
        assert heard[i, i] / heard[i, other] == pytest.approx(part / (1 - part), rel=1e-3)
    assert len({round(float(part), 3) for part in parts}) == len(parts)
    assert mask.numpy().all()


def test_a_share_of_clips_is_mixed_and_the_others_are_as_they_were():
    waveform, targets, _ = batch([0.1] * 400)
    mixed, found = mix(waveform, targets, 0.25, SEED)
    is_same = (mixed.numpy() == waveform.numpy()).all(axis=1)
    assert 0.65 < is_same.mean() < 0.85
    own = found["objects"][0].numpy()[np.arange(400), 0, np.arange(400)]
    np.testing.assert_array_equal(own == 1.0, is_same)


def test_a_mixed_step_is_valid_in_both_clips_and_another_in_its_own():
    waveform, targets, _ = batch([0.1] * 50, [[True, i % 2 == 0] for i in range(50)])
    _, found = mix(waveform, targets, 0.5, SEED)
    posteriors, mask = found["objects"]
    is_mixed = posteriors.numpy()[np.arange(50), 0, np.arange(50)] < 1
    assert mask.numpy()[:, 0].all()
    np.testing.assert_array_equal(mask.numpy()[:, 1], ~is_mixed & (np.arange(50) % 2 == 0))


def test_silence_is_not_mixed():
    """It cannot be brought to another clip's level."""
    waveform, targets, _ = batch([0.1, 0.0])
    mixed, found = mix(waveform, targets, 1.0, SEED)
    np.testing.assert_array_equal(mixed, waveform)
    np.testing.assert_array_equal(found["objects"][0], targets["objects"][0])


def test_the_seed_decides():
    waveform, targets, _ = batch([0.1, 0.2])
    first, again, other = (
        mix(waveform, targets, 1.0, tf.constant([1, step], tf.int64))[0] for step in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_padding_makes_no_clip_softer():
    """Of two clips of one level, of which one ends after a quarter, each is as loud as its part."""
    waveform, targets, sines = batch([0.3, 0.3])
    quarter = SAMPLES // 4
    is_sound = np.arange(SAMPLES) < np.array([[SAMPLES], [quarter]])
    lengths = tf.constant([SAMPLES, quarter])
    mixed, found = mix(waveform * is_sound, targets, 1.0, SEED, lengths)
    heard = mixed.numpy()[:, :quarter] @ sines[:, :quarter].T / quarter
    for i, other in ((0, 1), (1, 0)):
        part = found["objects"][0].numpy()[i, 0, i]
        assert heard[i, i] / heard[i, other] == pytest.approx(part / (1 - part), rel=1e-3)
