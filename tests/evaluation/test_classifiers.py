"""What the modern probe chooses from: the classifiers' minima, and what they are measured by."""

import numpy as np
import pytest

from soundnet_tf.evaluation import classifiers
from soundnet_tf.evaluation.classifiers import LEAST_SQUARES, LOGISTIC, SVM, Classifier

RNG = np.random.default_rng(7)
LABELS = np.arange(30) % 3
EXAMPLES = RNG.normal(size=(30, 5)) + np.eye(3, 5)[LABELS]


def identity_weights(classifier, labels=LABELS):
    """The weights [channels, classes]: decisions on the unit vectors."""
    return classifier.decide(EXAMPLES, labels, np.eye(5))


def slope(function, weights):
    """Gradient by central differences, of the sum over classes."""
    gradient = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        step = np.zeros_like(weights)
        step[place] = 1e-5
        gradient[place] = (function(weights + step) - function(weights - step)) / 2e-5
    return gradient


TARGETS = 2.0 * np.eye(3)[LABELS] - 1
OBJECTIVES = {
    LEAST_SQUARES: lambda z: ((z - TARGETS) ** 2).sum(),
    SVM: lambda z: (np.maximum(0, 1 - z * TARGETS) ** 2).sum(),
    LOGISTIC: lambda z: (np.log(np.exp(z).sum(axis=1)) - z[np.arange(30), LABELS]).sum(),
}


@pytest.mark.parametrize("regularisation", [1.0, 0.03])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_weights_are_at_the_minimum_of_what_is_said(name, regularisation):
    """regularisation |w|² + Σ loss has no slope there, where it has one of some tens at 0."""

    def objective(weights):
        return regularisation * (weights**2).sum() + OBJECTIVES[name](EXAMPLES @ weights)

    weights = identity_weights(Classifier(name, regularisation))
    assert np.abs(slope(objective, np.zeros((5, 3)))).max() > 5
    np.testing.assert_allclose(slope(objective, weights), 0, atol=0.02)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_classes_have_two_columns_that_mirror_each_other(name):
    """Labels that are not 0 and 1 too; the greater decision is of the class that it is."""
    labels = np.where(LABELS == 2, 7, 4)
    weights = identity_weights(Classifier(name, 0.1), labels)
    assert weights.shape == (5, 2)
    np.testing.assert_allclose(weights[:, 0], -weights[:, 1], atol=1e-6)
    decided = np.array([4, 7])[(EXAMPLES @ weights).argmax(axis=1)]
    assert (decided == labels).mean() > 0.8


def test_all_classifiers_begin_with_the_simplest_held_back_most():
    every = list(classifiers.all_classifiers())
    assert every[0] == (LEAST_SQUARES, 1.0) and len(set(every)) == 3 * 6
    assert {c.name for c in every} == {LEAST_SQUARES, LOGISTIC, SVM}


def test_coordinates_have_the_products_that_were_given():
    """Of 30 examples of 100 numbers, 12 to train on; those of the others with them hold too."""
    vectors = RNG.normal(size=(30, 100))
    train = np.arange(3, 15)
    found = classifiers.coordinates(vectors @ vectors[train].T, train)
    assert found.shape == (30, 12)
    np.testing.assert_allclose(found @ found[train].T, vectors @ vectors[train].T, atol=1e-9)


def test_coordinates_that_are_rounding_errors_are_left_out():
    vectors = RNG.normal(size=(30, 3)).astype(np.float32)
    kernel = np.float64(vectors @ vectors[:20].T)
    assert classifiers.coordinates(kernel, np.arange(20)).shape == (30, 3)


def test_each_part_is_decided_by_the_others():
    """The double answers with how many it was trained on, and of which class."""

    def decide(examples, labels, others):
        assert not set(others[:, 0]) & set(examples[:, 0])
        return np.stack([np.full(len(others), (labels == k).sum()) for k in np.unique(labels)], 1)

    labels = np.array([0, 1, 2, 0, 1, 1])
    examples = np.arange(6.0)[:, None]
    parts = [np.array([0, 5]), np.array([1, 2]), np.array([3, 4])]
    found = classifiers.left_out(decide, examples, labels, parts, 3)
    # The second part has the only clip of class 2: unknown to the others, as far off as the least.
    expected = [[1, 2, 1], [2, 2, 2], [2, 2, 2], [1, 2, 1], [1, 2, 1], [1, 2, 1]]
    np.testing.assert_array_equal(found, expected)


def test_where_one_class_is_trained_all_are_alike():
    labels, parts = np.array([0, 0, 1]), [np.array([2]), np.array([0, 1])]
    found = classifiers.left_out(None, np.zeros((3, 1)), labels, parts, 2)
    np.testing.assert_array_equal(found, np.zeros((3, 2)))


def test_the_loss_of_knowing_nothing_is_that_of_chance():
    assert classifiers.calibrated_loss(np.zeros((6, 4)), np.arange(6) % 4) == pytest.approx(
        np.log(4)
    )


def test_the_loss_of_being_right_three_times_of_four():
    """Decisions ±1 of two classes, 3 of 4 right: the best softmax says 3/4, whatever the scale, so
    that the loss is the entropy of 3/4 and 1/4."""
    decisions = np.tile([1.0, -1.0], (400, 1))
    labels = np.arange(400) % 4 == 0
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    for scale in (1, 0.01, 300):
        found = classifiers.calibrated_loss(scale * decisions, labels.astype(int))
        assert entropy <= found == pytest.approx(entropy, rel=1e-3)


def test_being_right_costs_nothing_and_a_shift_of_all_classes_changes_nothing():
    decisions = 4.0 * np.eye(3)[LABELS] + RNG.normal(size=(30, 3)) / 10
    assert classifiers.calibrated_loss(decisions, LABELS) == pytest.approx(0, abs=1e-9)
    noisy = EXAMPLES[:, :3]
    shift = classifiers.calibrated_loss(noisy + 5.0, LABELS)
    assert shift == pytest.approx(classifiers.calibrated_loss(noisy, LABELS))
