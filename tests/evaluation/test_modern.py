"""The modern probe: what it chooses, that the test fold has no part in it, and its closed forms."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC
from toy_sets import noisy_steps, relabelled, toy_set

from soundnet_tf.evaluation import classifiers, modern
from soundnet_tf.evaluation.classifiers import Classifier
from soundnet_tf.evaluation.modern import Choice

DATA = toy_set(folds=("1", "2", "3", "4"), per_fold=(4, 4, 4))


def layers(strength=1.0, data=DATA):
    """A network of which only conv6 knows anything."""
    return {
        "pool5": noisy_steps(data, 5, 8, seed=1),
        "conv6": noisy_steps(data, 3, 8, strength, seed=2),
        "conv7": noisy_steps(data, 2, 8, seed=3),
    }


def run(features, data=DATA):
    return modern.cross_validate(data, features, progress=False)


def test_it_finds_the_layer_that_tells_classes_apart():
    outcome = run(layers(strength=3))
    assert {detail["layers"] for detail in outcome.details} == {("conv6",)}
    np.testing.assert_array_equal(outcome.predictions, DATA.labels)


def test_it_finds_two_layers_that_do_so_together():
    """conv6 knows class "a" only, pool5 class "c" only."""
    features = layers(strength=0)
    features["conv6"][..., 0] += 3 * (DATA.labels == 0)[:, None]
    features["pool5"][..., 0] += 3 * (DATA.labels == 2)[:, None]
    outcome = run(features)
    assert {detail["layers"] for detail in outcome.details} == {("pool5", "conv6")}
    assert (outcome.predictions == DATA.labels).mean() > 0.9


def test_it_finds_the_pooling_that_tells_classes_apart():
    """Every channel has a peak at one of ten steps, that of the class up and the others down. Mean
    and deviation are the same for all; only the greatest value differs."""
    rng = np.random.default_rng(4)
    steps = np.zeros((len(DATA.clips), 10, 8), np.float32)
    for clip, label in enumerate(DATA.labels):
        for channel in range(8):
            sign = 1 if channel == label else -1
            steps[clip, rng.integers(10), channel] = sign
            steps[clip, :, channel] -= sign / 10
    steps += np.float32(rng.normal(size=steps.shape) * 0.05)
    outcome = run({"conv6": steps})
    assert {detail["pooling"] for detail in outcome.details} == {"max"}
    np.testing.assert_array_equal(outcome.predictions, DATA.labels)


def test_of_equal_ways_the_first_is_chosen():
    """Of a single step mean and maximum are the same, and a layer beside itself adds nothing."""
    conv6 = noisy_steps(DATA, 1, 8, strength=1)
    outcome = run({"pool5": conv6, "conv6": conv6})
    for detail in outcome.details:
        assert detail["layers"] == ("pool5",) and detail["pooling"] == "mean"


def test_every_way_can_be_chosen_that_the_network_has_layers_for():
    soundnet5 = {"conv1", "pool1", "conv2", "pool2", "conv3", "pool3", "conv4"}
    assert {choice.layers for choice in modern.choices(soundnet5)} == {
        ("conv4",), ("pool3", "conv4"), ("conv3", "pool3", "conv4"),
    }  # fmt: skip
    only = modern.choices({"pool5"})
    assert only[0] == Choice(("pool5",), "mean") and len(set(only)) == len(only) == 5


@pytest.mark.parametrize("fold", ["1", "3"])
def test_labels_of_the_test_fold_are_not_looked_at(fold):
    before, after = run(layers()), run(layers(), relabelled(DATA, fold))
    _, test = DATA.split(fold)
    assert after.details[int(fold) - 1] == before.details[int(fold) - 1]
    np.testing.assert_array_equal(after.predictions[test], before.predictions[test])
    assert (before.predictions[test] == DATA.labels[test]).any(), "it is no chance that they agree"


def test_sound_of_the_test_fold_has_no_part_in_the_choice_nor_in_other_decisions():
    _, test = DATA.split("2")
    features = layers()
    before = run(features)
    for steps in features.values():
        steps[test[1:]] = 100 * steps[test[1:]] + 7
    after = run(features)
    assert after.details[1] == before.details[1]
    assert after.predictions[test[0]] == before.predictions[test[0]]


def test_a_layer_that_knows_the_test_fold_only_is_not_chosen_for_it():
    _, test = DATA.split("1")
    features = layers()
    before = run(features).details[0]
    planted = 10 * np.eye(8, dtype=np.float32)[DATA.labels[test]]
    features["pool5"][test] = planted[:, None]
    after = run(features)
    assert after.details[0] == before and before["layers"] == ("conv6",)
    features["pool5"] = 10 * np.eye(8, dtype=np.float32)[DATA.labels][:, None]
    assert run(features).details[0]["layers"] == ("pool5",), "were it so in every fold"


def examples_by_hand(steps, train):
    """Means and maxima, standardised by clips to train on, of length 1 on average, and the bias."""
    pooled = np.float64(np.concatenate([steps.mean(axis=1), steps.max(axis=1)], axis=1))
    standardised = (pooled - pooled[train].mean(axis=0)) / pooled[train].std(axis=0)
    return np.column_stack([standardised / np.sqrt(pooled.shape[1]), np.ones(len(pooled))])


def explicit(examples, labels, train, held, classifier):
    """scikit-learn's own decisions on examples that are written out."""
    if classifier.name == "least squares":
        model = Ridge(classifier.regularisation, fit_intercept=False)
        return model.fit(examples[train], np.eye(3)[labels[train]] * 2 - 1).predict(examples[held])
    c = 1 / (2 * classifier.regularisation)
    if classifier.name == "SVM":
        model = LinearSVC(C=c, fit_intercept=False, dual=False, tol=1e-6)
    else:
        model = LogisticRegression(C=c, fit_intercept=False, tol=1e-6, max_iter=10_000)
    return model.fit(examples[train], labels[train]).decision_function(examples[held])


