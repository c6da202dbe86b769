"""The Keras student and its folded form against an independent pass, at every endpoint."""

import functools

import keras
import numpy as np
import numpy_soundnet
import pytest

from soundnet_tf.media import read_audio
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork

SECOND = 22050
NOISE_SECS = [0.3, 0.71, 2.6, 10.0, 11.2, 20.0, 33.3, 60.0]
REAL = {
    "esc10/audio/001 - Dog bark/1-100032-A.ogg": 5.0,
    "videos/SpecVQGAN__vggsound__video__1aDnyPubxdY_118000_128000.mp4": 10.0,
    "videos/moviepy__media__big_buck_bunny_0_30.webm": 30.0,
}


@pytest.fixture(scope="module")
def networks():
    @functools.cache
    def build(name):
        if name == "soundnet5":
            return with_statistics(student.SoundNet5(object_classes=7, scene_classes=3))
        try:
            return student.SoundNet8(weights="published")
        except FileNotFoundError as error:
            pytest.skip(str(error))

    return build


def with_statistics(model):
    """Batch norms as after training: none of their four arrays is 0 or 1 throughout."""
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            gamma, variance = rng.uniform(0.5, 2, shape), rng.uniform(1, 9, shape)
            layer.set_weights([gamma, *rng.normal(0, 1, (2, *shape)), variance])
    return model


def check(model, waveform):
    """Both forms within 1e-4 of the largest activation of the endpoint, at every step."""
    expected = numpy_soundnet.forward(model, waveform)
    taps = keras.Model(model.input, {n: model.get_layer(n).output for n in expected})
    plain = taps(waveform[None])
    network = FoldedNetwork(model)
    inner = network.architecture.inner_head_steps(waveform.size)
    served = [name for name in expected if name not in network.heads or inner]
    folded = network(waveform[None], endpoints=served)
    for name, values in expected.items():
        tolerance = 1e-4 * max(1.0, np.abs(values).max())
        np.testing.assert_allclose(plain[name][0], values, rtol=0, atol=tolerance, err_msg=name)
        if name in served:
            steps = inner if name in network.heads else len(values)
            assert folded[name].shape[1] == steps
            np.testing.assert_allclose(
                folded[name][0], values[:steps], rtol=0, atol=tolerance, err_msg=name
            )
    return expected


@pytest.mark.parametrize("secs", NOISE_SECS)
@pytest.mark.parametrize("name", ["soundnet8", "soundnet5"])
def test_noise(networks, name, secs):
    samples = round(secs * SECOND)
    noise = np.random.default_rng(samples).uniform(-0.4, 0.4, samples).astype(np.float32)
    check(networks(name), noise)


@pytest.mark.parametrize("path", REAL)
def test_real_recordings(networks, shared, path):
    waveform = read_audio(str(shared / "data" / path))
    assert waveform.size / SECOND == pytest.approx(REAL[path], abs=0.5)
    check(networks("soundnet8"), waveform)


def test_real_sound_excites_every_endpoint(networks, shared):
    """The comparison above is of numbers that are there: some unit of each endpoint is active."""
    path = "esc10/audio/001 - Dog bark/1-100032-A.ogg"
    outputs = check(networks("soundnet8"), np.tile(read_audio(str(shared / "data" / path)), 4))
    assert list(outputs)[-2:] == ["objects", "scenes"] and len(outputs) == 12
    assert min(np.abs(values).max() for values in outputs.values()) > 0.1


def test_the_heads_last_step_is_what_makes_inner_steps_needed(networks):
    """33.3 s: the ninth head step hears conv7's last one, where logits fall to hundreds below 0;
    the eight that are served stay within tens."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, round(33.3 * SECOND)).astype(np.float32)
    model = networks("soundnet8")
    plain = model(noise[None])["objects"][0].numpy()
    served = FoldedNetwork(model)(noise[None], endpoints=["objects"])["objects"][0].numpy()
    assert len(plain) == 9 and len(served) == 8
    assert plain[8].min() < -300
    assert np.abs(served).max() < 30


def test_unknown_endpoints_are_named(networks):
    with pytest.raises(ValueError, match="no endpoint conv9 in this soundnet5; it has conv1"):
        FoldedNetwork(networks("soundnet5")).select(["conv9", "conv1"])
