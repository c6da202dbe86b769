"""The linear probe: what an example is, and classes that can and cannot be told apart."""

import numpy as np
import pytest
from toy_sets import noisy_steps, relabelled, toy_set

from soundnet_tf.evaluation import features, linear
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork


def test_an_example_is_means_then_deviations():
    """Of 1, 3 and 5 the mean is 3 and the deviation sqrt(8/3); of 2, 2, 2 they are 2 and 0."""
    pooled = linear.pool(np.float32([[[1, 2], [3, 2], [5, 2]]]))
    np.testing.assert_allclose(pooled, [[3, 2, np.sqrt(8 / 3), 0]], rtol=1e-6)


def test_classes_that_differ_are_told_apart_in_every_fold_and_layer():
    data = toy_set(per_fold=(9, 9, 9))
    steps = noisy_steps(data, 14, 4, strength=8)
    examples = {"a": linear.pool(steps), "b": linear.pool(steps[:, :7])}
    outcomes = linear.cross_validate(data, examples, progress=False)
    assert list(outcomes) == ["a", "b"]
    for outcome in outcomes.values():
        np.testing.assert_array_equal(outcome.predictions, data.labels)
        assert [detail["converged"] for detail in outcome.details] == [True] * 3


def test_labels_that_were_shuffled_are_not_learned():
    """300 clips of three classes whose sound says nothing: a third is right, give or take four
    deviations sqrt(2/9 / 300)."""
    data = toy_set(per_fold=(34, 33, 33))
    examples = {"a": linear.pool(noisy_steps(data, 5, 4))}
    predictions = linear.cross_validate(data, examples, progress=False)["a"].predictions
    assert abs((predictions == data.labels).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / 300)


def test_labels_of_the_test_fold_are_not_looked_at():
    data = toy_set()
    examples = {"a": linear.pool(noisy_steps(data, 14, 4, strength=0.5))}
    before = linear.cross_validate(data, examples, progress=False)["a"].predictions
    moved = linear.cross_validate(relabelled(data, "2"), examples, progress=False)["a"].predictions
    _, test = data.split("2")
    np.testing.assert_array_equal(before[test], moved[test])


def test_only_layers_asked_for_are_fitted():
    data = toy_set()
    examples = {name: linear.pool(noisy_steps(data, 5, 4)) for name in "ab"}
    assert list(linear.cross_validate(data, examples, ["b"], progress=False)) == ["b"]


def test_its_bar_comes_to_its_end(monkeypatch):
    bars, progress_bar = [], linear.folds.progress_bar

    def kept(*arguments, **options):
        bars.append(progress_bar(*arguments, **options))
        return bars[-1]

    monkeypatch.setattr(linear.folds, "progress_bar", kept)
    data = toy_set()
    examples = {name: linear.pool(noisy_steps(data, 5, 4)) for name in "ab"}
    linear.cross_validate(data, examples, progress=True)
    assert [(bar.n, bar.total) for bar in bars] == [(6, 6)]


def test_a_network_is_validated_by_its_layers(capfd):
    data = toy_set()
    network = FoldedNetwork(student.SoundNet8(include_top=False))
    waveforms = np.random.default_rng(0).uniform(-1, 1, (len(data.clips), 22050)).astype("f")
    found = linear.hear_and_validate(network, data, waveforms, ["conv4", "pool5"])
    assert capfd.readouterr().err == ""
    steps = features.layer_features(network, waveforms, ["conv4", "pool5"], progress=False)
    for layer in ("conv4", "pool5"):
        examples = {layer: linear.pool(steps[layer])}
        outcome = linear.cross_validate(data, examples, progress=False)[layer]
        np.testing.assert_array_equal(found[layer].predictions, outcome.predictions)
        assert found[layer].details == outcome.details


@pytest.mark.parametrize("cores", [1, 2])
def test_it_is_the_same_on_any_number_of_cores(monkeypatch, cores):
    monkeypatch.setattr(linear.folds.joblib, "cpu_count", lambda: cores)
    data = toy_set()
    examples = {"a": linear.pool(noisy_steps(data, 14, 4, strength=0.3))}
    alone = linear.cross_validate(data, examples, progress=False)["a"]
    monkeypatch.setattr(linear, "_LONG_NUMBERS", 0)
    side_by_side = linear.cross_validate(data, examples, progress=False)["a"]
    np.testing.assert_array_equal(alone.predictions, side_by_side.predictions)
    assert alone.details == side_by_side.details


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_network_that_diverged_is_named(broken):
    data = toy_set()
    examples = {"good": np.ones((len(data.clips), 2)), "bad": np.ones((len(data.clips), 2))}
    examples["bad"][3, 1] = broken
    with pytest.raises(ValueError, match="^bad: not all numbers are finite.*--learning_rate"):
        linear.cross_validate(data, examples, progress=False)
