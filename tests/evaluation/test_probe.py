"""The paper's probe: windows by the released rule, folds that stay apart."""

import numpy as np
import pytest
from toy_sets import noisy_steps, relabelled, toy_set

from soundnet_tf.evaluation import probe, svm
from soundnet_tf.models.architecture import SOUNDNET5, SOUNDNET8

ESC = probe.ESC_WINDOWS


@pytest.mark.parametrize(
    ("name", "architecture", "layer", "clip_steps", "window_steps"),
    [
        ("esc10", SOUNDNET8, "conv4", 216, 22),
        ("esc50", SOUNDNET8, "conv5", 109, 11),
        ("esc10", SOUNDNET8, "pool5", 27, 3),
        ("esc50", SOUNDNET8, "conv6", 14, 2),
        ("sounds.csv", SOUNDNET8, "conv7", 8, 1),
        ("esc10", SOUNDNET5, "pool3", 53, 6),
        ("dcase", SOUNDNET8, "pool5", 81, 14),
        ("dcase", SOUNDNET8, "conv6", 41, 7),
        ("dcase", SOUNDNET8, "conv7", 21, 4),
    ],
)
def test_a_window_is_its_share_of_a_clips_steps_rounded_up(
    name, architecture, layer, clip_steps, window_steps
):
    """1 s of 10 s, and of DCASE 5 s of 30 s."""
    windows = probe.windows_for(toy_set(name=name))
    samples = round(windows.clip_secs * 22050)
    assert samples == (661500 if name == "dcase" else 220500)
    assert architecture.output_length(layer, samples) == clip_steps
    assert windows.steps(clip_steps) == window_steps


def test_a_tenth_of_steps_is_exact():
    assert [ESC.steps(10 * n) for n in range(1, 100)] == list(range(1, 100))


def test_a_clip_is_judged_by_the_mean_of_its_windows():
    data = toy_set()
    features = noisy_steps(data, 14, 4, strength=0.3)
    outcome = probe.cross_validate(data, features, ESC)
    expected = np.empty(len(data.clips), int)
    for fold in ("1", "2", "3"):
        is_test = np.array([clip.fold == fold for clip in data.clips])
        machine = svm.fit(features[~is_test], data.labels[~is_test], range(3), 2, 0.01)
        for i in np.flatnonzero(is_test):
            expected[i] = np.mean(machine.decision_values(features[i : i + 1])[0], 0).argmax()
    np.testing.assert_array_equal(outcome.predictions, expected)
    assert 0 < (expected == data.labels).mean() < 1
    assert outcome.details == ({"window_hop_steps": 1, "converged": True},) * 3
    assert outcome.seconds > 0


def test_classes_that_differ_are_told_apart_in_every_fold():
    data = toy_set()
    outcome = probe.cross_validate(data, noisy_steps(data, 14, 4, strength=5), ESC)
    np.testing.assert_array_equal(outcome.predictions, data.labels)


def test_without_features_the_most_frequent_class_is_given():
    data = toy_set(per_fold=(2, 5, 2))
    outcome = probe.cross_validate(data, np.zeros((27, 14, 4), np.float32), ESC)
    np.testing.assert_array_equal(outcome.predictions, np.ones(27))


@pytest.mark.parametrize("fold", ["1", "2", "3"])
def test_labels_of_the_test_fold_are_not_looked_at(fold):
    data = toy_set()
    features = noisy_steps(data, 14, 4, strength=0.5)
    before = probe.cross_validate(data, features, ESC).predictions
    after = probe.cross_validate(relabelled(data, fold), features, ESC).predictions
    _, test = data.split(fold)
    np.testing.assert_array_equal(before[test], after[test])


def test_a_clip_is_judged_without_the_others_of_its_fold():
    data = toy_set()
    features = noisy_steps(data, 14, 4, strength=0.5)
    before = probe.cross_validate(data, features, ESC).predictions
    _, test = data.split("2")
    features[test[1:]] = 1e3
    assert probe.cross_validate(data, features, ESC).predictions[test[0]] == before[test[0]]


def test_the_training_folds_are_trained_on():
    """Where the other folds' labels are moved on by a class, so are a fold's predictions."""
    data = toy_set()
    features = noisy_steps(data, 14, 4, strength=5)
    moved = relabelled(relabelled(data, "2"), "3")
    _, test = data.split("1")
    predictions = probe.cross_validate(moved, features, ESC).predictions
    np.testing.assert_array_equal(predictions[test], (data.labels[test] + 1) % 3)


def test_of_a_set_with_train_and_test_only_test_is_tested():
    data = toy_set(folds=("train", "test"))
    outcome = probe.cross_validate(data, noisy_steps(data, 14, 4, strength=5), ESC)
    train, test = data.split("test")
    np.testing.assert_array_equal(outcome.predictions[train], -np.ones(6))
    np.testing.assert_array_equal(outcome.predictions[test], data.labels[test])
    assert len(outcome.details) == 1


def test_it_gives_the_same_every_time():
    data = toy_set()
    features = noisy_steps(data, 14, 4, strength=0.3)
    first, second = (probe.cross_validate(data, features, ESC) for _ in range(2))
    np.testing.assert_array_equal(first.predictions, second.predictions)
    assert first.details == second.details
