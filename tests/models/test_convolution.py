"""Strided convolutions by other arithmetic: the numbers are those of TensorFlow's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from soundnet_tf.models import convolution, student
from soundnet_tf.models.architecture import SOUNDNET5, SOUNDNET8
from soundnet_tf.models.convolution import convolve, strided_conv1d

LAYERS = [
    *[layer for layer in SOUNDNET8.trunk + SOUNDNET5.trunk if layer.filters],
    SOUNDNET8.head,
    SOUNDNET5.head,
]


def direct(x, kernel, stride):
    """Float64 sums over windows, and what a gradient of ones times `weights` gives back."""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(kernel), axis=1)[:, ::stride]
    return np.einsum("bnck,kcf->bnf", windows.astype(np.float64), kernel.astype(np.float64))


def direct_gradients(x, kernel, stride, of_output):
    size, steps = len(kernel), of_output.shape[1]
    of_x, of_kernel = np.zeros(x.shape), np.zeros(kernel.shape)
    for k in range(size):
        seen = slice(k, k + stride * (steps - 1) + 1, stride)
        of_x[:, seen] += of_output @ kernel[k].T.astype(np.float64)
        of_kernel[k] = np.einsum("bnc,bnf->cf", x[:, seen].astype(np.float64), of_output)
    return of_x, of_kernel


def check(batch, steps, channels, size, filters, stride, seed=0, static=True):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, steps, channels), np.float32)
    kernel = rng.standard_normal((size, channels, filters), np.float32)
    expected = direct(x, kernel, stride)
    of_output = rng.standard_normal(expected.shape, np.float32)
    spec = [batch, steps if static else None, channels]

    @tf.function(input_signature=[tf.TensorSpec(spec), tf.TensorSpec(kernel.shape)])
    def run(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            outputs = convolve(x, kernel, stride)
            assert outputs.shape[1] == (expected.shape[1] if static else None)
            total = tf.reduce_sum(outputs * of_output)
        return outputs, tape.gradient(total, [x, kernel])

    outputs, gradients = run(x, kernel)
    close(outputs, expected)
    for found, wanted in zip(
        gradients, direct_gradients(x, kernel, stride, of_output), strict=True
    ):
        close(found, wanted)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.gpu
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer.name}-{layer.kernel}")
@pytest.mark.parametrize("spare", [0, 1, 37])
def test_every_layer_of_the_networks(layer, spare):
    """Lengths that give one step, one and a rest, and some steps that fill no whole block."""
    channels = {64: 1, 32: 16, 16: 32, 8: 64, 4: 128}[layer.kernel]
    channels = 512 if layer.name == "heads" else channels
    check(2, layer.kernel + spare, channels, layer.kernel, layer.filters or 5, layer.stride)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 3),
    spare=st.integers(0, 40),
    channels=st.integers(1, 3),
    pairs=st.integers(1, 9),
    filters=st.integers(1, 70),
    stride=st.integers(1, 4),
    static=st.booleans(),
)
@pytest.mark.gpu
def test_any_shape(batch, spare, channels, pairs, filters, stride, static):
    size = pairs * stride
    check(batch, size + spare, channels, size, filters, stride, spare, static)


def test_a_kernel_that_is_no_multiple_of_its_stride():
    check(2, 50, 3, 7, 4, 3)


def test_an_input_gradient_that_nobody_asks_for_is_not_needed():
    layer = strided_conv1d(4, 8, 2)
    x = tf.random.stateless_normal([2, 40, 1], [1, 2])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x))
    kernel, bias = tape.gradient(total, layer.trainable_weights)
    np.testing.assert_allclose(bias, np.full(4, 2 * 17.0))  # (40 - 8) / 2 + 1 steps of two clips
    assert kernel.shape == (8, 1, 4)


@pytest.mark.gpu
@pytest.mark.parametrize("build", [student.SoundNet8, student.SoundNet5])
def test_weights_have_the_names_and_shapes_of_plain_layers(build):
    ours, plain = build(object_classes=3), build(object_classes=3, plain_layers=True)
    assert [(v.path, v.shape) for v in ours.weights] == [(v.path, v.shape) for v in plain.weights]
    assert type(plain.get_layer("conv1_conv")) is keras.layers.Conv1D
    plain.set_weights(ours.get_weights())
    waveform = np.random.default_rng(1).uniform(-0.3, 0.3, (2, 240_000)).astype(np.float32)
    for head, logits in ours(waveform).items():
        close(plain(waveform)[head], logits.numpy())


def test_a_saved_layer_is_keras_own_with_the_same_numbers(tmp_path):
    inputs = keras.Input((None, 1))
    model = keras.Model(inputs, strided_conv1d(4, 8, 2, activation="relu", name="c")(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.get_layer("c")) is keras.layers.Conv1D
    x = np.random.default_rng(2).standard_normal((1, 30, 1)).astype(np.float32)
    close(loaded(x), model(x).numpy())
    path = str(tmp_path / "c.weights.h5")
    model.save_weights(path)
    loaded.get_layer("c").set_weights([np.zeros((8, 1, 4)), np.zeros(4)])
    loaded.load_weights(path)
    close(loaded(x), model(x).numpy())


@pytest.mark.parametrize(
    "wrong", [{"padding": "same"}, {"dilation_rate": 2}, {"groups": 2}, {"padding": "causal"}]
)
def test_what_it_cannot_do_is_refused(wrong):
    with pytest.raises(ValueError, match="use keras.layers.Conv1D"):
        strided_conv1d(4, 8, **wrong)


GPU_SHAPES = [(64, 1, 16, 2), (4, 40, 48, 2), (8, 512, 5, 2), (7, 3, 4, 3)]  # of each way on a CPU


@pytest.mark.parametrize("geometry", GPU_SHAPES, ids=lambda g: "-".join(map(str, g)))
def test_where_there_is_a_gpu_tensorflows_own_gives_the_same(monkeypatch, geometry):
    """Outputs and both gradients, against float64 sums. There no product with windows is made."""
    size, channels, filters, stride = geometry
    listed = []
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind=None: listed.append(kind) or ["a GPU"]
    )
    for name in ("by_windows", "by_channels"):
        monkeypatch.setattr(convolution, name, None)
    check(2, size + 37, channels, size, filters, stride)
    assert set(listed) == {"GPU"}


def test_where_there_is_none_it_is_not_tensorflows_own(monkeypatch):
    """Of a stride of 2: `by_channels` has a stride of 1."""
    strides = []
    own = tf.nn.conv1d

    def recorded(x, kernel, stride, padding):
        strides.append(stride)
        return own(x, kernel, stride, padding)

    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [])
    monkeypatch.setattr(tf.nn, "conv1d", recorded)
    check(2, 101, 1, 64, 16, 2)
    assert set(strides) == {1}
