"""A student for LiteRT (TensorFlow Lite): phones, microcontrollers with Linux, browsers.

    FOLDER/soundnet8.tflite        float32
    FOLDER/soundnet8_int8.tflite   most weights in 8 bits (dynamic range), about a quarter as large
    FOLDER/objects.txt, scenes.txt, metadata.json

Dynamic range also rounds what goes into a layer to 8 bits, with one scale for the whole clip: of a
dog that barks once in a quiet yard it would keep the bark and lose the yard. So the layers up to
the embedding, which have 2 % of the weights, stay in float32 in the small file too.

The input `waveform` is float32 [1, samples], 20 s unless it is resized; the outputs are those of
the SavedModel, `embedding`, `objects` and `scenes`. Nothing loops in here: a resized input must be
as long as `minimum_secs` of the heads in metadata.json (SoundNet-8: 10.99 s).
Samples that are NaN or infinite give NaN; another scale than [-1, 1] is not noticed.
"""

import itertools
import os

import keras
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from soundnet_tf import constants
from soundnet_tf.files import atomic
from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models.finite import zero_or_nan
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.serving.export.savedmodel import metadata

_CONV_2D = schema.BuiltinOperator.CONV_2D


@standard_settings()
def save_litert(student: keras.Model, labels: checkpoint.Labels, folder: str) -> None:
    """Writes the files of the module's docstring.

    Args:
        student: a SoundNet with heads that give logits.
        labels: class names of each head.
        folder: where to; it is made if it is not there.
    """
    student = checkpoint.float32_copy(student)
    checkpoint.write_labels(folder, labels)
    atomic.write_json(os.path.join(folder, pretrained.METADATA_FILE), metadata(student))
    network = FoldedNetwork(student)
    shape = [1, constants.CLIP_SAMPLES]
    listen = tf.function(
        lambda waveform: _listen(network, waveform),
        input_signature=[tf.TensorSpec(shape, tf.float32, name="waveform")],
    )
    whole = _convert(listen, [])
    embedding = [layer.name for layer in network.architecture.trunk].index(
        network.architecture.embedding
    )
    kept = sum(bool(layer.filters) for layer in network.architecture.trunk[: embedding + 1])
    small = _with_float_convolutions(_convert(listen, [tf.lite.Optimize.DEFAULT]), whole, kept)
    for suffix, content in {"": whole, "_int8": small}.items():
        atomic.write_bytes(os.path.join(folder, f"{student.name}{suffix}.tflite"), content)


def _convert(listen, optimizations: list) -> bytes:
    functions = [listen.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, tf.Module())
    converter.optimizations = optimizations
    return converter.convert()


def _with_float_convolutions(quantized: bytes, whole: bytes, count: int) -> bytes:
    """The quantized model whose first `count` convolutions have the float kernels of `whole`."""
    target, source = (flatbuffer_utils.convert_bytearray_to_object(m) for m in (quantized, whole))
    pairs = zip(_kernels(target), _kernels(source), strict=True)
    for kernel, float_kernel in itertools.islice(pairs, count):
        kernel.type, kernel.quantization = float_kernel.type, None
        target.buffers[kernel.buffer].data = source.buffers[float_kernel.buffer].data
    return bytes(flatbuffer_utils.convert_object_to_bytearray(target))


def _kernels(model) -> list:
    """The kernel tensors of a LiteRT model's convolutions, in order."""
    (graph,) = model.subgraphs
    return [
        graph.tensors[operator.inputs[1]]
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == _CONV_2D
    ]


def _listen(network: FoldedNetwork, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """The SavedModel's outputs by plain convolutions, which LiteRT runs best.

    Two-dimensional with height 1 throughout: no operation in between has a fixed length, so the
    input can be resized.
    """
    architecture, outputs = network.architecture, {}
    nothing = zero_or_nan(waveform)
    x = tf.reshape(waveform, [1, 1, -1, 1])
    for conv, pool in architecture.blocks:
        kernel, bias = network.weights[conv.name]
        x = tf.nn.relu(_convolve(_pad(x, conv.padding, conv.padding), kernel, conv.stride) + bias)
        if pool:
            size = [1, 1, pool.kernel, 1]
            x = tf.nn.max_pool2d(x, size, size, "VALID")
        if architecture.embedding == (pool or conv).name:
            outputs["embedding"] = tf.reduce_mean(x, axis=[1, 2]) + nothing[:, 0]
    x = _pad(x[:, :, :-1], architecture.head.padding, 0)
    for head in network.heads:
        kernel, bias = network.weights[head]
        logits = _convolve(x, kernel, architecture.head.stride) + bias
        # A sum over the height of 1: tf.squeeze would become a reshape to a fixed length.
        outputs[head] = tf.nn.softmax(tf.reduce_sum(logits, axis=1) + nothing)
    return outputs


def _convolve(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    return tf.nn.conv2d(x, kernel[None], [1, 1, stride, 1], "VALID")


def _pad(x: tf.Tensor, left: int, right: int) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [0, 0], [left, right], [0, 0]])
