"""Batch norms' moving statistics, of which a fresh network has 0 and 1, in all that is saved."""

import numpy as np
import pytest
import tensorflow as tf
from lively import lively

from soundnet_tf.finetuning.classifier import SoundClassifier
from soundnet_tf.finetuning.export import save_classifier
from soundnet_tf.models import checkpoint, pretrained, student
from soundnet_tf.serving.export import run as export

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}


@pytest.fixture(scope="module", params=[True, False], ids=["trainable", "frozen"])
def network(request):
    """Frozen layers give a model's weights in another order."""
    network = lively(student.SoundNet5(object_classes=3, scene_classes=2))
    for layer in network.layers:
        layer.trainable = request.param or not layer.name.endswith("_bn")
    return network


def drawn_statistics(network):
    """Layer to its moving mean and variance, [2, channels]."""
    norms = [layer for layer in network.layers if layer.name.endswith("_bn")]
    return {n.name: np.stack([n.moving_mean.numpy(), n.moving_variance.numpy()]) for n in norms}


def check(found, network):
    expected = drawn_statistics(network)
    assert list(found) == list(expected) and len(expected) == 4
    for name, (mean, variance) in expected.items():
        assert np.abs(mean).max() > 0.3 and np.abs(variance - 1).max() > 0.3  # as they were drawn
        np.testing.assert_array_equal(found[name], [mean, variance], err_msg=name)


def test_a_float32_copy_has_them(network):
    check(drawn_statistics(checkpoint.float32_copy(network)), network)


def test_a_run_s_student_has_them(network, tmp_path):
    checkpoint.save_student(str(tmp_path), network, LABELS)
    check(drawn_statistics(checkpoint.load_student(str(tmp_path))[0]), network)


@pytest.mark.parametrize("form", ["keras", "savedmodel"])
def test_exports_have_them(network, tmp_path, form):
    export.export(network, LABELS, str(tmp_path / form), (form,))
    check(drawn_statistics(pretrained.load(str(tmp_path / form))[0]), network)


def test_a_saved_classifier_has_them(network, tmp_path):
    classifier = SoundClassifier(network, 2, ["conv4"])
    save_classifier(classifier, ("a", "b"), 1.0, str(tmp_path / "classifier"))
    found = {}
    for variable in tf.saved_model.load(str(tmp_path / "classifier")).variables:
        layer, _, name = variable.name.partition("/")
        if name.startswith("moving"):
            found.setdefault(layer, []).append(variable.numpy())
    check(found, network)
