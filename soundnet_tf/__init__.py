"""SoundNet in Keras: learn sound from your own unlabelled video, or use what it learned.

Names are imported on first use, so that worker processes which only decode media, and users who
only read labels, never wait for TensorFlow.
"""

import importlib

from soundnet_tf.version import __version__

_LAZY = {
    "SoundNet5": "soundnet_tf.models.student",
    "SoundNet8": "soundnet_tf.models.student",
    "Stream": "soundnet_tf.serving.stream",
    "decode_predictions": "soundnet_tf.models.student",
    "embed": "soundnet_tf.serving.embed",
    "embed_file": "soundnet_tf.serving.embed",
    "load": "soundnet_tf.serving.listener",
    "preprocess_input": "soundnet_tf.models.student",
    "probe": "soundnet_tf.media",
    "read_clip": "soundnet_tf.media",
    "recognize": "soundnet_tf.serving.recognize",
    "recognize_file": "soundnet_tf.serving.recognize",
}

__all__ = ["__version__", *sorted(_LAZY)]


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
