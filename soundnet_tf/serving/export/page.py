"""A student as one web page that hears: a file dropped on it, or the microphone, in the browser.

The page holds the network (folded, its kernels as 16-bit floats, 38 MB of base64 for SoundNet-8),
and the JavaScript of `assets/hear/`, which does what `serving.stream` does. It asks nothing of any
network, so it works from a disk, and what it hears stays on the computer. Answers are those of
`serving.recognize` with its defaults, up to 0.001 of a probability.
"""

import base64
from typing import Any

import keras
import numpy as np

from soundnet_tf import constants
from soundnet_tf.files import atomic
from soundnet_tf.models import architecture as arch
from soundnet_tf.models import checkpoint
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.pages import template
from soundnet_tf.version import __version__

_LARGEST = float(np.finfo(np.float16).max)  # of kernels

# Scripts of assets/hear: those that only the worker or the sound card's thread runs, and those of
# the page, of which the worker takes one too; `page` uses all others.
_ELSEWHERE = ("network", "resample", "hearing", "worker", "microphone_worklet")
_HERE = (
    *("words", "spectrum", "wav", "header_rate", "sound_file", "microphone", "ears", "heard"),
    *("timeline", "answers", "page"),
)


@standard_settings()
def save_page(student: keras.Model, labels: checkpoint.Labels, path: str) -> None:
    """Writes the page of the module's docstring.

    Args:
        student: a SoundNet with heads that give logits.
        labels: class names of each head.
        path: the file to write; its folder is there.

    Raises:
        ValueError: weights that are not finite, or too large for 16-bit floats.
    """
    network = FoldedNetwork(checkpoint.float32_copy(student))
    kernels, biases = _weights(network)
    html = template.render(
        "hear/page.html",
        description=description(network, labels),
        kernels=base64.b64encode(kernels).decode("ascii"),
        biases=base64.b64encode(biases).decode("ascii"),
        elsewhere=_ELSEWHERE,
        here=_HERE,
        about=_about(network),
    )
    atomic.write_text(path, html)


def description(network: FoldedNetwork, labels: checkpoint.Labels) -> dict[str, Any]:
    """The layers, moments and names that the page's JavaScript goes by."""
    architecture = network.architecture
    heads = architecture.heads
    needed = architecture.need(heads.name)
    return {
        "blocks": [
            {"conv": _layer(conv), "pool": _layer(pool) if pool else None}
            for conv, pool in architecture.blocks
        ],
        "head": _layer(architecture.head),
        "heads": [
            {"name": name, "classes": classes, "labels": list(labels[name])}
            for name, classes in network.heads.items()
        ],
        "sample_rate": constants.SAMPLE_RATE,
        "minimum_samples": needed.minimum,
        "target_samples": needed.target,
        "first_centre_secs": heads.first_centre_secs,
        "hop_secs": heads.hop_secs,
        "receptive_field_secs": heads.receptive_field_secs,
    }


def _layer(layer: arch.Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kernel": layer.kernel,
        "stride": layer.stride,
        "padding": layer.padding,
        "filters": layer.filters,
    }


def _weights(network: FoldedNetwork) -> tuple[bytes, bytes]:
    """Kernels, float16 [filters, kernel, in] one after the other, and biases, float32: of the
    trunk's layers, then of the heads."""
    kernels, biases = [], []
    for name in [*(conv.name for conv, _ in network.architecture.blocks), *network.heads]:
        kernel, bias = (np.asarray(values) for values in network.weights[name])
        largest = float(np.abs(kernel).max())
        if not largest <= _LARGEST or not np.isfinite(bias).all():
            raise ValueError(
                f"{name} has weights up to {largest:g}, which 16-bit floats cannot hold, or that "
                "are not finite; export it as savedmodel, or look at the training"
            )
        kernels.append(np.moveaxis(kernel, 2, 0).astype("<f2").tobytes())
        biases.append(bias.astype("<f4").tobytes())
    return b"".join(kernels), b"".join(biases)


def _about(network: FoldedNetwork) -> str:
    heads = ", ".join(f"{classes} {name}" for name, classes in network.heads.items())
    return (
        "The network learned from videos and names what would be in the picture: a tenth is much, "
        "less than a twentieth may be chance. "
        f"{network.architecture.name} ({heads}), its weights as 16-bit floats, by soundnet_tf "
        f"{__version__}. Of several channels it hears their mean. An answer hears "
        f"{network.architecture.heads.receptive_field_secs:.1f} s around its moment; a percentage "
        "is the network's own, not how often it is right."
    )
