"""After which epochs a run is looked at, by a clock that tests wind."""

import math
from types import SimpleNamespace

import pytest

from soundnet_tf.training.board.budget import SHARE, Budget


def looked(every, epochs, epoch_secs, look_secs):
    """Epochs with a look, of a run with such epochs."""
    clock = SimpleNamespace(secs=100.0)
    budget = Budget(every, epochs, lambda: clock.secs)
    found: list[int] = []
    for epoch in range(epochs):
        clock.secs += epoch_secs
        if budget.allows(epoch):
            found.append(epoch)
            with budget.look():
                clock.secs += look_secs
    assert budget.first == found[0]
    return found, sum([look_secs] * len(found[:-1])) / (clock.secs - 100.0)


def test_long_epochs_are_all_looked_at():
    """A look of 1.9 % of an epoch's time."""
    assert looked(None, 6, 1000.0, 19.0)[0] == [0, 1, 2, 3, 4, 5]


def test_short_ones_as_often_as_the_share_allows():
    """Epochs of 10 s, looks of 1 s: after the first and the last, and the n-th once n of them are
    2 % of the time: 10 e + (n - 1) >= 50 n after e epochs."""
    found, share = looked(None, 101, 10.0, 1.0)
    assert found == [0, *(math.ceil((49 * n + 1) / 10) - 1 for n in range(2, 21)), 100]
    assert share <= SHARE


def test_a_given_number_of_epochs_counts_whatever_it_takes():
    assert looked(3, 8, 1.0, 100.0)[0] == [2, 5, 7]
    assert looked(1, 3, 1.0, 100.0)[0] == [0, 1, 2]


@pytest.mark.parametrize("every", [None, 5])
def test_a_run_of_one_epoch_is_looked_at_once(every):
    assert looked(every, 1, 1.0, 100.0)[0] == [0]
