"""The probe's SVM against scikit-learn's on windows cut by hand, and against its own objective."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from soundnet_tf.evaluation import squared_hinge, svm

C = 0.01


def toy(clips=12, steps=7, channels=5, classes=3, seed=0):
    """ReLU-like features, in which each class has a channel of its own; labels in turn."""
    labels = np.arange(clips) % classes
    noise = np.random.default_rng(seed).normal(size=(clips, steps, channels))
    return np.float32(np.maximum(noise + 2 * np.eye(channels)[labels][:, None], 0)), labels


def cut(features, labels, window_steps, hop_steps=1):
    """Windows as float64 [examples, steps channels] and their labels, by a loop."""
    examples, classes = [], []
    for steps, label in zip(features, labels, strict=True):
        for start in range(0, len(steps) - window_steps + 1, hop_steps):
            examples.append(np.float64(steps[start : start + window_steps]).ravel())
            classes.append(label)
    return np.array(examples), np.array(classes)


def by_hand(features, labels, window_steps, hop_steps=1):
    """liblinear's `-s 2 -B 1`, the minimum of what its `-s 1` minimises."""
    machine = LinearSVC(C=C, dual=False, tol=1e-8)
    return machine.fit(*cut(features, labels, window_steps, hop_steps))


@pytest.mark.parametrize("window_steps", [1, 3, 7])
def test_it_is_scikit_learns_on_windows_cut_by_hand(window_steps):
    features, labels = toy()
    machine = svm.fit(features, labels, range(3), window_steps, C)
    expected = by_hand(features, labels, window_steps)
    assert machine.kernel.shape == (window_steps, 5, 3) and machine.kernel.dtype == np.float32
    weights = machine.kernel.reshape(-1, 3).T
    np.testing.assert_allclose(weights, expected.coef_, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(machine.bias, expected.intercept_, rtol=1e-3, atol=1e-5)
    assert machine.hop_steps == 1 and machine.converged


def test_decision_values_are_those_of_explicit_windows():
    features, labels = toy()
    others, _ = toy(clips=130, seed=1)  # more than a batch
    values = svm.fit(features, labels, range(3), 3, C).decision_values(others)
    expected = by_hand(features, labels, 3)
    examples, _ = cut(others, np.zeros(130), 3)
    assert values.shape == (130, 5, 3) and values.dtype == np.float32
    np.testing.assert_allclose(
        values, expected.decision_function(examples).reshape(130, 5, 3), rtol=1e-3, atol=1e-4
    )


def test_of_two_classes_each_has_its_value():
    features, labels = toy(classes=2)
    values = svm.fit(features, labels, range(2), 3, C).decision_values(features)
    examples, _ = cut(features, labels, 3)
    second = by_hand(features, labels, 3).decision_function(examples).reshape(12, 5)
    expected = np.stack([-second, second], axis=-1)
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("largest_windows", "hop_steps"), [(60, 1), (59, 2), (24, 3), (1, 5)])
def test_where_a_copy_would_be_too_large_every_second_or_third_window_is_taken(
    monkeypatch, largest_windows, hop_steps
):
    """12 clips of 5 windows are 60; of a window's 15 numbers each has 8 bytes."""
    monkeypatch.setattr(svm, "LARGEST_COPY_BYTES", largest_windows * 15 * 8)
    features, labels = toy()
    machine = svm.fit(features, labels, range(3), 3, C)
    expected = by_hand(features, labels, 3, hop_steps)
    assert machine.hop_steps == hop_steps
    weights = machine.kernel.reshape(-1, 3).T
    np.testing.assert_allclose(weights, expected.coef_, rtol=1e-3, atol=1e-5)
    assert machine.decision_values(features).shape == (12, 5, 3), "all windows are tested"


def test_classes_far_apart_are_told_apart():
    features, labels = toy(clips=30)
    features += 20 * np.eye(5, dtype=np.float32)[labels][:, None]
    values = svm.fit(features, labels, range(3), 3, C).decision_values(features)
    np.testing.assert_array_equal(values.argmax(axis=-1), np.repeat(labels[:, None], 5, axis=1))


def gradients(machine, features, labels, window_steps):
    """Of |w|² / 2 + b² / 2 + C Σ max(0, 1 - y (w·x + b))² by (w, b), for each class:
    (w, b) - 2 C Σ max(0, 1 - y (w·x + b)) y (x, 1)."""
    examples, classes = cut(features, labels, window_steps)
    examples = np.column_stack([examples, np.ones(len(examples))])
    weights = np.concatenate([machine.kernel.reshape(-1, 3), machine.bias[None]])
    signs = 2.0 * np.eye(3)[classes] - 1
    lacking = np.maximum(0, 1 - signs * (examples @ weights))
    return weights - 2 * C * examples.T @ (lacking * signs), weights, examples


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_it_finds_the_minimum_of_the_primal_objective(scale):
    """Also of features that are tiny, or so large that float32 makes their products singular. At 0
    the gradient is -2 C Σ y (x, 1)."""
    features, labels = toy()
    features *= np.float32(scale)
    machine = svm.fit(features, labels, range(3), 3, C)
    gradient, weights, examples = gradients(machine, features, labels, 3)
    signs = 2.0 * np.eye(3)[np.repeat(labels, 5)] - 1
    at_zero = np.linalg.norm(2 * C * examples.T @ signs, axis=0)
    assert machine.converged and np.abs(weights).max() > 1e-3
    assert (np.linalg.norm(gradient, axis=0) < 3e-5 * at_zero).all()


def test_channels_that_go_up_and_down_together_take_no_longer():
    """What an untrained network gives, and what liblinear's dual method does not end with: of 60
    windows, channels that are one and the same but for a hundredth."""
    features, labels = toy()
    features = 0.01 * features + np.random.default_rng(2).normal(5, 1, (12, 7, 1))
    machine = svm.fit(np.float32(features), labels, range(3), 3, C)
    expected = by_hand(np.float32(features), labels, 3)
    assert machine.converged
    values = machine.kernel.reshape(-1, 3).T
    np.testing.assert_allclose(values, expected.coef_, rtol=0.01, atol=1e-4)


def test_classes_fitted_apart_are_those_fitted_together():
    features, labels = toy()
    whole = svm.fit(features, labels, range(3), 3, C)
    parts = [svm.fit(features, labels, group, 3, C) for group in ([0], [1, 2])]
    joined = svm.joined(parts)
    np.testing.assert_allclose(joined.kernel, whole.kernel, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(joined.bias, whole.bias, rtol=1e-3, atol=1e-5)
    assert joined.hop_steps == 1 and joined.converged
    assert not svm.joined([parts[0], parts[1]._replace(converged=False)]).converged


def test_it_says_when_it_did_not_come_to_the_minimum(monkeypatch):
    monkeypatch.setattr(squared_hinge, "_ITERATIONS", 1)
    features, labels = toy()
    assert not svm.fit(features, labels, range(3), 3, C).converged
