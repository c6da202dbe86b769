"""What every teacher does, whatever network it is."""

import functools
import logging
import re
import zipfile

import keras
import numpy as np
import pytest
import small_vision
import tensorflow as tf
from small_vision import CLASSES, SIZE, random_frames, small_network

from soundnet_tf import labels
from soundnet_tf.models.teachers.teacher import load_teacher, resize


@pytest.fixture
def saved(tmp_path):
    return functools.partial(small_vision.save, tmp_path)


@pytest.mark.gpu
def test_answers_are_those_of_the_network(saved):
    path = saved()
    teacher = load_teacher(f"file:{path}")
    frames = random_frames()
    network = keras.saving.load_model(path)
    expected = network.predict(frames.reshape(-1, SIZE, SIZE, 3).astype(np.float32), verbose=0)
    answers = teacher(frames)
    assert answers.dtype == tf.float32
    assert answers.shape == (2, 3, CLASSES)
    np.testing.assert_allclose(answers, expected.reshape(2, 3, CLASSES), atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(answers, -1), np.ones((2, 3)), atol=1e-5)


def test_what_a_teacher_says_about_itself(saved):
    spec = f"file:{saved('my net (v2).keras')}"
    teacher = load_teacher(spec)
    assert teacher.spec == spec
    assert teacher.name == "my_net_v2_"
    assert teacher.image_size == SIZE
    assert teacher.classes == CLASSES
    assert teacher.labels == labels.load("places365")
    assert re.fullmatch("[0-9a-f]{16}", teacher.fingerprint)


@pytest.mark.gpu
def test_each_frame_alone_gives_the_same(saved):
    teacher = load_teacher(f"file:{saved()}")
    frames = random_frames()
    together = teacher(frames)
    for clip in range(2):
        for moment in range(3):
            alone = teacher(frames[clip : clip + 1, moment : moment + 1])
            np.testing.assert_allclose(alone[0, 0], together[clip, moment], atol=1e-6)


def test_eagerly_in_a_graph_of_any_shape_and_in_a_dataset(saved):
    teacher = load_teacher(f"file:{saved()}")
    frames = random_frames(size=20)
    eager = teacher(frames)
    open_shape = tf.TensorSpec([None] * 4 + [3], tf.uint8)
    graph = tf.function(teacher, input_signature=[open_shape])(frames)
    dataset = tf.data.Dataset.from_tensor_slices(frames).batch(1).map(teacher)
    assert dataset.element_spec.shape.as_list() == [None, 3, CLASSES]
    np.testing.assert_allclose(graph, eager, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(list(dataset)), eager, atol=1e-6)


def test_compiled_by_xla(saved):
    teacher = load_teacher(f"file:{saved()}")
    frames = random_frames(size=20)
    compiled = tf.function(teacher, jit_compile=True)(frames)
    np.testing.assert_allclose(compiled, teacher(frames), atol=1e-5)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((1, 1, SIZE, SIZE, 3), np.float32),
        np.zeros((1, SIZE, SIZE, 3), np.uint8),
        np.zeros((1, 1, SIZE, SIZE, 4), np.uint8),
        np.zeros((1, 1, SIZE, 2 * SIZE, 3), np.uint8),
    ],
    ids=["float", "no time", "alpha", "not square"],
)
def test_other_frames_are_refused(saved, frames):
    teacher = load_teacher(f"file:{saved()}")
    with pytest.raises(ValueError, match=re.escape(f"got {frames.dtype} {frames.shape}")):
        teacher(frames)


@pytest.mark.parametrize("length", [16, 9, 20, 31, 64])
def test_resize_is_tensorflows_antialiased_bilinear(length):
    pictures = random_frames(1, 2, length)[0].astype(np.float32)
    expected = tf.image.resize(pictures, (16, 16), method="bilinear", antialias=True)
    np.testing.assert_allclose(resize(tf.constant(pictures), 16), expected, atol=1e-3)


def test_resize_of_a_rectangle():
    pictures = np.random.default_rng(1).uniform(0, 255, (2, 30, 12, 3)).astype(np.float32)
    expected = tf.image.resize(pictures, (16, 16), antialias=True)
    np.testing.assert_allclose(resize(tf.constant(pictures), 16), expected, atol=1e-3)


def test_frames_of_another_size_are_resized(saved):
    teacher = load_teacher(f"file:{saved()}")
    frames = random_frames(1, 1, 40)
    pictures = tf.image.resize(frames[0], (SIZE, SIZE), antialias=True)
    np.testing.assert_allclose(teacher(frames)[0], teacher.model(pictures), atol=1e-6)


def test_float32_under_a_mixed_policy(saved):
    """Loaded under mixed_bfloat16, and called inside of a layer that computes in bfloat16."""
    path, frames = saved(), random_frames()
    expected = load_teacher(f"file:{path}")(frames)
    keras.config.set_dtype_policy("mixed_bfloat16")

    class Outer(keras.layers.Layer):
        def __init__(self, teacher):
            super().__init__()
            self.teacher = teacher

        def call(self, frames):
            return self.teacher(frames)

    teacher = load_teacher(f"file:{path}")
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    outer = Outer(teacher)
    for answers in (teacher(frames), outer(tf.constant(frames)), tf.function(outer)(frames)):
        assert answers.dtype == tf.float32
        np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-7)


