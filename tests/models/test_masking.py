"""Clips of different lengths in one batch give what each gives alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from soundnet_tf.models import masking, student
from soundnet_tf.models.architecture import ARCHITECTURES, SOUNDNET5, SOUNDNET8
from soundnet_tf.models.folded import FoldedNetwork

SECOND = 22050
LENGTHS = [4574, 6001, 5 * SECOND, 12 * SECOND + 7, 20 * SECOND]


@pytest.fixture(scope="module")
def published():
    try:
        return student.SoundNet8(weights="published")
    except FileNotFoundError as error:
        pytest.skip(str(error))


def batch(lengths, padding):
    """Noise clips and what stands behind them."""
    rng = np.random.default_rng(3)
    waveforms = np.full((len(lengths), max(lengths)), padding, np.float32)
    for row, length in zip(waveforms, lengths, strict=True):
        row[:length] = rng.uniform(-0.4, 0.4, length)
    return waveforms


@pytest.mark.parametrize("padding", [0.0, 0.7, np.nan])
def test_each_clip_of_a_folded_batch_gives_what_it_gives_alone(published, padding):
    network = FoldedNetwork(published)
    waveforms = batch(LENGTHS, padding)
    together = network.compiled(tuple(network.endpoints), True)(waveforms, tf.constant(LENGTHS))
    for i, length in enumerate(LENGTHS):
        for name, values in together.items():
            steps = steps_of(network, name, length)
            if not steps:
                continue
            alone = network(waveforms[i : i + 1, :length], endpoints=[name])[name][0]
            assert len(alone) == steps
            np.testing.assert_allclose(values[i, :steps], alone, rtol=1e-5, atol=1e-5)
            if name not in network.heads:
                assert not values[i, steps:].numpy().any()


def steps_of(network, name, samples):
    if name in network.heads:
        return network.architecture.inner_head_steps(samples)
    return network.architecture.output_length(name, samples)


@pytest.mark.parametrize("build", [student.SoundNet8, student.SoundNet5])
def test_each_clip_of_a_keras_batch_gives_what_it_gives_alone(build):
    model = build(object_classes=5, scene_classes=4)
    biased(model)
    lengths = [10 * SECOND, 12 * SECOND + 7, 20 * SECOND]
    waveforms = batch(lengths, 0.7)
    together = tf.function(masking.masked_call)(model, waveforms, tf.constant(lengths))
    for i, length in enumerate(lengths):
        alone = model(waveforms[i : i + 1, :length])
        for head, logits in alone.items():
            steps = logits.shape[1]
            assert steps >= 1
            np.testing.assert_allclose(together[head][i, :steps], logits[0], rtol=1e-5, atol=1e-5)


def test_without_masks_padding_would_be_heard(published):
    """What masking is for: 12 s of sound, then silence, give other numbers than 12 s alone."""
    lengths = [12 * SECOND + 7, 20 * SECOND]
    waveforms = batch(lengths, 0.0)
    alone = FoldedNetwork(published)(waveforms[:1, : lengths[0]], endpoints=["conv7"])["conv7"]
    silent = FoldedNetwork(published)(waveforms, endpoints=["conv7"])["conv7"][:1, : alone.shape[1]]
    assert np.abs(alone - silent).max() > 1e-3


def biased(model):
    """Random biases and betas, so that padding does not happen to stay 0."""
    rng = np.random.default_rng(9)
    for variable in model.trainable_variables:
        if variable.name in ("bias", "beta"):
            variable.assign(rng.normal(0, 0.3, variable.shape))


def test_statistics_in_training_count_the_clips_own_steps_only():
    """One clip of 11 s beside one of 20 s: conv1's moving mean is 0.9 x 0 + 0.1 x the mean over all
    steps of both clips, computed here by NumPy from each clip alone."""
    model = student.SoundNet5(object_classes=3, scene_classes=None)
    lengths = [11 * SECOND, 20 * SECOND]
    waveforms = batch(lengths, 0.9)
    conv1 = keras.Model(model.input, model.get_layer("conv1_conv").output)
    alone = [conv1(waveforms[i : i + 1, :n])[0].numpy() for i, n in enumerate(lengths)]
    masking.masked_call(model, waveforms, tf.constant(lengths), training=True)
    norm = model.get_layer("conv1_bn")
    steps = np.concatenate(alone)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * steps.mean(0), rtol=1e-3, atol=1e-6)
    expected = 0.9 + 0.1 * steps.var(0)
    np.testing.assert_allclose(norm.moving_variance, expected, rtol=1e-4)


def test_full_lengths_change_nothing():
    model = student.SoundNet8(object_classes=3, scene_classes=None)
    waveforms = batch([12 * SECOND] * 2, 0.0)
    masked = masking.masked_call(model, waveforms, tf.constant([12 * SECOND] * 2))["objects"]
    np.testing.assert_allclose(masked, model(waveforms)["objects"], rtol=1e-5, atol=1e-6)


@given(length=st.integers(0, 500_000))
@settings(max_examples=60)
@pytest.mark.parametrize("table", [SOUNDNET5, SOUNDNET8], ids=lambda t: t.name)
def test_lengths_of_tensors_are_those_of_numbers(table, length):
    steps = tf.constant([length])
    for layer in table.trunk:
        steps = masking.output_lengths(layer, steps)
        assert int(steps[0]) == table.output_length(layer.name, length)


@given(samples=st.integers(0, 2_000_000))
@pytest.mark.parametrize("table", ARCHITECTURES.values(), ids=lambda t: t.name)
def test_inner_head_steps_hear_neither_the_last_trunk_step_nor_padding(table, samples):
    """Head step i hears trunk steps i stride - padding … + kernel - 1: the last inner one ends
    before the trunk's last step, one more would not."""
    trunk = table.output_length(table.trunk[-1].name, samples)
    head, inner = table.head, table.inner_head_steps(samples)

    def last_heard(step):
        return step * head.stride - head.padding + head.kernel - 1

    assert inner == 0 or last_heard(inner - 1) <= trunk - 2
    assert last_heard(inner) > trunk - 2
    assert (inner > 0) == (samples >= table.minimum_inner_head_samples)
