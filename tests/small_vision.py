"""A small vision network, files of it and frames for it, for tests of teachers."""

from pathlib import Path

import keras
import numpy as np

CLASSES = 365
SIZE = 16  # pixels


def small_network(*, seed=1, is_softmax=True, classes=CLASSES, input_shape=(SIZE, SIZE, 3)):
    """With what makes training and inference differ: dropout, and statistics unlike any batch's."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, strides=2),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(
                classes,
                activation="softmax" if is_softmax else None,
                kernel_initializer=keras.initializers.RandomNormal(stddev=2),
            ),
        ]
    )
    network.layers[2].moving_mean.assign(np.linspace(-1, 1, 8))
    return network


def save(folder: Path, name: str = "small.keras", **options) -> Path:
    """A file of `small_network(**options)`."""
    path = folder / name
    small_network(**options).save(path)
    return path


def random_frames(batch=2, time=3, size=SIZE, seed=0):
    shape = (batch, time, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
