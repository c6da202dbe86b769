"""Keras's global settings change nothing of what is built, or a sentence says what does not go."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import soundnet_tf
from soundnet_tf.models import checkpoint, pretrained, student
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.serving import listener
from soundnet_tf.serving.export import run as export

SECOND = 22050
LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
WAVEFORM = np.random.default_rng(0).uniform(-0.4, 0.4, 12 * SECOND).astype(np.float32)

SETTINGS = {
    "float16": lambda: (keras.config.set_floatx("float16"), set_policy("float16")),
    "float64": lambda: (keras.config.set_floatx("float64"), set_policy("float64")),
    "floatx alone": lambda: keras.config.set_floatx("float16"),
    "bfloat16 weights": lambda: set_policy("bfloat16"),
    "mixed_bfloat16": lambda: set_policy("mixed_bfloat16"),
    "mixed_float16": lambda: set_policy("mixed_float16"),
    "channels_first": lambda: keras.config.set_image_data_format("channels_first"),
}


def set_policy(name):
    keras.config.set_dtype_policy(name)


@pytest.fixture(autouse=True)
def _as_before():
    yield
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    listener._load.cache_clear()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    checkpoint.save_student(folder, network, LABELS)
    return folder


@pytest.fixture(scope="module")
def expected(model):
    return soundnet_tf.recognize(WAVEFORM, SECOND, model=model).probabilities["scenes"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_exports_do_not_depend_on_them(name, model, expected, tmp_path):
    SETTINGS[name]()
    network, labels = pretrained.load(model)
    folders = export.export(network, labels, str(tmp_path / "x"), ("savedmodel", "keras"))
    for folder in folders:
        heard = soundnet_tf.recognize(WAVEFORM, SECOND, model=folder)
        np.testing.assert_array_equal(heard.probabilities["scenes"], expected)
    saved = tf.saved_model.load(folders[0])
    np.testing.assert_allclose(saved(WAVEFORM[None])["scenes"][0], expected, atol=1e-6)
    trained = saved(WAVEFORM[None], training=True)["scenes"]
    assert trained.dtype == tf.float32 and np.isfinite(trained).all()


@pytest.mark.parametrize("name", SETTINGS)
def test_listening_does_not_depend_on_them(name, model, expected):
    SETTINGS[name]()
    before = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    listener._load.cache_clear()
    heard = soundnet_tf.recognize(WAVEFORM, SECOND, model=model)
    np.testing.assert_array_equal(heard.probabilities["scenes"], expected)
    after = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    assert after == before


@pytest.mark.parametrize("name", ["float16", "float64", "bfloat16 weights"])
@pytest.mark.parametrize("build", [student.SoundNet8, student.SoundNet5])
def test_weights_of_another_type_are_refused_when_a_student_is_built(name, build):
    SETTINGS[name]()
    with pytest.raises(ValueError, match=r'dtype policy is b?float.*set_dtype_policy\("float32"\)'):
        build()


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("name", ["floatx alone", "channels_first"])
def test_a_student_is_the_same(name, plain):
    keras.utils.set_random_seed(1)
    usual = student.SoundNet5(object_classes=3, scene_classes=2, plain_layers=plain)
    SETTINGS[name]()
    keras.utils.set_random_seed(1)
    network = student.SoundNet5(object_classes=3, scene_classes=2, plain_layers=plain)
    for head, logits in network(WAVEFORM[None]).items():
        assert logits.dtype == tf.float32
        np.testing.assert_array_equal(logits, usual(WAVEFORM[None])[head])


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_compute_in_16_bits(name):
    """bfloat16 has 8 bits of significand: some layers on, some per cent of the greatest number."""
    keras.utils.set_random_seed(1)
    usual = student.SoundNet5(object_classes=3, scene_classes=2)(WAVEFORM[None])["objects"]
    SETTINGS[name]()
    keras.utils.set_random_seed(1)
    network = student.SoundNet5(object_classes=3, scene_classes=2)
    found = network(WAVEFORM[None])["objects"]
    assert found.dtype == name.removeprefix("mixed_")
    assert {v.dtype for v in network.variables} == {"float32"}
    np.testing.assert_allclose(np.float32(found), usual, rtol=0, atol=0.05 * np.abs(usual).max())


@pytest.mark.parametrize("name", SETTINGS)
def test_teachers_see_the_same(name, tmp_path):
    path = str(tmp_path / "teacher.keras")
    rgb = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(rgb))
    keras.Model(rgb, keras.layers.Dense(1000, activation="softmax")(x)).save(path)
    frames = np.random.default_rng(0).integers(0, 256, (1, 2, 8, 8, 3)).astype(np.uint8)
    teacher = load_teacher(f"file:{path}")
    expected, features = teacher(frames).numpy(), teacher.features(frames).numpy()
    SETTINGS[name]()
    again = load_teacher(f"file:{path}")
    np.testing.assert_array_equal(again(frames), expected)
    np.testing.assert_array_equal(again.features(frames), features)
    assert again.fingerprint == teacher.fingerprint


def test_standard_settings_end_after_an_error_too():
    SETTINGS["float64"]()
    with pytest.raises(KeyError), standard_settings("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyError
    assert keras.config.floatx() == "float64" and keras.config.dtype_policy().name == "float64"


def test_a_network_of_pictures_is_built_with_channels_last():
    """Keras's own, which asks the global setting where its channels are."""
    SETTINGS["channels_first"]()
    with standard_settings():
        network = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3))
    assert network.output_shape == (None, 1000)
    assert keras.config.image_data_format() == "channels_first"
