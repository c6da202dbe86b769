"""What a network has to compute, and how fast the machine can multiply at best."""

import keras
import tensorflow as tf

from benchmark.timing import Contestant, Measurement
from soundnet_tf.models import architecture as arch

_SIZES = (1024, 2048, 4096)
_FLOPS = 2 * max(_SIZES) ** 3  # of every run, whatever its size


def forward_flops(architecture: arch.Architecture, samples: int, classes: int) -> int:
    """Multiplications and additions of the convolutions for one clip.

    A convolution of kernel k from c channels to f filters takes 2 k c f for each of its steps.
    Batch norms, ReLUs and pools are not counted.

    Args:
        architecture: the layer table.
        samples: length of the clip.
        classes: of all heads together.
    """
    return sum(_layer_flops(architecture, samples, classes).values())


def step_flops(architecture: arch.Architecture, samples: int, classes: int) -> int:
    """The same for a training step: each convolution has a gradient for its kernel and one for its
    input, each as dear as itself; but the waveform needs no gradient."""
    flops = _layer_flops(architecture, samples, classes)
    return 3 * sum(flops.values()) - flops[architecture.trunk[0].name]


def _layer_flops(architecture: arch.Architecture, samples: int, classes: int) -> dict[str, int]:
    flops, channels = {}, 1
    for conv, _ in architecture.blocks:
        steps = architecture.output_length(conv.name, samples)
        flops[conv.name] = 2 * conv.kernel * channels * conv.filters * steps
        channels = conv.filters
    head = architecture.head
    steps = architecture.output_length(head.name, samples)
    return flops | {head.name: 2 * head.kernel * channels * classes * steps}


def contestants() -> dict[str, Contestant]:
    """Square products of several sizes, all with the same number of operations."""
    return {f"matmul {size}": Contestant(multiply, {"size": size}) for size in _SIZES}


def multiply(size: int):
    """Contestant: float32 products [size, size]."""
    left, right = (keras.random.normal([size, size], seed=seed) for seed in (0, 1))

    @tf.function
    def product():
        return tf.reduce_max(tf.matmul(left, right))

    return lambda: [float(product()) for _ in range(_FLOPS // (2 * size**3))]


def peak_flops(measured: dict[str, Measurement]) -> float:
    """Operations a second of the fastest of `contestants`."""
    return _FLOPS / min(measured[name].median_secs for name in contestants())