def left_out(examples, fold, classifier):
    """Decisions for the clips of each training fold by what is fitted to the other ones."""
    folds, decisions = np.array([clip.fold for clip in DATA.clips]), np.zeros((len(examples), 3))
    for part in set("1234") - {fold}:
        train = np.flatnonzero((folds != fold) & (folds != part))
        held = np.flatnonzero(folds == part)
        decisions[held] = explicit(examples, DATA.labels, train, held, classifier)
    return decisions[folds != fold]


def test_layers_are_those_of_explicit_fits():
    """Least squared hinge loss of scikit-learn's ridge regression, fitted anew for each part. No
    layer knows anything, so that it is luck which one is best, and another one in some folds."""
    features = layers(strength=0)
    targets = 2.0 * np.eye(3)[DATA.labels] - 1
    options = [Choice((layer,), "meanmax") for layer in features]
    expected = []
    for fold in "1234":
        train, _ = DATA.split(fold)
        losses = {}
        for layer, alpha in itertools.product(features, modern.REGULARISATION):
            examples = examples_by_hand(features[layer], train)
            decisions = left_out(examples, fold, Classifier("least squares", alpha))
            lacking = np.maximum(0, 1 - targets[train] * decisions)
            losses[layer, alpha] = np.mean(lacking**2)
        products = {
            (layer, name): modern._products(getattr(steps, name)(axis=1), train)
            for layer, steps in features.items()
            for name in ("mean", "max")
        }
        chosen = modern._choose(options, products, DATA, train, modern._parts(DATA, train))
        expected.append(min(losses, key=losses.get)[0])
        assert chosen.layers == (expected[-1],)
    assert len(set(expected)) > 1


def test_classifiers_and_decisions_are_those_of_explicit_fits(monkeypatch):
    """Every classifier on examples written out, its loss by SciPy's softmax and minimum."""
    steps = layers(strength=0.5)["conv6"]
    monkeypatch.setattr(modern, "choices", lambda names: [Choice(("conv6",), "meanmax")])
    outcome = run({"conv6": steps})
    for fold, detail in zip("1234", outcome.details, strict=True):
        train, test = DATA.split(fold)
        examples = examples_by_hand(steps, train)
        losses = {}
        for classifier in classifiers.all_classifiers():
            decisions = left_out(examples, fold, classifier)

            def loss(factor, decisions=decisions, truth=DATA.labels[train]):
                return -log_softmax(factor * decisions, axis=1)[np.arange(len(truth)), truth].mean()

            losses[classifier] = minimize_scalar(loss, bounds=(0, 100), method="bounded").fun
        best = min(losses, key=losses.get)
        assert (detail["classifier"], detail["regularisation"]) == best
        assert detail["loss_in_training_folds"] == pytest.approx(losses[best], rel=2e-3)
        expected = explicit(examples, DATA.labels, train, test, best).argmax(axis=1)
        np.testing.assert_array_equal(outcome.predictions[test], expected)


@pytest.mark.parametrize("per_fold", [(6, 6, 6), (1, 1, 1), (7, 1, 2)])
def test_a_single_training_fold_is_divided(per_fold):
    data = toy_set(folds=("train", "test"), per_fold=per_fold)
    outcome = run({"conv6": 20 + noisy_steps(data, 3, 3, strength=20)}, data)
    train, test = data.split("test")
    np.testing.assert_array_equal(outcome.predictions[train], -np.ones(len(train)))
    np.testing.assert_array_equal(outcome.predictions[test], data.labels[test])
    assert len(outcome.details) == 1


def test_channels_that_never_change_do_no_harm():
    features = layers(strength=1)
    before = run(features)
    wider = [(0, 0), (0, 0), (0, 2)]
    after = run({n: np.pad(steps, wider, constant_values=3) for n, steps in features.items()})
    np.testing.assert_array_equal(after.predictions, before.predictions)
    assert after.details == before.details


def test_silence_alone_gives_the_most_frequent_class():
    data = toy_set(per_fold=(2, 5, 2))
    outcome = run({"pool5": np.zeros((27, 3, 4), np.float32)}, data)
    np.testing.assert_array_equal(outcome.predictions, np.ones(27))


def test_a_renamed_fold_changes_nothing():
    """Figures hang on which clips are together, not on the folds' names."""
    clips = tuple(dataclasses.replace(c, fold=str(5 - int(c.fold))) for c in DATA.clips)
    renamed = run(layers(), dataclasses.replace(DATA, clips=clips))
    np.testing.assert_array_equal(renamed.predictions, run(layers()).predictions)


def test_each_part_of_a_single_training_fold_has_its_share_of_every_class():
    data = toy_set(folds=("train", "test"), per_fold=(5, 10))
    train, _ = data.split("test")
    parts = modern._parts(data, train)
    assert [np.bincount(data.labels[train][part]).tolist() for part in parts] == [[1, 2]] * 5
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(15))
