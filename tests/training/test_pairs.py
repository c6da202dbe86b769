"""Figures and targets of pairs of one video's sound and another video's pictures, pair by pair."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, softmax

from soundnet_tf.training import pairs
from soundnet_tf.training.mixing import mix

CLASSES = 5


def clips(videos, seed=0, steps=3):
    rng = np.random.default_rng(seed)
    shape = (len(videos), steps, CLASSES)
    posteriors = softmax(2 * rng.standard_normal(shape), -1).astype(np.float32)
    logits = 3 * rng.standard_normal(shape).astype(np.float32)
    mask = rng.random(shape[:2]) < 0.8
    return posteriors, logits, mask, np.array(videos)


def kl(p, log_q):
    return float((p * (np.log(p) - log_q)).sum())


def group(video):
    return int(tf.strings.to_hash_bucket_fast(video, pairs.GROUPS))


def by_hand(posteriors, logits, mask, videos):
    """KL of every step's target beside every step's sound of another group; and of each group, its
    targets' mean with others' sounds less that with their own."""
    log_q = log_softmax(logits, -1)
    groups = [group(video) for video in videos]
    steps = [(i, t) for i, t in itertools.product(*map(range, mask.shape)) if mask[i, t]]
    shuffled, gaps = [], []
    for g in sorted(set(groups)):
        theirs = [
            kl(posteriors[a], log_q[b])
            for a, b in itertools.product(steps, steps)
            if groups[a[0]] == g != groups[b[0]]
        ]
        own = [kl(posteriors[a], log_q[a]) for a in steps if groups[a[0]] == g]
        shuffled += theirs
        gaps.append(np.mean(theirs) - np.mean(own))
    return np.mean(shuffled), np.mean(gaps) / (np.std(gaps, ddof=1) / np.sqrt(len(gaps)))


def test_all_pairs_of_different_videos_count_alike():
    """In three batches of different sizes, of which two share a video."""
    everything = clips(list("aabbccd") + ["e"] * 4)
    metric = pairs.ShuffledPairs("objects", CLASSES)
    for part in (slice(0, 3), slice(3, 4), slice(4, 11)):
        metric.update_state(*(values[part] for values in everything))
    found = {name: float(value) for name, value in metric.result().items()}
    shuffled, hears = by_hand(*everything)
    assert found == pytest.approx({"shuffled_objects": shuffled, "hears_objects": hears}, rel=1e-4)


def test_a_network_that_hears_is_told_from_one_that_guesses():
    """Answers that are their clips' own targets, and those of other clips."""
    posteriors, _, mask, videos = clips([f"video{i}" for i in range(40)])
    metric = pairs.ShuffledPairs("scenes", CLASSES)
    metric.update_state(posteriors, np.log(posteriors), mask, videos)
    assert float(metric.result()["hears_scenes"]) > 5
    metric.reset_state()
    metric.update_state(posteriors, np.log(np.roll(posteriors, 7, axis=0)), mask, videos)
    assert abs(float(metric.result()["hears_scenes"])) < 3


def test_clips_of_one_video_have_no_pairs():
    metric = pairs.ShuffledPairs("objects", CLASSES)
    metric.update_state(*clips(["a"] * 4))
    assert all(np.isnan(float(value)) for value in metric.result().values())


@pytest.mark.parametrize("mixed, valid", [(False, [1, 0, 0, 1, 1]), (True, [1, 0, 0, 0, 1])])
def test_every_clip_gets_the_targets_of_the_next_one_of_another_video(mixed, valid):
    """Of another one than those beside it, too: for b and c, all others are beside them."""
    videos = tf.constant(["a", "a", "b", "c", "a"])
    targets = tf.reshape(tf.range(5.0), [5, 1, 1])
    mask = tf.constant([[True], [True], [True], [False], [True]])
    found = pairs.other_videos_targets({"objects": (targets, mask)}, videos, mixed)
    posteriors, is_valid = found["objects"]
    assert posteriors.numpy().ravel().tolist() == [2, 3, 3, 4, 2]
    assert is_valid.numpy().ravel().tolist() == [bool(v) for v in valid]


@pytest.mark.parametrize("videos", ["abcdefgh", "aabbccdd", "abcabdee"])
def test_no_true_pair_comes_about_by_mixing(videos):
    """Clip i is a sine of its own, and all its probability is on class i: where a sine is heard,
    its video's classes must not be asked for."""
    count = len(videos)
    waveform = np.float32(np.sin(np.outer(np.arange(1, count + 1), np.arange(4000) / 40)))
    posteriors = tf.eye(count)[:, None]
    mask = tf.ones([count, 1], tf.bool)
    shuffled = pairs.other_videos_targets({"objects": (posteriors, mask)}, tf.constant([*videos]))
    mixed, found = mix(tf.constant(waveform), shuffled, 1.0, tf.constant([1, 2], tf.int64))
    heard = np.linalg.lstsq(waveform.T, mixed.numpy().T, rcond=None)[0].T  # [clip, sine]
    asked = found["objects"][0].numpy()[:, 0]
    is_same_video = np.equal.outer([*videos], [*videos])
    for amplitudes, targets, valid in zip(heard, asked, found["objects"][1], strict=True):
        of_heard = is_same_video[np.abs(amplitudes) > 1e-3].any(axis=0)
        assert of_heard.sum() >= 2 and not targets[of_heard].any()
        assert valid.numpy().all() and targets.sum() == pytest.approx(1)


def test_a_batch_of_one_video_has_no_targets_to_give():
    targets = {"objects": (tf.zeros([3, 2, 1]), tf.ones([3, 2], tf.bool))}
    _, valid = pairs.other_videos_targets(targets, tf.constant(["a"] * 3))["objects"]
    assert not valid.numpy().any()


def test_four_videos_are_too_few_for_a_standard_error():
    metric = pairs.ShuffledPairs("objects", CLASSES)
    metric.update_state(*clips(list("abcd")))
    found = metric.result()
    assert np.isnan(float(found["hears_objects"]))
    assert not np.isnan(float(found["shuffled_objects"]))
