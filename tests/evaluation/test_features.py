"""Features of a labelled set against NumPy: layers, heads, scale, batches."""

import numpy as np
import pytest
from numpy_soundnet import forward

from soundnet_tf.evaluation import features
from soundnet_tf.models import architecture, student
from soundnet_tf.models.folded import FoldedNetwork

RATE = 22050
BUILDERS = {"soundnet8": student.SoundNet8, "soundnet5": student.SoundNet5}


@pytest.fixture(scope="module", params=list(BUILDERS))
def model(request):
    """A small network whose batch norms and biases are as lively as those of a trained one."""
    network = BUILDERS[request.param](object_classes=3, scene_classes=2)
    rng = np.random.default_rng(7)
    for variable in network.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "bias", "moving_mean"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return network


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.4, 0.4, shape).astype(np.float32)


def assert_close(given, expected):
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


class TestLayerFeatures:
    def test_they_are_those_of_numpys_network(self, model):
        network = FoldedNetwork(model)
        trunk = [layer.name for layer in network.architecture.trunk]
        waveforms = noise(2, RATE)
        given = features.layer_features(network, waveforms, trunk)
        assert list(given) == trunk
        for i, waveform in enumerate(waveforms):
            expected = forward(model, waveform)
            for layer in trunk:
                assert given[layer].dtype == np.float32
                assert_close(given[layer][i], expected[layer])

    @pytest.mark.parametrize("seconds", [1, 18])
    def test_conv8_is_what_is_positive_of_both_heads(self, model, seconds):
        """Sound too short for them is repeated to 20 s. The steps that hear the trunk's last
        one are left out."""
        network = FoldedNetwork(model)
        table = architecture.ARCHITECTURES[model.name]
        waveform = noise(seconds * RATE)
        heard = np.tile(waveform, 20) if seconds == 1 else waveform
        expected = forward(model, heard)
        steps = table.inner_head_steps(heard.size)
        logits = np.concatenate([expected["objects"], expected["scenes"]], axis=1)[:steps]
        given = features.layer_features(network, waveform[None], ["conv8", "conv1"])
        assert list(given) == ["conv8", "conv1"]
        assert given["conv8"].shape == (1, steps, 5) and given["conv1"].shape[1] > 10_000
        assert_close(given["conv8"][0], np.maximum(logits, 0))
        assert (logits > 0).any() and (logits < 0).any()

    def test_of_one_head_conv8_is_that_one(self):
        alone = student.SoundNet8(object_classes=None, scene_classes=4)
        given = features.layer_features(FoldedNetwork(alone), noise(1, RATE), ["conv8"])
        assert given["conv8"].shape == (1, 4, 4)

    def test_the_scale_multiplies_the_sound(self, model):
        network, waveforms = FoldedNetwork(model), noise(2, RATE)
        given = features.layer_features(network, waveforms, ["conv3"], input_scale=2.0)["conv3"]
        louder = features.layer_features(network, 2 * waveforms, ["conv3"])["conv3"]
        np.testing.assert_array_equal(given, louder)
        as_it_is = features.layer_features(network, waveforms, ["conv3"])["conv3"]
        assert np.abs(given - as_it_is).max() > 0.01
        np.testing.assert_array_equal(waveforms, noise(2, RATE))

    @pytest.mark.parametrize("clips", [1, 16, 17, 35])
    def test_batches_do_not_matter(self, model, clips):
        network, waveforms = FoldedNetwork(model), noise(clips, 8000)
        given = features.layer_features(network, waveforms, ["conv4"])["conv4"]
        assert len(given) == clips
        for waveform, steps in zip(waveforms, given, strict=True):
            alone = features.layer_features(network, waveform[None], ["conv4"])["conv4"][0]
            assert_close(steps, alone)
