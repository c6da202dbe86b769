"""The reusable SavedModel: TF Hub's interface, every length, every endpoint, and training on."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.constants import CLIP_SAMPLES, SAMPLE_RATE
from soundnet_tf.models import architecture, pretrained, student
from soundnet_tf.models.architecture import Need
from soundnet_tf.serving import short
from soundnet_tf.serving.export import run as export

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
MINIMUM = architecture.SOUNDNET5.minimum_inner_head_samples


@pytest.fixture(scope="module")
def network():
    return student.SoundNet5(object_classes=3, scene_classes=2)


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    target = str(tmp_path_factory.mktemp("export") / "model")
    assert export.export(network, LABELS, target, ("savedmodel",)) == [target]
    return target


def noise(samples, batch=2):
    return np.random.default_rng(samples).uniform(-0.5, 0.5, (batch, samples)).astype(np.float32)


def endpoint(network, name, waveform):
    return keras.Model(network.input, network.get_layer(name).output)(waveform).numpy()


def head_probabilities(network, head, waveform):
    """The Keras head's steps, but for those that hear the trunk's last step."""
    steps = architecture.SOUNDNET5.inner_head_steps(waveform.shape[1])
    return keras.ops.softmax(network(waveform)[head])[:, :steps]


def test_outputs_are_those_of_the_keras_model(folder, network):
    waveform = noise(12 * SAMPLE_RATE)
    outputs = tf.saved_model.load(folder)(waveform)
    for head in LABELS:
        expected = head_probabilities(network, head, waveform)
        assert expected.shape == (2, 2, len(LABELS[head]))
        np.testing.assert_allclose(outputs[head], expected, atol=1e-6)
    pooled = endpoint(network, "conv4", waveform).mean(axis=1)
    np.testing.assert_allclose(outputs["embedding"], pooled, rtol=1e-4, atol=1e-5)


def test_serving_default_equals_the_call(folder):
    loaded = tf.saved_model.load(folder)
    waveform = tf.constant(noise(3 * SAMPLE_RATE, batch=1))
    served = loaded.signatures["serving_default"](waveform=waveform)
    for name, value in loaded(waveform).items():
        np.testing.assert_array_equal(served[name], value)


def test_every_endpoint_has_a_signature(folder, network):
    loaded = tf.saved_model.load(folder)
    waveform = noise(3 * SAMPLE_RATE, batch=1)
    trunk = [layer.name for layer in architecture.SOUNDNET5.trunk]
    assert set(loaded.signatures) == {"serving_default", *trunk, *LABELS}
    for name in trunk:
        output = loaded.signatures[name](waveform=tf.constant(waveform))["output"]
        np.testing.assert_allclose(output, endpoint(network, name, waveform), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 1000, MINIMUM - 1, MINIMUM, MINIMUM + 1])
def test_any_length_works_by_looping(folder, network, samples):
    """Heads of short sound give what they give of it repeated by NumPy to 20 s."""
    waveform = looped = noise(samples)
    if samples < MINIMUM:
        looped = np.tile(waveform, (1, -(-CLIP_SAMPLES // samples)))[:, :CLIP_SAMPLES]
    outputs = tf.saved_model.load(folder)(waveform)
    np.testing.assert_allclose(
        outputs["objects"], head_probabilities(network, "objects", looped), atol=1e-6
    )


@pytest.mark.parametrize("samples", [1, 500, 30_000])
def test_the_embedding_is_of_the_sound_itself(folder, network, samples):
    """Though the heads need more sound, conv4 is pooled over the sound as it is, looped only to
    the least that gives one step."""
    waveform = noise(samples)
    least = architecture.SOUNDNET5.endpoints["conv4"].minimum_samples
    waveform = np.resize(waveform[0], max(samples, least))[None]
    pooled = endpoint(network, "conv4", waveform).mean(axis=1)
    given = tf.saved_model.load(folder)(noise(samples)[:1])["embedding"]
    np.testing.assert_allclose(given, pooled, rtol=1e-4, atol=1e-5)


def test_short_sound_loops_in_numpy_and_in_the_graph_alike():
    needed = Need(7, 11)
    for samples in range(12):
        waveform = np.arange(1.0, samples + 1, dtype=np.float32)
        looped = short.loop_in_graph(tf.constant(waveform[None]), needed)[0]
        np.testing.assert_array_equal(looped, short.lengthen(waveform, needed))
    padded = short.lengthen(np.ones(3, np.float32), needed, "pad")
    np.testing.assert_array_equal(padded, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="short='crash' is unknown"):
        short.lengthen(np.ones(3), needed, "crash")


def test_it_is_read_back_without_running_it(folder, network):
    again, labels = pretrained.load(folder)
    assert labels == LABELS and again.name == "soundnet5"
    for layer in network.layers:
        restored = again.get_layer(layer.name).get_weights()
        for old, new in zip(layer.get_weights(), restored, strict=True):
            np.testing.assert_array_equal(old, new)


def test_others_saved_models_are_named(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(ValueError, match="but none that bin/export.py wrote"):
        pretrained.load(str(tmp_path / "other"))
    with pytest.raises(FileNotFoundError, match="give published, a .npy or .t7"):
        pretrained.load(str(tmp_path / "nothing"))


def test_labels_and_metadata_travel_as_assets(folder):
    with tf.io.gfile.GFile(f"{folder}/assets/scenes.txt") as file:
        assert file.read().splitlines() == ["street", "café"]
    with tf.io.gfile.GFile(f"{folder}/assets/metadata.json") as file:
        metadata = json.load(file)
    assert metadata["sample_rate_hz"] == 22050
    assert metadata["heads"] == {"objects": 3, "scenes": 2}
    assert metadata["endpoints"]["conv4"]["hop_secs"] == pytest.approx(8192 / 22050)


def test_it_trains_on_in_plain_tensorflow(folder):
    """Gradients reach every trainable variable; training=True moves batch statistics; what is
    heard without training is then heard by the new weights."""
    loaded = tf.saved_model.load(folder)
    assert (
        len(loaded.variables) == 2 * 2 + 4 * 6 and len(loaded.trainable_variables) == 2 * 2 + 4 * 4
    )
    assert list(loaded.regularization_losses) == []
    moving = [v for v in loaded.variables if "moving_mean" in v.name]
    before = [v.numpy().copy() for v in moving]
    untrained = loaded(noise(6 * SAMPLE_RATE))["objects"].numpy()
    with tf.GradientTape() as tape:
        outputs = loaded(noise(6 * SAMPLE_RATE), training=True)
        loss = -tf.reduce_mean(tf.math.log(outputs["objects"][..., 0] * outputs["scenes"][..., 0]))
    gradients = tape.gradient(loss, loaded.trainable_variables)
    assert all(g is not None and np.isfinite(g.numpy()).all() for g in gradients)
    assert len(moving) == 4
    for old, variable in zip(before, moving, strict=True):
        assert not np.array_equal(old, variable.numpy())
    for variable, gradient in zip(loaded.trainable_variables, gradients, strict=True):
        variable.assign_sub(0.1 * gradient)
    assert np.abs(loaded(noise(6 * SAMPLE_RATE))["objects"] - untrained).max() > 1e-3


def test_batch_equals_single(folder):
    loaded = tf.saved_model.load(folder)
    waveform = noise(3 * SAMPLE_RATE, batch=3)
    together = loaded(waveform)["objects"].numpy()
    single = np.concatenate([loaded(w[None])["objects"].numpy() for w in waveform])
    np.testing.assert_allclose(together, single, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_clip_that_is_not_finite_gives_nan_and_no_other(folder, bad):
    """In every signature; in training the whole batch, whose statistics it is in."""
    loaded = tf.saved_model.load(folder)
    waveform = noise(MINIMUM + 100)
    waveform[1, 50_000] = bad
    for name, signature in loaded.signatures.items():
        for output in signature(waveform=tf.constant(waveform)).values():
            assert np.isfinite(output[0]).all() and np.isnan(output[1]).all(), name
    for output in loaded(tf.constant(waveform)).values():
        assert np.isfinite(output[0]).all() and np.isnan(output[1]).all()
    for output in loaded(tf.constant(waveform), training=True).values():
        assert np.isnan(output).all()


def test_sound_of_another_scale_is_not_noticed(folder):
    """As the module's docstring says: 16-bit numbers as floats give finite answers, other ones."""
    loaded = tf.saved_model.load(folder)
    waveform = noise(MINIMUM)
    right, wrong = loaded(tf.constant(waveform)), loaded(tf.constant(32768 * waveform))
    assert np.isfinite(wrong["embedding"]).all() and np.isfinite(wrong["scenes"]).all()
    assert np.abs(wrong["embedding"] - right["embedding"]).max() > 1.0
