"""What stands beside every figure: MFCC by hand, and a network that learned nothing."""

import keras
import numpy as np
import pytest
from sklearn.svm import LinearSVC
from toy_sets import relabelled, toy_set

from soundnet_tf.evaluation import baselines, features
from soundnet_tf.evaluation.mfcc import mfcc_features
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork

DATA = toy_set(folds=("1", "2", "3"), per_fold=(3, 3))
SAMPLES = 220500  # the heads need 8 s


def noise(clips, samples, seed=0):
    return np.float32(np.random.default_rng(seed).normal(0, 0.1, (clips, samples)))


def dull_and_bright(data, samples=4000, mixed=0.1):
    """Noise, of class "b" with falling low tones; nearly the same where `mixed` is near 1."""
    waveforms = noise(len(data.clips), samples)
    smooth = np.cumsum(waveforms, axis=1) / 5
    is_dull = data.labels[:, None] == 1
    return np.float32(np.where(is_dull, mixed * waveforms + (1 - mixed) * smooth, waveforms))


class TestMfcc:
    def test_it_is_a_linear_svm_on_standardised_features(self):
        waveforms = dull_and_bright(DATA, mixed=0.98)
        examples = np.array([mfcc_features(waveform) for waveform in waveforms], float)
        predictions = baselines.mfcc_predictions(DATA, waveforms)
        for fold in DATA.folds:
            train, test = DATA.split(fold)
            scaled = (examples - examples[train].mean(axis=0)) / examples[train].std(axis=0)
            machine = LinearSVC(C=0.01, random_state=0).fit(scaled[train], DATA.labels[train])
            np.testing.assert_array_equal(predictions[test], machine.predict(scaled[test]))

    def test_it_tells_dull_sound_from_bright(self):
        predictions = baselines.mfcc_predictions(DATA, dull_and_bright(DATA))
        np.testing.assert_array_equal(predictions, DATA.labels)

    def test_labels_of_the_test_fold_are_not_looked_at(self):
        waveforms = dull_and_bright(DATA, mixed=0.98)
        before = baselines.mfcc_predictions(DATA, waveforms)
        after = baselines.mfcc_predictions(relabelled(DATA, "2"), waveforms)
        _, test = DATA.split("2")
        np.testing.assert_array_equal(before[test], after[test])

    def test_clips_that_are_never_tested_have_no_class(self):
        data = toy_set(folds=("train", "test"), per_fold=(3, 3))
        predictions = baselines.mfcc_predictions(data, dull_and_bright(data))
        np.testing.assert_array_equal(predictions, [-1] * 6 + [0] * 3 + [1] * 3)


@pytest.fixture(scope="module", params=[student.SoundNet8, student.SoundNet5])
def like(request):
    return FoldedNetwork(request.param(object_classes=3, scene_classes=2))


class TestUntrainedNetwork:
    def test_it_has_the_layers_and_heads_of_the_other(self, like):
        untrained = baselines.untrained_network(like, noise(4, SAMPLES))
        assert untrained.architecture == like.architecture
        assert untrained.heads == like.heads == {"objects": 3, "scenes": 2}
        for layer, (kernel, bias) in like.weights.items():
            assert untrained.weights[layer][0].shape == kernel.shape
            assert untrained.weights[layer][1].shape == bias.shape

    def test_it_is_random_but_the_same_for_a_seed(self, like):
        waveforms = noise(4, SAMPLES)
        first, again = (baselines.untrained_network(like, waveforms) for _ in range(2))
        other = baselines.untrained_network(like, waveforms, seed=1)
        for layer, (kernel, bias) in first.weights.items():
            np.testing.assert_array_equal(kernel, again.weights[layer][0])
            np.testing.assert_allclose(bias, again.weights[layer][1], rtol=1e-4, atol=1e-5)
            assert np.abs(kernel - other.weights[layer][0]).max() > 0
            assert np.abs(kernel - like.weights[layer][0]).max() > 0

    def test_its_norms_know_the_sound(self, like):
        """What comes out of conv1's norm has mean 0 and the norm's gamma, 1 ± 0.1, as deviation."""
        waveforms = noise(4, SAMPLES)
        untrained = baselines.untrained_network(like, waveforms)
        conv = untrained.architecture.trunk[0]
        padded = np.pad(waveforms, [(0, 0), (32, 32)])[..., None]
        normal = (untrained.convolve(conv, padded) + untrained.weights["conv1"][1]).numpy()
        np.testing.assert_allclose(normal.mean(axis=(0, 1)), 0, atol=1e-3)
        np.testing.assert_allclose(normal.std(axis=(0, 1)), 1, atol=0.1)

    def test_sound_comes_through_to_its_last_layer(self, like):
        """Half of a normal variable's mass is above 0, with a mean of 0.4 over all; at the start of
        training the same network gives next to nothing."""
        waveforms, last = noise(2, SAMPLES), like.architecture.trunk[-1].name
        untrained = baselines.untrained_network(like, waveforms)
        steps = features.layer_features(untrained, waveforms, [last])[last]
        assert 0.3 < steps.mean() < 0.6
        np.testing.assert_allclose((steps > 0).mean(), 0.5, atol=0.15)
        keras.utils.set_random_seed(0)
        fresh = features.layer_features(like, waveforms, [last])[last]
        assert fresh.mean() < 0.1 * steps.mean()

    def test_a_part_of_many_clips_is_enough(self, like, monkeypatch):
        """The statistics are those of as many clips as asked for, whichever they are."""
        monkeypatch.setattr(baselines, "_CALIBRATION_CLIPS", 2)
        waveforms = noise(4, SAMPLES)
        chosen = np.sort(np.random.default_rng(0).permutation(4)[:2])
        part = baselines.untrained_network(like, waveforms)
        alone = baselines.untrained_network(like, waveforms[chosen])
        np.testing.assert_allclose(part.weights["conv1"][1], alone.weights["conv1"][1], atol=1e-5)
        others = baselines.untrained_network(like, 2 * waveforms)
        assert np.abs(others.weights["conv1"][0] / part.weights["conv1"][0] - 1).max() > 0.4


def test_a_network_without_heads_has_its_floor():
    trunk = FoldedNetwork(student.SoundNet8(include_top=False))
    assert baselines.untrained_network(trunk, noise(2, SAMPLES)).heads == {}
