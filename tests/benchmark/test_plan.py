"""What is simulated, against closed forms."""

import math

import numpy as np
import pytest

from benchmark import plan


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize(("every", "mtbf"), [(0.1, 1.0), (0.5, 2.0), (1.0, 24.0)])
def test_failures_cost_what_the_closed_form_says(every, mtbf):
    """Means of 400 runs of 20 h: their standard error is below 1 %."""
    draws = rng()
    hours = [plan.hours_with_failures(20, every, mtbf, 0.01, 0.2, draws) for _ in range(400)]
    assert np.mean(hours) == pytest.approx(
        plan.expected_hours(20, every, mtbf, 0.01, 0.2), rel=0.01
    )


def test_without_failures_there_are_only_checkpoints():
    assert plan.hours_with_failures(10, 0.5, 1e12, 0.02, 1.0, rng()) == pytest.approx(10.4)


def test_the_last_stretch_is_as_long_as_what_is_left():
    """10 h by 3 h: 3, 3, 3 and 1, with a checkpoint of 0.5 h behind each."""
    assert plan.hours_with_failures(10, 3, 1e12, 0.5, 1.0, rng()) == pytest.approx(12.0)


def test_the_slowest_of_two_by_its_closed_form():
    """The greater of two log-normal times has the mean 2 exp(s²/2) Φ(s / √2)."""
    s = 0.3
    expected = 2 * 0.5 * (1 + math.erf(s / 2))
    assert plan.step_over_mean(2, s, 200_000, rng()) == pytest.approx(expected, rel=5e-3)


def test_shards_by_hand():
    """Equal shards: five by two workers take three turns, where 2.5 would be even; one worker
    never waits."""
    assert plan.makespan_over_even(5, 2, 0.0, rng()) == pytest.approx(3 / 2.5)
    assert plan.makespan_over_even(7, 1, 0.5, rng()) == pytest.approx(1.0)
    few, many = (np.mean([plan.makespan_over_even(n, 8, 0.3, rng())]) for n in (8, 512))
    assert few > 1.2 and many < 1.03
