"""SavedModels of TensorFlow, Keras and TF Hub as teachers."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from small_vision import CLASSES, SIZE, random_frames, small_network

from soundnet_tf.models.teachers.teacher import load_teacher


class Reusable(tf.Module):
    """TF Hub's interface, without signatures: `__call__(pictures, training)`."""

    def __init__(self, size=SIZE):
        super().__init__()
        draw = np.random.default_rng(2).standard_normal
        self.kernel = tf.Variable(draw((3, CLASSES)), dtype=tf.float32)
        spec = tf.TensorSpec([None, size, size, 3], tf.float32)
        self.call = tf.function(self._call, input_signature=[spec])

    def _call(self, pictures):
        return tf.nn.softmax(tf.reduce_mean(pictures, [1, 2]) / 255 @ self.kernel)

    @tf.function(input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32)])
    def __call__(self, pictures):
        return self._call(pictures)

    def expected(self, frames):
        scores = (frames / 255.0).mean(axis=(2, 3)) @ self.kernel.numpy()
        powers = np.exp(scores)
        return powers / powers.sum(axis=-1, keepdims=True)


def check_in_and_out_of_graphs(teacher, frames, expected):
    np.testing.assert_allclose(teacher(frames), expected, atol=1e-5)
    np.testing.assert_allclose(tf.function(teacher)(frames), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["file", "hub"])
def test_a_reusable_saved_model(tmp_path, kind):
    if kind == "hub":
        pytest.importorskip("tensorflow_hub", reason="hub: needs tensorflow-hub")
    module = Reusable()
    tf.saved_model.save(module, str(tmp_path / "scenes"))
    teacher = load_teacher(f"{kind}:{tmp_path / 'scenes'}/")
    assert (teacher.name, teacher.image_size, teacher.classes) == ("scenes", SIZE, CLASSES)
    frames = random_frames()
    check_in_and_out_of_graphs(teacher, frames, module.expected(frames))


@pytest.mark.parametrize("key", ["serving_default", "default"])
def test_a_saved_model_with_a_signature(tmp_path, key):
    module = Reusable()
    tf.saved_model.save(module, str(tmp_path / "scenes"), signatures={key: module.call})
    frames = random_frames()
    teacher = load_teacher(f"file:{tmp_path / 'scenes'}")
    check_in_and_out_of_graphs(teacher, frames, module.expected(frames))


def test_what_keras_exports(tmp_path):
    network = small_network(is_softmax=False)
    network.export(str(tmp_path / "exported"), verbose=False)
    frames = random_frames(1, 2)
    scores = network.predict(frames[0].astype(np.float32), verbose=0)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    teacher = load_teacher(f"file:{tmp_path / 'exported'}")
    check_in_and_out_of_graphs(teacher, frames, expected[np.newaxis])


def test_fingerprint_of_saved_models(tmp_path):
    module = Reusable()
    tf.saved_model.save(module, str(tmp_path / "a"))
    module.kernel.assign_add(tf.ones_like(module.kernel))
    tf.saved_model.save(module, str(tmp_path / "b"))
    prints = [load_teacher(f"file:{tmp_path / name}").fingerprint for name in ("a", "a", "b")]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (lambda x: {"a": x, "b": x}, r"should give one tensor, but gives \['a', 'b'\]"),
        (lambda x: {"a": tf.reduce_mean(x, [0, 1, 2])}, r"give \[n, classes\], but gives \(3,\)"),
    ],
)
def test_saved_models_with_odd_outputs(tmp_path, outputs, message):
    module = tf.Module()
    spec = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32)
    module.call = tf.function(outputs, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "odd"), signatures=module.call)
    with pytest.raises(ValueError, match=message):
        load_teacher(f"file:{tmp_path / 'odd'}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8), r"should take float32 RGB.*uint8"),
        (tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32), r"takes \(1, 16, 16, 3\)"),
        (tf.TensorSpec(None, tf.float32), r"should take float32 RGB"),
    ],
)
def test_saved_models_with_odd_inputs(tmp_path, spec, message):
    module = tf.Module()
    module.call = tf.function(lambda x: tf.cast(x, tf.float32), input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "odd"), signatures=module.call)
    with pytest.raises(ValueError, match=message):
        load_teacher(f"file:{tmp_path / 'odd'}")


def test_a_saved_model_that_offers_nothing(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(ValueError, match="no signature 'serving_default' or 'default' and cannot"):
        load_teacher(f"file:{tmp_path / 'empty'}")


def test_a_hub_handle_that_cannot_be_had():
    pytest.importorskip("tensorflow_hub", reason="hub: needs tensorflow-hub")
    with pytest.raises(RuntimeError, match="could not get no/such/folder.*pypi:efficientnet_lite0"):
        load_teacher("hub:no/such/folder")


def test_hub_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    with pytest.raises(ImportError, match="hub:some/handle needs: pip install tensorflow-hub"):
        load_teacher("hub:some/handle")
