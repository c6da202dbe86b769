"""Which kernels of the LiteRT files are float32 and which 8 bits, and their numbers, by layer."""

import numpy as np
import pytest
from lively import lively
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from soundnet_tf.models import student
from soundnet_tf.serving.export.litert import save_litert

LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
FLOAT32, INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8
# Convolutions up to the embedding, pool5 or conv4; and those behind it.
FLOAT_LAYERS = {
    "soundnet8": ["conv1", "conv2", "conv3", "conv4", "conv5"],
    "soundnet5": ["conv1", "conv2", "conv3", "conv4"],
}
SMALL_LAYERS = {"soundnet8": ["conv6", "conv7"], "soundnet5": []}


@pytest.fixture(scope="module", params=["soundnet5", "soundnet8"])
def network(request):
    return lively(student.BUILDERS[request.param](object_classes=3, scene_classes=2))


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    """Kernels of the float32 file and of the small one: layer to (type, array, scales)."""
    folder = tmp_path_factory.mktemp("litert")
    save_litert(network, LABELS, str(folder))
    return [kernels(folder / f"{network.name}{suffix}.tflite") for suffix in ("", "_int8")]


def kernels(path):
    """Kernels [filters, steps, channels] of a file's convolutions, by the layer of their shape."""
    model = flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    found = {}
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if code != schema.BuiltinOperator.CONV_2D:
            continue
        tensor = graph.tensors[operator.inputs[1]]
        data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
        array = data.view({FLOAT32: np.float32, INT8: np.int8}[tensor.type])
        filters, _, steps, channels = tensor.shape
        scales = None if tensor.quantization is None else tensor.quantization.scale
        shape = filters, steps, channels
        found[shape] = tensor.type, array.reshape(shape), scales
    return found


def folded(network, name):
    """A kernel [filters, steps, channels] with its batch norm's factor, and 256 in the first."""
    if name in LABELS:
        return np.moveaxis(network.get_layer(name).kernel.numpy(), -1, 0)
    kernel = network.get_layer(f"{name}_conv").kernel.numpy().astype(np.float64)
    norm = network.get_layer(f"{name}_bn")
    factor = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + 1e-5)
    return np.moveaxis(kernel * factor * (256 if name == "conv1" else 1), -1, 0)


def test_layers_up_to_the_embedding_are_float32_in_both(network, files):
    whole, small = files
    names = [*FLOAT_LAYERS[network.name], *SMALL_LAYERS[network.name], *LABELS]
    assert len(whole) == len(small) == len(names)  # every kernel has a shape of its own
    for name in FLOAT_LAYERS[network.name]:
        expected = folded(network, name)
        for kind, array, _ in (whole[expected.shape], small[expected.shape]):
            assert kind == FLOAT32, name
            np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-7, err_msg=name)
        np.testing.assert_array_equal(small[expected.shape][1], whole[expected.shape][1])


def test_what_lies_behind_is_8_bits_in_the_small_file(network, files):
    """One scale for a filter: its greatest number is 127 of them, and rounding half of one."""
    whole, small = files
    for name in [*SMALL_LAYERS[network.name], *LABELS]:
        expected = folded(network, name)
        kind, array, _ = whole[expected.shape]
        assert kind == FLOAT32, name
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-7, err_msg=name)
        kind, array, scales = small[expected.shape]
        assert kind == INT8, name
        scales = np.reshape(scales, [-1, 1, 1])
        greatest = np.abs(expected).max(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(scales, greatest / 127, rtol=1e-4)
        assert (np.abs(array * scales - expected) <= 0.51 * scales).all(), name
