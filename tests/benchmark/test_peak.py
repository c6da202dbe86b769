"""What a network has to compute: by hand, and by TensorFlow's own count."""

import pytest
import tensorflow as tf

from benchmark import peak
from benchmark.timing import Measurement
from soundnet_tf.models import student
from soundnet_tf.models.architecture import SOUNDNET5, SOUNDNET8, Architecture, Layer

TINY = Architecture(
    "tiny",
    trunk=(Layer("conv1", 4, 2, 1, 3), Layer("pool1", 2, 2), Layer("conv2", 2, 1, 0, 5)),
    head=Layer("heads", kernel=3, stride=1),
    embedding="conv2",
)


def test_operations_by_hand():
    """20 samples: conv1 gives (20 + 2 - 4) / 2 + 1 = 10 steps of 2·4·1·3 operations, the pool 5,
    conv2 4 of 2·2·3·5, a head of 7 classes 2 of 2·3·5·7. In a step all three times, but conv1,
    whose input needs no gradient, twice."""
    conv1, conv2, heads = 10 * 24, 4 * 60, 2 * 210
    assert peak.forward_flops(TINY, 20, 7) == conv1 + conv2 + heads
    assert peak.step_flops(TINY, 20, 7) == 2 * conv1 + 3 * (conv2 + heads)


@pytest.mark.parametrize(
    ("build", "architecture"), [(student.SoundNet8, SOUNDNET8), (student.SoundNet5, SOUNDNET5)]
)
def test_operations_by_the_profiler(build, architecture):
    model = build(plain_layers=True)
    forward = tf.function(lambda waveform: model(waveform, training=False))
    graph = forward.get_concrete_function(tf.TensorSpec([1, 441_000], tf.float32)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    node = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    counted = {}
    while node.children:  # one below the other
        (node,) = node.children
        counted[node.name] = node.float_ops
    assert peak.forward_flops(architecture, 441_000, 1401) == counted["Conv2D"]


def test_the_fastest_product_is_the_peak():
    """Each run is of 2·4096³ operations."""
    seconds = {"matmul 1024": 4.0, "matmul 2048": 2.0, "matmul 4096": 8.0}
    measured = {name: Measurement((value,), 0) for name, value in seconds.items()}
    assert [*peak.contestants()] == [*seconds]
    assert peak.peak_flops(measured) == 4096**3


@pytest.mark.parametrize("name", ["matmul 1024", "matmul 4096"])
def test_products_of_every_size_are_as_much_work(name):
    (contestant,) = [c for n, c in peak.contestants().items() if n == name]
    size = contestant.arguments["size"]
    products = peak.multiply(size)()
    assert len(products) * 2 * size**3 == 2 * 4096**3
    assert len(set(products)) == 1 and 4 < products[0] / size**0.5 < 7
