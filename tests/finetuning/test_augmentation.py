"""How clips are changed in training, against closed forms."""

import numpy as np
import tensorflow as tf

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.finetuning import augmentation
from soundnet_tf.finetuning.settings import ChangesConfig

SEED = tf.constant([3, 7], tf.int64)
RAMP = np.arange(SAMPLE_RATE, dtype=np.float32) / SAMPLE_RATE  # a second; tells where it is heard


def changed(clips, seed=SEED, **changes):
    return augmentation.changed(tf.constant(clips), ChangesConfig(**changes), seed).numpy()


def test_without_changes_clips_are_as_they_are():
    clips = np.stack([RAMP, -RAMP])
    np.testing.assert_array_equal(changed(clips), clips)


def test_a_crop_is_the_beginning():
    """Half a second of clips that `shifted` has turned to where they begin."""
    clips = np.stack([RAMP, -RAMP])
    np.testing.assert_array_equal(changed(clips, crop_secs=0.5), clips[:, : SAMPLE_RATE // 2])


def test_half_of_the_clips_are_upside_down():
    """Of 200 as many as 100 ± 5 deviations of a coin, each of which is 7.1."""
    heard = changed(np.tile(RAMP[:100], (200, 1)), polarity=True)
    signs = heard[:, 99] / RAMP[99]
    np.testing.assert_allclose(np.abs(signs), 1)
    np.testing.assert_array_equal(heard, signs[:, None] * RAMP[:100])
    assert 65 < (signs < 0).sum() < 135


def test_speeds_lie_within_the_semitones_and_each_clip_has_its_own():
    """A ramp at f times its speed rises f times as fast: within 2^(-4/12) = 0.794 and 1.260."""
    heard = changed(np.tile(RAMP, (64, 1)), crop_secs=0.5, resample_semitones=4.0)
    assert heard.shape == (64, SAMPLE_RATE // 2)
    factors = heard[:, -1] / RAMP[SAMPLE_RATE // 2 - 1]
    assert 0.793 < factors.min() < 0.83 and 1.2 < factors.max() < 1.261
    assert len(set(factors.round(4))) == 64
    np.testing.assert_allclose(heard, factors[:, None] * RAMP[: SAMPLE_RATE // 2], atol=1e-4)


def test_a_faster_clip_goes_on_with_its_beginning():
    """Sample i of the whole second is heard at (f i) mod the clip; what is between its last and its
    first sample is between their values."""
    heard = changed(np.tile(RAMP, (16, 1)), resample_semitones=12.0)
    for row in heard:
        factor = row[100] / RAMP[100]
        places = factor * np.arange(SAMPLE_RATE)
        expected = np.interp(places % SAMPLE_RATE, np.arange(SAMPLE_RATE), RAMP)
        inside = places % SAMPLE_RATE < SAMPLE_RATE - 1.1
        assert 0.5 < factor < 2 and inside.sum() > 0.99 * SAMPLE_RATE
        np.testing.assert_allclose(row[inside], expected[inside], atol=0.01)


def test_changes_are_drawn_from_seed_and_step():
    clips = np.tile(RAMP[:500], (4, 1))
    changes = {"polarity": True, "resample_semitones": 4.0}
    same, again = changed(clips, **changes), changed(clips, **changes)
    np.testing.assert_array_equal(same, again)
    for other in ([3, 8], [4, 7]):
        assert not np.array_equal(same, changed(clips, tf.constant(other, tf.int64), **changes))


def test_mixed_clips_are_as_loud_as_their_share_of_the_label_says():
    """Clips that do not overlap, one sample each and equally loud: clip k stands at sample k. Of
    shares p and 1 - p it is p / √(p² + (1 - p)²) of it, and as much of 1 - p of the next."""
    eye = np.eye(6, dtype=np.float32)
    batch, targets = augmentation.mixed(tf.constant(0.5 * eye), tf.constant(eye), 1.0, SEED)
    p = np.diag(targets)
    np.testing.assert_allclose(targets, eye * p[:, None] + np.roll(eye, 1, 1) * (1 - p)[:, None])
    assert len(set(p.round(3))) == 6
    np.testing.assert_allclose(
        batch, 0.5 * targets / np.hypot(p, 1 - p)[:, None], rtol=1e-5, atol=1e-7
    )


def test_a_share_of_the_clips_is_mixed():
    """Of 400 a quarter, 100 ± 5 deviations of 8.7."""
    eye = np.eye(400, dtype=np.float32)
    _, targets = augmentation.mixed(tf.constant(eye), tf.constant(eye), 0.25, SEED)
    assert 56 < (np.diag(targets) < 1).sum() < 144
