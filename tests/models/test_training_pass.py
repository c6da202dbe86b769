"""The pass of training: what plain Keras layers give, gradients and moving averages included."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.models import devices, student
from soundnet_tf.models import training_pass as passes
from soundnet_tf.models.training_pass import max_pool, pool_with_moments, training_pass, trunk_pass

BUILDERS = [student.SoundNet8, student.SoundNet5]


def pair(build, **arguments):
    """The same network as ours and of plain layers, with gammas of both signs."""
    keras.utils.set_random_seed(4)
    ours = build(object_classes=6, scene_classes=5, **arguments)
    plain = build(object_classes=6, scene_classes=5, plain_layers=True)
    rng = np.random.default_rng(5)
    for layer in ours.layers:
        if layer.name.endswith("_bn"):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [gamma * rng.choice([-1, 1], gamma.shape), rng.normal(0, 0.3, beta.shape),
                 rng.normal(0, 0.1, mean.shape), variance * rng.uniform(0.5, 2, mean.shape)]
            )  # fmt: skip
        if layer.name.endswith("_conv"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * 10, rng.normal(0, 0.2, bias.shape)])
    plain.set_weights(ours.get_weights())
    return ours, plain


def sound(clips=2, secs=12.0):
    rng = np.random.default_rng(6)
    return rng.normal(0, 0.1, (clips, round(secs * 22050))).astype(np.float32)


def gradients(model, forward, waveform, dtype=tf.float32):
    """Logits, and gradients by path of a loss that weighs each logit differently."""

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            logits = forward(waveform)
            total = 0.0
            for head in sorted(logits):
                weights = tf.random.stateless_normal(tf.shape(logits[head]), [7, 8])
                total += tf.reduce_sum(logits[head] * tf.cast(weights, dtype))
        return logits, tape.gradient(total, [v.value for v in model.trainable_variables])

    logits, found = run()
    return logits, {v.path: g for v, g in zip(model.trainable_variables, found, strict=True)}


@pytest.mark.gpu
@pytest.mark.parametrize("build", BUILDERS)
def test_logits_and_moving_averages_are_those_of_plain_layers(build):
    ours, plain = pair(build)
    expected = plain(sound(), training=True)
    for head, logits in training_pass(ours, sound()).items():
        np.testing.assert_allclose(logits, expected[head], rtol=2e-4, atol=2e-4)
    for found, wanted in zip(
        ours.non_trainable_variables, plain.non_trainable_variables, strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=found.path)


@pytest.mark.gpu
@pytest.mark.parametrize("build", BUILDERS)
def test_gradients_are_those_of_plain_layers(build):
    """Next to a kink of ReLU or pool rounding decides which way a gradient goes, in plain layers
    too: so no more than 1e-2 of the length is allowed where 1e-4 is asked for in the median.
    Biases under a pooled batch norm have none: plain layers make rounding noise of it."""
    ours, plain = pair(build)
    _, expected = gradients(plain, lambda x: plain(x, training=True), sound())
    _, found = gradients(ours, lambda x: training_pass(ours, x), sound())
    apart = {
        path: np.linalg.norm(found[path] - wanted) / np.linalg.norm(wanted)
        for path, wanted in expected.items()
        if not path.endswith("_conv/bias")
    }
    assert np.median([*apart.values()]) < 1e-4 and max(apart.values()) < 1e-2, apart
    for conv in ("conv1", "conv2"):
        assert not np.any(found[f"{conv}_conv/bias"])
        scale = np.linalg.norm(expected[f"{conv}_bn/beta"])
        assert np.linalg.norm(expected[f"{conv}_conv/bias"]) < 1e-2 * scale


@pytest.mark.parametrize("build", BUILDERS)
def test_the_forms_that_a_gpu_gets_have_the_same_gradients(build, monkeypatch):
    """All that is chosen by the device: strided convolutions, and no XLA."""
    ours, _ = pair(build)
    logits, expected = gradients(ours, lambda x: training_pass(ours, x), sound())
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    monkeypatch.setattr(passes, "_gradient_in_one_pass", None)
    again, found = gradients(ours, lambda x: training_pass(ours, x), sound())
    for head, wanted in logits.items():
        np.testing.assert_allclose(again[head], wanted, rtol=2e-4, atol=2e-4)
    apart = [
        np.linalg.norm(found[path] - wanted) / np.linalg.norm(wanted)
        for path, wanted in expected.items()
        if not path.endswith("_conv/bias")
    ]
    assert np.median(apart) < 1e-4 and max(apart) < 1e-2, apart


@pytest.mark.gpu
def test_frozen_batch_norms_use_and_keep_their_averages():
    ours, plain = pair(student.SoundNet5)
    for layer in (*ours.layers, *plain.layers):
        layer.trainable = not layer.name.endswith("_bn")
    before = [v.numpy() for v in ours.variables]
    expected = plain(sound(), training=True)
    for head, logits in training_pass(ours, sound()).items():
        np.testing.assert_allclose(logits, expected[head], rtol=2e-4, atol=2e-4)
    for variable, old in zip(ours.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)
    _, wanted = gradients(plain, lambda x: plain(x, training=True), sound())
    _, found = gradients(ours, lambda x: training_pass(ours, x), sound())
    for path in wanted:
        scale = np.abs(wanted[path]).max()
        np.testing.assert_allclose(found[path], wanted[path], rtol=0, atol=3e-3 * scale)


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "conv4", "pool5", "conv7"])
def test_every_layer_of_the_trunk_can_be_had(layer):
    ours, plain = pair(student.SoundNet8)
    expected = keras.Model(plain.input, plain.get_layer(layer).output)(sound(1, 8.0), training=True)
    found = trunk_pass(ours, sound(1, 8.0), [layer])[layer]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_an_unknown_layer_is_named():
    with pytest.raises(ValueError, match="soundnet5 has no layer conv9"):
        trunk_pass(student.SoundNet5(), sound(1, 1.0), ["conv1", "conv9"])


@pytest.mark.gpu
@pytest.mark.parametrize("has_gpu", [False, True])
@pytest.mark.parametrize("steps", [8, 9, 37])
def test_pool_and_moments_by_numpy(steps, has_gpu, monkeypatch):
    """The gradient of Σ a pooled + Σ b mean + Σ c variance: a at each window's greatest step, and
    b / n + 2 c (x - mean) / n everywhere."""
    if has_gpu:
        monkeypatch.setattr(devices, "has_gpu", lambda: True)
    rng = np.random.default_rng(steps)
    x = rng.normal(3, 2, (2, steps, 5)).astype(np.float32)
    rows, count = steps // 4, 2 * steps
    a, b, c = (rng.normal(size=s).astype(np.float32) for s in ((2, rows, 5), 5, 5))
    with tf.GradientTape() as tape:
        source = tf.constant(x)
        tape.watch(source)
        pooled, mean, variance = pool_with_moments(source, 4)
        total = tf.reduce_sum(a * pooled) + tf.reduce_sum(b * mean) + tf.reduce_sum(c * variance)
    windows = x[:, : rows * 4].reshape(2, rows, 4, 5)
    np.testing.assert_array_equal(pooled, windows.max(axis=2))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var(axis=(0, 1)), rtol=1e-4)
    expected = b / count + 2 * c * (x - x.mean(axis=(0, 1))) / count
    np.put_along_axis(
        expected[:, : rows * 4].reshape(2, rows, 4, 5),
        windows.argmax(axis=2)[:, :, None],
        np.take_along_axis(
            expected[:, : rows * 4].reshape(2, rows, 4, 5), windows.argmax(axis=2)[:, :, None], 2
        ) + a[:, :, None],
        axis=2,
    )  # fmt: skip
    np.testing.assert_allclose(tape.gradient(total, source), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
def test_of_equal_steps_one_gets_the_gradient():
    """Digital silence makes whole windows equal: each still has a gradient of 1 in all."""
    x = tf.ones([1, 8, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(max_pool(x, 4))
    np.testing.assert_array_equal(tape.gradient(total, x)[0, :, 0], [1, 0, 0, 0, 1, 0, 0, 0])