def test_a_student_does_not_track_its_teacher(saved):
    teacher = load_teacher(f"file:{saved()}")
    before = [weight.numpy() for weight in teacher.model.weights]

    class Student(keras.Model):
        def __init__(self):
            super().__init__()
            self.teacher, self.teachers = teacher, {"scenes": teacher}
            self.dense = keras.layers.Dense(CLASSES)

        def call(self, frames, training=None):
            return self.dense(tf.cast(frames[:, :, 0, 0], tf.float32)) - self.teacher(frames)

    student = Student()
    student.compile("sgd", "mse")
    student.fit(random_frames(), np.zeros((2, 3, CLASSES)), verbose=0)
    assert len(student.weights) == 2
    assert not teacher.model.trainable_weights
    for old, new in zip(before, teacher.model.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_number_of_the_weights_changes_the_fingerprint(saved, tmp_path):
    """Of the same network, names of layers and all: those are in its configuration too."""
    network = keras.saving.load_model(saved())
    network.save(tmp_path / "as_it_was.keras")
    first, *others = network.get_weights()
    first.flat[-1] += 1e-3
    network.set_weights([first, *others])
    network.save(tmp_path / "changed.keras")
    configurations, fingerprints = set(), set()
    for name in ("as_it_was.keras", "changed.keras"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            configurations.add(archive.read("config.json"))
        fingerprints.add(load_teacher(f"file:{tmp_path / name}").fingerprint)
    assert (len(configurations), len(fingerprints)) == (1, 2)


def test_fingerprint_goes_by_weights_and_preprocessing(saved, tmp_path):
    first = load_teacher(f"file:{saved('a.keras')}").fingerprint
    small_network(seed=9)  # moves on the names that Keras makes up
    assert load_teacher(f"file:{tmp_path / 'a.keras'}").fingerprint == first
    assert load_teacher(f"file:{saved('b.keras', seed=2)}").fingerprint != first
    network = keras.saving.load_model(tmp_path / "a.keras")
    network.layers[0].scale = 1 / 127
    network.save(tmp_path / "c.keras")
    assert load_teacher(f"file:{tmp_path / 'c.keras'}").fingerprint != first


def test_labels_beside_the_file_win(saved):
    path = saved()
    names = tuple(f"scene {number}" for number in range(CLASSES))
    path.with_name("small.keras.labels.txt").write_text("\n".join(names) + "\n")
    assert load_teacher(f"file:{path}").labels == names


def test_labels_beside_the_file_must_be_as_many(saved):
    path = saved()
    path.with_name("small.keras.labels.txt").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match=r"small\.keras\.labels\.txt should name the 365 classes"):
        load_teacher(f"file:{path}")


def test_unknown_class_count_says_where_to_write_names(saved):
    with pytest.raises(ValueError, match=r"7 classes; .* to .*small\.keras\.labels\.txt"):
        load_teacher(f"file:{saved(classes=7)}")


def test_scores_get_a_softmax_and_a_line_in_the_log(saved, caplog):
    with caplog.at_level(logging.INFO, "absl"):
        teacher = load_teacher(f"file:{saved(is_softmax=False)}")
    assert "small.keras gives scores, not probabilities: adding a softmax" in caplog.text
    frames = random_frames(1, 2)
    scores = small_network(is_softmax=False).predict(frames[0].astype(np.float32), verbose=0)
    powers = np.exp(scores)
    np.testing.assert_allclose(teacher(frames)[0], powers / powers.sum(1, keepdims=True), atol=1e-5)


def test_probabilities_get_none(saved, caplog):
    with caplog.at_level(logging.INFO, "absl"):
        load_teacher(f"file:{saved()}")
    assert "softmax" not in caplog.text


def test_weights_that_are_not_finite(tmp_path):
    network = small_network()
    network.layers[-1].bias.assign(np.full(CLASSES, np.nan))
    network.save(tmp_path / "nan.keras")
    with pytest.raises(ValueError, match=r"nan\.keras gives numbers that are not finite"):
        load_teacher(f"file:{tmp_path / 'nan.keras'}")


@pytest.mark.parametrize("kind", ["BatchNormalization", "Dropout"])
def test_a_batch_teaches_a_teacher_nothing(tmp_path, kind):
    """A batch norm whose statistics are far from any picture's, or a dropout of half: a frame's
    answer is by their numbers in inference, alone and in a batch, and no variable moves."""
    layers = keras.layers
    norm = layers.BatchNormalization() if kind == "BatchNormalization" else layers.Dropout(0.5)
    scores = layers.Dense(CLASSES)
    network = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), layers.GlobalAveragePooling2D(), norm, scores]
    )
    kernel = np.random.default_rng(1).normal(0, 0.02, (3, CLASSES)).astype(np.float32)
    scores.set_weights([kernel, np.zeros(CLASSES)])
    mean, variance = np.array([100.0, 50.0, 200.0]), np.array([4.0, 9.0, 16.0])
    if kind == "BatchNormalization":
        norm.set_weights([np.ones(3), np.zeros(3), mean, variance])
    network.save(tmp_path / "a.keras")
    teacher = load_teacher(f"file:{tmp_path / 'a.keras'}")
    before = [weight.numpy() for weight in teacher.model.weights]
    frames = random_frames(2, 3)
    heard = frames.mean(axis=(2, 3), dtype=np.float64)
    if kind == "BatchNormalization":
        heard = (heard - mean) / np.sqrt(variance + 1e-3)
    powers = np.exp(heard @ kernel)
    expected = powers / powers.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(teacher(frames), expected, rtol=1e-3)
    np.testing.assert_allclose(teacher(frames[1:, 2:])[0, 0], expected[1, 2], rtol=1e-3)
    for old, now in zip(before, teacher.model.weights, strict=True):
        np.testing.assert_array_equal(old, now)
