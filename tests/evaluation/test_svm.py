"""The probe's SVM against scikit-learn's on windows cut by hand, and against its own objective."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from soundnet_tf.evaluation import svm

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
    """liblinear's `-s 1 -B 1`, with the tolerance that it has of its own."""
    machine = LinearSVC(C=C, dual=True, tol=0.1, random_state=0)
    return machine.fit(*cut(features, labels, window_steps, hop_steps))


@pytest.mark.parametrize("window_steps", [1, 3, 7])
def test_it_is_scikit_learns_on_windows_cut_by_hand(window_steps):
    features, labels = toy()
    machine = svm.fit(features, labels, window_steps, C)
    expected = by_hand(features, labels, window_steps)
    assert machine.kernel.shape == (window_steps, 5, 3) and machine.kernel.dtype == np.float32
    weights = machine.kernel.reshape(-1, 3).T
    np.testing.assert_allclose(weights, expected.coef_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(machine.bias, expected.intercept_, rtol=1e-5, atol=1e-7)
    assert machine.hop_steps == 1 and machine.converged


def test_decision_values_are_those_of_explicit_windows():
    features, labels = toy()
    others, _ = toy(clips=130, seed=1)  # more than a batch
    values = svm.fit(features, labels, 3, C).decision_values(others)
    expected = by_hand(features, labels, 3)
    examples, _ = cut(others, np.zeros(130), 3)
    assert values.shape == (130, 5, 3) and values.dtype == np.float32
    np.testing.assert_allclose(
        values, expected.decision_function(examples).reshape(130, 5, 3), rtol=1e-4, atol=1e-6
    )


def test_of_two_classes_each_has_its_value():
    features, labels = toy(classes=2)
    values = svm.fit(features, labels, 3, C).decision_values(features)
    examples, _ = cut(features, labels, 3)
    second = by_hand(features, labels, 3).decision_function(examples).reshape(12, 5)
    expected = np.stack([-second, second], axis=-1)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("largest_windows", "hop_steps"), [(60, 1), (59, 2), (24, 3), (1, 5)])
def test_where_a_copy_would_be_too_large_every_second_or_third_window_is_taken(
    monkeypatch, largest_windows, hop_steps
):
    """12 clips of 5 windows are 60; of a window's 15 numbers each has 8 bytes."""
    monkeypatch.setattr(svm, "LARGEST_COPY_BYTES", largest_windows * 15 * 8)
    features, labels = toy()
    machine = svm.fit(features, labels, 3, C)
    expected = by_hand(features, labels, 3, hop_steps)
    assert machine.hop_steps == hop_steps
    weights = machine.kernel.reshape(-1, 3).T
    np.testing.assert_allclose(weights, expected.coef_, rtol=1e-5, atol=1e-7)
    assert machine.decision_values(features).shape == (12, 5, 3), "all windows are tested"


def test_classes_far_apart_are_told_apart():
    features, labels = toy(clips=30)
    features += 20 * np.eye(5, dtype=np.float32)[labels][:, None]
    values = svm.fit(features, labels, 3, C).decision_values(features)
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


def test_it_finds_the_minimum_of_the_primal_objective(monkeypatch):
    monkeypatch.setattr(svm, "_TOLERANCE", 1e-7)
    monkeypatch.setattr(svm, "_ITERATIONS", 100_000)
    features, labels = toy()
    machine = svm.fit(features, labels, 3, C)
    gradient, weights, _ = gradients(machine, features, labels, 3)
    assert np.abs(weights).max() > 0.05
    np.testing.assert_allclose(gradient, np.zeros_like(gradient), atol=1e-6)


def test_it_stops_as_near_the_minimum_as_liblinear_does():
    """A dual variable whose derivative is e is 2 C e away from 2 C max(0, 1 - y (w·x + b)); at e up
    to 0.1 the gradient's length is at most 2 C 0.1 Σ |(x, 1)|."""
    features, labels = toy()
    machine = svm.fit(features, labels, 3, C)
    gradient, _, examples = gradients(machine, features, labels, 3)
    bound = 2 * C * 0.1 * np.linalg.norm(examples, axis=1).sum()
    assert (np.linalg.norm(gradient, axis=0) < bound).all()


def test_it_says_when_liblinear_did_not_come_to_its_end(monkeypatch, recwarn):
    monkeypatch.setattr(svm, "_ITERATIONS", 1)
    monkeypatch.setattr(svm, "_TOLERANCE", 1e-9)
    features, labels = toy()
    assert not svm.fit(features, labels, 3, C).converged
    assert not recwarn.list
