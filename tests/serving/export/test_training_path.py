"""A SavedModel with training=True: values and batch statistics are those of Keras's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from lively import lively

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving.export.savedmodel import save_savedmodel

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
EMBEDDING = {"soundnet5": "conv4", "soundnet8": "pool5"}  # what is averaged over time
SECS = {"soundnet5": 13, "soundnet8": 13}
STEPS = {"soundnet5": 2, "soundnet8": 1}  # of a head; Keras has one more, that is not served


def noise(samples, batch=2):
    """Clips of different loudness."""
    clips = np.random.default_rng(samples).uniform(-0.5, 0.5, (batch, samples))
    return np.float32(clips * np.linspace(0.3, 1, batch)[:, None])


@pytest.fixture(scope="module", params=["soundnet5", "soundnet8"])
def network(request):
    return lively(student.BUILDERS[request.param](object_classes=3, scene_classes=2))


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    target = str(tmp_path_factory.mktemp("export") / "model")
    save_savedmodel(network, LABELS, target)
    return target


@pytest.fixture(scope="module")
def once_trained(folder, network):
    """Outputs of a SavedModel called without training and then with it, and what is loaded."""
    loaded = tf.saved_model.load(folder)
    waveform = noise(SECS[network.name] * SAMPLE_RATE)
    untrained = loaded(waveform)
    for variable, before in zip(loaded.variables, network.variables, strict=True):
        np.testing.assert_array_equal(variable, before)  # a call without training moves nothing
    return (untrained, loaded(waveform, training=True)), loaded


@pytest.fixture(scope="module")
def trained(network):
    """What plain Keras layers give in training, by name, and the network that heard it once."""
    copy = checkpoint.float32_copy(network)
    names = [EMBEDDING[network.name], *LABELS]
    taps = keras.Model(copy.input, {name: copy.get_layer(name).output for name in names})
    outputs = taps(noise(SECS[network.name] * SAMPLE_RATE), training=True)
    return {name: output.numpy() for name, output in outputs.items()}, copy


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_outputs_are_those_of_the_keras_layers_in_training(once_trained, network, trained):
    """The last of Keras's head steps hears the trunk's last one, and is left out."""
    (untrained, outputs), _ = once_trained
    expected, _ = trained
    steps = STEPS[network.name]
    for head, names in LABELS.items():
        assert expected[head].shape == (2, steps + 1, len(names))
        np.testing.assert_allclose(outputs[head], softmax(expected[head])[:, :steps], atol=1e-5)
        assert np.abs(outputs[head] - untrained[head]).max() > 1e-2  # batch statistics matter
    pooled = expected[EMBEDDING[network.name]].mean(axis=1)
    np.testing.assert_allclose(outputs["embedding"], pooled, rtol=1e-4, atol=1e-5)


def test_moving_statistics_move_as_kerass_do(once_trained, network, trained):
    """By 0.1 of the way to the batch's; all else stays bit for bit."""
    _, after = trained
    _, loaded = once_trained
    pairs = list(zip(loaded.variables, after.variables, network.variables, strict=True))
    moved = [before.path for _, now, before in pairs if not np.array_equal(now, before)]
    convolutions = sum(layer.name.endswith("_conv") for layer in network.layers)
    assert len(moved) == 2 * convolutions and all("moving" in path for path in moved)
    for variable, now, before in pairs:
        if before.path in moved:
            np.testing.assert_allclose(variable, now, rtol=1e-4, atol=1e-6, err_msg=before.path)
        else:
            np.testing.assert_array_equal(variable, now, err_msg=before.path)
