"""The effective rank of examples whose singular values are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.training import rank


def orthogonal(columns, clips=64):
    """Columns of mean 0 that are orthogonal to each other: waves of whole periods."""
    t = np.arange(clips) / clips
    return np.stack([np.sin(2 * np.pi * (k + 1) * t) for k in range(columns)], axis=1)


def test_orthogonal_channels_count_each():
    """All singular values are equal, whatever the channels' scales and means."""
    scales = np.array([1.0, 100.0, 1e-3, 5.0])
    assert rank.effective_rank(orthogonal(4) * scales + 7) == pytest.approx(4)


def test_copies_count_once():
    waves = orthogonal(2)
    assert rank.effective_rank(np.concatenate([waves] * 5, axis=1)) == pytest.approx(2)


def test_unequal_singular_values_count_by_their_entropy():
    """Of channels a, a, b the singular values are as sqrt(2) : 1."""
    a, b = orthogonal(2).T
    shares = np.array([2**0.5, 1]) / (2**0.5 + 1)
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert rank.effective_rank(np.stack([a, a, b], axis=1)) == pytest.approx(expected)


def test_what_never_changes_is_left_out():
    waves = np.concatenate([orthogonal(3), np.full((64, 2), 4.0)], axis=1)
    assert rank.effective_rank(waves) == pytest.approx(3)
    assert rank.effective_rank(np.ones((5, 3))) == 0


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_finite_has_no_rank(broken):
    waves = orthogonal(3)
    waves[1, 2] = broken
    assert np.isnan(rank.effective_rank(waves))


def test_so_many_clips_count_whatever_the_batches():
    """The channels of what comes after are all alike, which would bring the rank down."""
    waves = orthogonal(3, rank.CLIPS)
    values = np.concatenate([waves, np.repeat(waves[:, :1], 3, axis=1)])
    network = SimpleNamespace(
        architecture=SimpleNamespace(embedding="pool5"),
        select=lambda layers: layers,
        compiled=lambda names, _: lambda sound: {"pool5": tf.constant(sound[:, None])},
    )
    batches = tf.data.Dataset.from_tensors({"waveform": values})
    assert rank.of_embedding(network, batches) == pytest.approx(3)


def test_clips_count_by_their_means_over_time_in_all_batches():
    """A network that passes on what it hears: means over time are four orthogonal channels, while
    single steps, and clips of one batch alone, would give other ranks."""
    means = orthogonal(4)
    steps = (
        means[:, None] + np.array([3.0, -1.0, -2.0])[:, None] * np.roll(means, 1, axis=1)[:, None]
    )
    batches = tf.data.Dataset.from_tensor_slices({"waveform": steps}).batch(24)
    network = SimpleNamespace(
        architecture=SimpleNamespace(embedding="pool5"),
        select=lambda layers: layers,
        compiled=lambda layers, normalise: lambda heard: dict.fromkeys(layers, heard),
    )
    assert rank.of_embedding(network, batches) == pytest.approx(4)
    assert rank.effective_rank(means[:24]) < 3.9
