import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.serving.stream import Steps
from soundnet_tf.visualization import peaks


def steps_of(values, first=0.0, hop=1.0):
    values = np.float32(values).reshape(len(values), -1)
    return Steps(values, first + hop * np.arange(len(values)))


def by_brute_force(values, top):
    """The `top` recordings of each unit by falling value, the earlier first among equals."""
    found = []
    for unit in values.T:
        order = sorted(range(len(unit)), key=lambda i: (-unit[i], i))
        found.append([i for i in order if unit[i] > 0][:top])
    return found


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 5))
def test_what_is_kept_is_what_sorting_all_gives(seed, count, top):
    """Few different values, so that many are equal."""
    rng = np.random.default_rng(seed)
    values = np.float32(rng.integers(-1, 4, (count, 3)))
    secs = rng.uniform(0, 9, (count, 3))
    kept = peaks.TopMoments(3, top)
    for number in range(count):
        at = peaks.Peaks(np.where(values[number] > 0, values[number], -np.inf), secs[number])
        kept.add(number, at, piece=10 * number)
    for unit, expected in enumerate(by_brute_force(values, top)):
        missing = [-1] * (top - len(expected))
        assert kept.recordings[unit].tolist() == expected + missing
        there = slice(len(expected))
        assert kept.values[unit, there].tolist() == values[expected, unit].tolist()
        assert kept.secs[unit, there].tolist() == secs[expected, unit].tolist()
        assert kept.pieces[unit, there].tolist() == [10 * number for number in expected]


@given(st.integers(0, 10**6), st.integers(1, 20))
def test_of_a_recording_in_pieces_the_greatest_counts_once(seed, count):
    """As if each recording came once with its greatest piece, in whatever order pieces come."""
    rng = np.random.default_rng(seed)
    owners, values = rng.integers(0, 5, count), np.float32(rng.permutation(count) + 1)
    kept = peaks.TopMoments(1, 3)
    for number, (owner, value) in enumerate(zip(owners, values, strict=True)):
        kept.add(owner, peaks.Peaks(np.array([value]), np.array([0.0])), number)
    best = {owner: max(values[owners == owner]) for owner in set(owners.tolist())}
    expected = sorted(best.items(), key=lambda item: -item[1])[:3]
    found = zip(kept.recordings[0].tolist(), kept.values[0].tolist(), strict=True)
    assert [one for one in found if one[0] >= 0] == expected
    numbers = kept.pieces[0][kept.recordings[0] >= 0]
    assert values[numbers].tolist() == [value for _, value in expected]


def test_a_peak_is_the_first_greatest_value_and_its_second():
    found = peaks.peaks(steps_of([[1, 0, np.nan], [3, 0, 2], [3, 0, 1]], first=0.5, hop=0.25))
    assert found.values.tolist() == [3, -np.inf, 2]
    assert found.secs[[0, 2]].tolist() == [0.75, 0.75]


def test_without_steps_nothing_is_excited():
    found = peaks.peaks(Steps(np.zeros([0, 2], np.float32), np.zeros(0)))
    assert found.values.tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize(
    ("first", "duration", "without_last", "left"),
    [
        (-0.5, 2.0, False, [0.5, 1.5]),  # of -0.5, 0.5, 1.5, 2.5
        (-0.5, 2.5, False, [0.5, 1.5, 2.5]),
        (-0.5, 2.5, True, [0.5, 1.5]),
        (0.0, 9.0, False, [0.0, 1.0, 2.0, 3.0]),
    ],
)
def test_steps_count_whose_middle_is_in_the_sound(first, duration, without_last, left):
    steps = steps_of([4, 3, 2, 1], first)
    inside = peaks.inside(steps, duration, without_last)
    assert inside.secs.tolist() == left
    assert inside.values[:, 0].tolist() == [4 - (secs - first) for secs in left]


def test_a_sound_shorter_than_a_hop_counts_at_its_nearest_moment():
    inside = peaks.inside(steps_of([7], first=-0.45), 0.3, without_last=True)
    assert (inside.values.tolist(), inside.secs.tolist()) == ([[7]], [0.0])
    inside = peaks.inside(steps_of([7, 8], first=-0.45), 0.3, without_last=True)
    assert (inside.values.tolist(), inside.secs.tolist()) == ([[7]], [0.0])


@given(st.integers(0, 10**6), st.integers(1, 60), st.booleans())
def test_thinned_piece_by_piece_the_peaks_are_those_of_the_whole(seed, count, without_last):
    """And no more is kept than a step a unit and six at the ends. The first centre lies before the
    sound and some behind it, as of a layer with much padding."""
    rng = np.random.default_rng(seed)
    whole = steps_of(rng.integers(-1, 6, (count, 4)), first=-1.3)
    duration = max(0.1, count - 1.3 - rng.integers(0, 2))
    kept = Steps(whole.values[:0], whole.secs[:0])
    for piece in np.array_split(np.arange(count), rng.integers(1, 8)):
        both = zip(kept, (whole.values[piece], whole.secs[piece]), strict=True)
        kept = peaks.thin(Steps(*map(np.concatenate, both)))
        assert len(kept.secs) <= 4 + 6
    found, expected = (
        peaks.peaks(peaks.inside(steps, duration, without_last)) for steps in (kept, whole)
    )
    np.testing.assert_array_equal(found.values, expected.values)
    is_excited = expected.values > 0
    np.testing.assert_array_equal(found.secs[is_excited], expected.secs[is_excited])
