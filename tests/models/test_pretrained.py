"""Trained networks in every form, by the name or path that a user gives."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import torch7_files

from soundnet_tf import labels
from soundnet_tf.files import atomic
from soundnet_tf.models import architecture, checkpoint, pretrained, student
from soundnet_tf.models.weights import published
from soundnet_tf.serving.export import savedmodel

ROOT = pathlib.Path(__file__).parents[2]
NAMES = {"objects": labels.load("imagenet_1000"), "scenes": labels.load("places2_401")}


def assert_same_weights(a, b):
    for layer in a.layers:
        for x, y in zip(layer.get_weights(), b.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def network():
    return student.SoundNet5()


def test_torch7_files_get_the_names_of_the_published_lists(tmp_path):
    table = architecture.SOUNDNET5
    weights = torch7_files.random_weights(table)
    path = torch7_files.write(tmp_path / "net.t7", torch7_files.net(table, weights, "cudnn"))
    loaded, names = pretrained.load(str(path))
    assert names == NAMES
    expected = student.SoundNet5()
    published.assign(expected, weights)
    assert_same_weights(loaded, expected)


def test_numpy_files(tmp_path):
    weights = torch7_files.random_weights(architecture.SOUNDNET5)
    np.save(tmp_path / "net.npy", weights, allow_pickle=True)
    loaded, names = pretrained.load(str(tmp_path / "net.npy"))
    assert loaded.name == "soundnet5" and names == NAMES
    kernel = loaded.get_layer("conv1_conv").kernel.numpy()
    np.testing.assert_array_equal(kernel, weights["conv1"]["weights"][:, 0])


def test_folders_of_training_and_of_exports(network, tmp_path):
    checkpoint.save_student(str(tmp_path / "best"), network, NAMES)
    savedmodel.save_savedmodel(network, NAMES, str(tmp_path / "saved"))
    for folder in ("best", "saved"):
        loaded, names = pretrained.load(str(tmp_path / folder))
        assert names == NAMES
        assert_same_weights(loaded, network)


def test_a_saved_model_whose_variables_do_not_fit(network, tmp_path):
    """Its metadata say SoundNet-8: the first variable that differs is named."""
    folder = str(tmp_path / "saved")
    savedmodel.save_savedmodel(network, NAMES, folder)
    path = f"{folder}/assets/{pretrained.METADATA_FILE}"
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    atomic.write_text(path, text.replace('"soundnet5"', '"soundnet8"'))
    with pytest.raises(ValueError, match=r"conv1_conv/kernel wants \(64, 1, 16\), the file has"):
        pretrained.load(folder)


@pytest.mark.slow
def test_the_binary_exports_released_weights(tmp_path):
    weights = torch7_files.random_weights(architecture.SOUNDNET5)
    path = torch7_files.write(
        tmp_path / "net.t7", torch7_files.net(architecture.SOUNDNET5, weights)
    )
    command = [sys.executable, str(ROOT / "bin/export.py"), f"--out={tmp_path / 'out'}"]
    done = subprocess.run([*command, f"--weights={path}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote {tmp_path / 'out'}\n"
    heard = tf.saved_model.load(str(tmp_path / "out"))(np.zeros((1, 22050), np.float32))
    assert heard["objects"].shape[-1] == 1000 and heard["scenes"].shape[-1] == 401


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--run=a", "--weights=published"]])
def test_the_binary_wants_one_source(tmp_path, flags):
    command = [sys.executable, str(ROOT / "bin/export.py"), f"--out={tmp_path / 'out'}", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "give either --run, a folder of bin/train.py, or --weights" in done.stderr
