"""A delay that was made is found within a frame, and none is told where there is none."""

import numpy as np
import pytest
from inspected_films import RATE, clicks, events

from soundnet_tf.inspection import delay

SECONDS = 12.0


def changes_at(moments, seed=2):
    """Of 25 pictures a second, how much each differs from the one before: more where something
    happens between both."""
    changes = np.random.default_rng(seed).uniform(0.4, 0.8, round(SECONDS * 25) - 1)
    changes[np.floor(np.asarray(moments) * 25).astype(int)] += 12
    return changes.astype(np.float32)


@pytest.mark.parametrize("late_secs", [0.0, 0.2, -0.33, 0.61])
def test_a_delay_is_found_within_a_frame(late_secs):
    moments = events(1, SECONDS, 16)
    found = delay.sound_delay(clicks(moments + late_secs, SECONDS), changes_at(moments))
    assert found.secs == pytest.approx(late_secs, abs=0.04)
    assert found.peak > 6


def test_sound_of_something_else_stands_out_less():
    for seed in range(10):
        heard = clicks(events(seed, SECONDS, 16), SECONDS)
        found = delay.sound_delay(heard, changes_at(events(seed + 50, SECONDS, 16)))
        assert found is None or found.peak < 6


def test_one_event_proves_nothing():
    """A single bang beside a single change of the picture fits at one shift, whatever that is."""
    found = delay.sound_delay(clicks([4.0], SECONDS), changes_at([4.5]))
    assert found is None


def test_too_little_to_compare():
    assert delay.sound_delay(clicks([0.5], 2.0), changes_at([0.5])[:49]) is None
    assert delay.sound_delay(np.zeros(int(SECONDS * RATE), np.float32), changes_at([3])) is None
    still = np.zeros(299, np.float32)
    assert delay.sound_delay(clicks([3.0], SECONDS), still) is None
