"""The LiteRT files in the interpreter: fixed and resized, float32 and int8, beside the student."""

import os

import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf import labels
from soundnet_tf.media import read_audio
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving.export import run as export

SECOND = 22050
NAMES = {"objects": labels.load("imagenet_1000"), "scenes": labels.load("places2_401")}


@pytest.fixture(scope="module")
def published():
    try:
        return student.SoundNet8(weights="published")
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(published, tmp_path_factory):
    target = str(tmp_path_factory.mktemp("litert") / "model")
    assert export.export(published, NAMES, target, ("litert",)) == [target]
    return target


def listen(path, waveform):
    """The interpreter's outputs for one waveform, after resizing its input if need be."""
    interpreter = tf.lite.Interpreter(path)
    (given,) = interpreter.get_input_details()
    if given["shape"][1] != waveform.size:
        interpreter.resize_tensor_input(given["index"], [1, waveform.size], strict=False)
    interpreter.allocate_tensors()
    return interpreter.get_signature_runner()(waveform=waveform[None])


def expected(network, waveform):
    outputs = network(waveform[None], endpoints=["pool5", "objects", "scenes"])
    embedding = tf.reduce_mean(outputs.pop("pool5"), axis=1)
    return {"embedding": embedding} | {n: tf.nn.softmax(v) for n, v in outputs.items()}


def noise(samples):
    return np.random.default_rng(samples).uniform(-0.4, 0.4, samples).astype(np.float32)


def test_the_input_is_20_s_and_named(folder):
    interpreter = tf.lite.Interpreter(f"{folder}/soundnet8.tflite")
    assert interpreter.get_signature_list()["serving_default"] == {
        "inputs": ["waveform"],
        "outputs": ["embedding", "objects", "scenes"],
    }
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 441_000]


@pytest.mark.parametrize("samples", [441_000, 242_149, 11 * SECOND, 33 * SECOND + 5])
def test_float32_equals_the_student(folder, published, samples):
    """242 149 samples are the least that a head needs."""
    waveform = noise(samples)
    outputs = listen(f"{folder}/soundnet8.tflite", waveform)
    for name, values in expected(FoldedNetwork(published), waveform).items():
        assert outputs[name].shape == values.shape
        np.testing.assert_allclose(outputs[name], values, rtol=1e-4, atol=1e-5)


def test_it_equals_the_saved_model(folder, published, tmp_path):
    export.export(published, NAMES, str(tmp_path / "saved"), ("savedmodel",))
    waveform = noise(441_000)
    saved = tf.saved_model.load(str(tmp_path / "saved"))(waveform[None])
    lite = listen(f"{folder}/soundnet8.tflite", waveform)
    for name, values in saved.items():
        np.testing.assert_allclose(lite[name], values, rtol=1e-4, atol=1e-5)


def test_int8_is_a_quarter_as_large(folder):
    full, small = (os.path.getsize(f"{folder}/soundnet8{s}.tflite") for s in ("", "_int8"))
    assert 57e6 < full < 58e6
    assert small < 0.27 * full


@pytest.mark.parametrize("name", ["1-100032-A", "1-17367-A", "1-28135-A", "1-26806-A"])
def test_int8_hears_the_same_in_real_recordings(folder, published, shared, name):
    """The layers up to the embedding are float32; probabilities differ by less than 0.02. (With all
    layers in 8 bits the bark of 1-100032-A has an embedding of cosine 0.93.)"""
    (path,) = (shared / "data/esc10/audio").glob(f"*/{name}.ogg")
    waveform = np.resize(read_audio(str(path)), 441_000)
    outputs = listen(f"{folder}/soundnet8_int8.tflite", waveform)
    values = expected(FoldedNetwork(published), waveform)
    np.testing.assert_allclose(outputs["embedding"], values["embedding"], rtol=1e-4, atol=1e-4)
    for head in NAMES:
        np.testing.assert_allclose(outputs[head], values[head], atol=0.02)
        assert np.argmax(outputs[head].mean(1)) == np.argmax(tf.reduce_mean(values[head], 1))


def test_labels_and_metadata_lie_beside(folder):
    files = sorted(os.listdir(folder))
    assert files == [
        "metadata.json", "objects.txt", "scenes.txt", "soundnet8.tflite", "soundnet8_int8.tflite"
    ]  # fmt: skip
    with open(f"{folder}/objects.txt", encoding="utf-8") as file:
        assert tuple(file.read().splitlines()) == NAMES["objects"]


def test_soundnet5_too(tmp_path):
    network = student.SoundNet5(object_classes=3, scene_classes=None)
    names = {"objects": ("a", "b", "c")}
    export.export(network, names, str(tmp_path / "lite"), ("litert",))
    waveform = noise(9 * SECOND)
    outputs = listen(str(tmp_path / "lite/soundnet5.tflite"), waveform)
    values = FoldedNetwork(network)(waveform[None], endpoints=["conv4", "objects"])
    np.testing.assert_allclose(outputs["objects"], tf.nn.softmax(values["objects"]), atol=1e-5)
    pooled = tf.reduce_mean(values["conv4"], axis=1)
    np.testing.assert_allclose(outputs["embedding"], pooled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", ["", "_int8"])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_samples_that_are_not_finite_give_nan(folder, suffix, bad):
    waveform = noise(441_000)
    waveform[123_456] = bad
    for output in listen(f"{folder}/soundnet8{suffix}.tflite", waveform).values():
        assert np.isnan(output).all()
