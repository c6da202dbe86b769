"""Contestants of long recordings."""

import os
import tempfile
from collections.abc import Callable

import numpy as np

from soundnet_tf.media import read_audio
from soundnet_tf.serving import listener
from soundnet_tf.serving.extraction.run import extract
from soundnet_tf.serving.extraction.settings import ExtractConfig

_LAYER = "pool5"


def hear(model: str, path: str) -> Callable[[], None]:
    """Contestant: features of a recording that is decoded already."""
    waveform, ears = read_audio(path), listener.load(model)

    def run():
        ears.hear([waveform], [_LAYER])

    return run


def extract_file(model: str, path: str) -> Callable[[], None]:
    """Contestant: from a file to a file of features, loading the network too."""
    _warm_up(model)

    def run():
        with tempfile.TemporaryDirectory() as folder:
            config = ExtractConfig(path, os.path.join(folder, "features.npz"), _LAYER, model=model)
            extract(config, progress=False)

    return run


def _warm_up(model: str) -> None:
    """Lets TensorFlow load its kernels."""
    listener.load(model).hear([np.zeros(2 * listener.PIECE_SAMPLES + 1, np.float32)], [_LAYER])
