"""The reusable SavedModel: TF Hub's interface, every length, every endpoint, and training on."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.constants import CLIP_SAMPLES, SAMPLE_RATE
from soundnet_tf.models import architecture, checkpoint, student
from soundnet_tf.serving import export

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
MINIMUM = architecture.SOUNDNET5.heads.minimum_samples


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


def test_outputs_are_those_of_the_keras_model(folder, network):
    waveform = noise(4 * SAMPLE_RATE)
    outputs = tf.saved_model.load(folder)(waveform)
    logits = network(waveform)
    for head in LABELS:
        np.testing.assert_allclose(outputs[head], keras.ops.softmax(logits[head]), atol=1e-6)
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
    """A short waveform gives what the same waveform, repeated by NumPy to 20 s, gives."""
    waveform = looped = noise(samples)
    if samples < MINIMUM:
        looped = np.tile(waveform, (1, -(-CLIP_SAMPLES // samples)))[:, :CLIP_SAMPLES]
    outputs = tf.saved_model.load(folder)(waveform)
    np.testing.assert_allclose(
        outputs["objects"], keras.ops.softmax(network(looped)["objects"]), atol=1e-6
    )


def test_no_samples_are_silence():
    silence = export.loop_short(tf.zeros([2, 0]), 5)
    np.testing.assert_array_equal(silence, np.zeros((2, CLIP_SAMPLES)))


def test_labels_and_metadata_travel_as_assets(folder):
    with tf.io.gfile.GFile(f"{folder}/assets/scenes.txt") as file:
        assert file.read().splitlines() == ["street", "café"]
    with tf.io.gfile.GFile(f"{folder}/assets/metadata.json") as file:
        metadata = json.load(file)
    assert metadata["sample_rate_hz"] == 22050
    assert metadata["heads"] == {"objects": 3, "scenes": 2}
    assert metadata["endpoints"]["conv4"]["hop_secs"] == pytest.approx(8192 / 22050)


def test_it_trains_on_in_plain_tensorflow(folder):
    """Gradients reach every trainable variable; training=True moves batch statistics."""
    loaded = tf.saved_model.load(folder)
    assert (
        len(loaded.variables) == 2 * 2 + 4 * 6 and len(loaded.trainable_variables) == 2 * 2 + 4 * 4
    )
    assert list(loaded.regularization_losses) == []
    moving = [v for v in loaded.variables if "moving_mean" in v.name]
    before = [v.numpy().copy() for v in moving]
    with tf.GradientTape() as tape:
        outputs = loaded(noise(3 * SAMPLE_RATE), training=True)
        loss = -tf.reduce_mean(tf.math.log(outputs["objects"][..., 0] * outputs["scenes"][..., 0]))
    gradients = tape.gradient(loss, loaded.trainable_variables)
    assert all(g is not None and np.isfinite(g.numpy()).all() for g in gradients)
    assert len(moving) == 4
    for old, variable in zip(before, moving, strict=True):
        assert not np.array_equal(old, variable.numpy())


def test_batch_equals_single(folder):
    loaded = tf.saved_model.load(folder)
    waveform = noise(3 * SAMPLE_RATE, batch=3)
    together = loaded(waveform)["objects"].numpy()
    single = np.concatenate([loaded(w[None])["objects"].numpy() for w in waveform])
    np.testing.assert_allclose(together, single, atol=1e-6)


def test_a_bfloat16_student_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = student.SoundNet5(object_classes=3, scene_classes=None)
    keras.config.set_dtype_policy("float32")
    export.export(network, {"objects": LABELS["objects"]}, str(tmp_path), ("keras",))
    again, labels = checkpoint.load_student(str(tmp_path))
    assert again.get_layer("conv4_conv").compute_dtype == "float32"
    assert labels == {"objects": LABELS["objects"]}
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_export_replaces_what_was_there(network, tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old.txt").write_text("old")
    export.export(network, LABELS, str(target), ("keras",))
    assert sorted(p.name for p in target.iterdir()) == ["labels", "student.keras"]
    assert not list(tmp_path.glob("*.partial"))


def test_unfit_exports_are_named(network, tmp_path):
    with pytest.raises(ValueError, match="onnx"):
        export.export(network, LABELS, str(tmp_path / "a"), ("onnx",))
    with pytest.raises(ValueError, match="include_top=True"):
        export.export(student.SoundNet5(include_top=False), {}, str(tmp_path / "a"), ("keras",))


def test_labels_that_do_not_fit_are_named(network, tmp_path):
    checkpoint.save_student(str(tmp_path), network, LABELS | {"scenes": ("street",)})
    with pytest.raises(ValueError, match="scenes.txt has 1 names, the head 2 classes"):
        checkpoint.load_student(str(tmp_path))
