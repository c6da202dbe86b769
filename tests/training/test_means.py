"""Means of many steps lose none of them."""

import pytest

from soundnet_tf.training.means import Means


def test_the_last_steps_of_a_long_epoch_count():
    """2^24 steps of 1, then a hundred of 0, one by one: float32 would stay at 2^24 and so at 1."""
    means = Means(["loss", "other"])
    means.update_state({"loss": (2.0**24, 2.0**24)})
    for _ in range(100):
        means.update_state({"loss": (0.0, 1.0)})
    found = {name: float(value) for name, value in means.result().items()}
    assert found == {"loss": pytest.approx(1 / (1 + 100 / 2**24), abs=1e-7), "other": 0.0}


def test_means_are_weighted_whatever_comes_together():
    means = Means(["loss", "other"])
    means.update_state({"other": (6.0, 2.0), "loss": (1.0, 1.0)})
    means.update_state({"loss": (5.0, 2.0)})
    found = {name: float(value) for name, value in means.result().items()}
    assert found == {"loss": 2.0, "other": 3.0}
    means.reset_state()
    assert {float(value) for value in means.result().values()} == {0.0}
