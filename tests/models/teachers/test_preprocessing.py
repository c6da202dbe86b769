"""What each family of Keras Applications is given of RGB in [0, 255], by published formulas."""

import keras
import numpy as np
import pytest
from small_vision import SIZE, random_frames

from soundnet_tf.models.teachers.teacher import load_teacher

SLOPE = 0.02  # of the scores, small enough for a softmax of [-128, 255] to keep its digits


def caffe(rgb):
    """Blue, green, red less ImageNet's means (VGG, ResNet: released Caffe models)."""
    return rgb[..., ::-1] - np.array([103.939, 116.779, 123.68])


def symmetric(rgb):
    """[-1, 1] (Inception, MobileNet)."""
    return rgb / 127.5 - 1


def torch(rgb):
    """Shares of 1 less ImageNet's mean, by its deviation (DenseNet)."""
    return (rgb / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])


def itself(rgb):
    """These networks scale inside (EfficientNet, MobileNetV3)."""
    return rgb


FORMULAS = {
    "VGG16": caffe, "VGG19": caffe, "ResNet50": caffe, "ResNet50V2": symmetric,
    "InceptionV3": symmetric, "Xception": symmetric, "MobileNet": symmetric,
    "MobileNetV2": symmetric, "NASNetMobile": symmetric, "DenseNet121": torch,
    "EfficientNetB0": itself, "EfficientNetV2B0": itself, "MobileNetV3Small": itself,
    "ConvNeXtTiny": itself,
}  # fmt: skip


def stand_in(module):
    """An application of Keras's `module`, of which class c < 3 scores SLOPE x channel c's mean, and
    the others 0."""

    def application(weights=None):
        pictures = keras.Input((SIZE, SIZE, 3))
        mean = keras.layers.GlobalAveragePooling2D()(pictures)
        scores = keras.layers.Dense(1000, name="scores")
        network = keras.Model(pictures, scores(mean))
        scores.set_weights([SLOPE * np.eye(3, 1000), np.zeros(1000)])
        return network

    application.__module__ = module
    return application


@pytest.mark.parametrize("name", FORMULAS)
def test_the_network_is_given_what_it_was_trained_on(monkeypatch, tmp_path, name):
    """ln p[c] - ln p[999] is the score of class c."""
    application = stand_in(getattr(keras.applications, name).__module__)
    monkeypatch.setattr(keras.applications, name, application)
    application().save_weights(tmp_path / "a.weights.h5")
    teacher = load_teacher(f"keras:{name}@{tmp_path / 'a.weights.h5'}")
    frames = random_frames(1, 2)
    frames[..., 0] //= 4  # little red and much blue
    expected = FORMULAS[name](frames.astype(np.float64)).mean(axis=(2, 3))
    scores = np.log(teacher(frames).numpy())
    found = (scores[..., :3] - scores[..., 999:]) / SLOPE
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
