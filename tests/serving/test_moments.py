"""Where a step's stretch of the recording begins and ends."""

import numpy as np
import pytest

from soundnet_tf.serving import moments
from soundnet_tf.serving.recognize import Recognition

LABELS = {"objects": ("dog", "rain")}


def heard(secs, duration_secs, rows=None):
    rows = np.full((len(secs), 2), 0.5) if rows is None else np.array(rows)
    return Recognition(duration_secs, np.array(secs), {"objects": np.float32(rows)}, LABELS)


def test_borders_are_midway():
    """(4.75 + 7.72) / 2 = 6.235, (7.72 + 10.69) / 2 = 9.205; the ends are the recording's."""
    found = moments.borders(heard([4.75, 7.72, 10.69], 17.5))
    np.testing.assert_array_equal(found, [0.0, 6.235, 9.205, 17.5])


@pytest.mark.parametrize("duration_secs", [0.02, 5.0])
def test_one_step_is_the_whole(duration_secs):
    recognition = heard([duration_secs / 2], duration_secs)
    assert moments.borders(recognition).tolist() == [0.0, duration_secs]


def test_one_sample_lasts_a_millisecond():
    """1 / 22050 s would be 0 ms, of which nothing could be cut."""
    assert moments.borders(heard([0.5 / 22050], 1 / 22050)).tolist() == [0.0, 0.001]


def test_neighbours_that_say_the_same_are_one_stretch():
    """Steps at 1, 3, …, 11 s of 12 s say a a b a a a: borders at 2, 4, …, 10 s."""
    rows = [[i / 10, 1 - i / 10] for i in range(6)]
    found = moments.stretches(heard([1, 3, 5, 7, 9, 11], 12.0, rows), "aabaaa".__getitem__)
    assert [(said, s.begin_secs, s.end_secs) for said, s in found] == [
        ("a", 0.0, 4.0),
        ("b", 4.0, 6.0),
        ("a", 6.0, 12.0),
    ]
    assert [s.heard.secs.tolist() for _, s in found] == [[1, 3], [5], [7, 9, 11]]
    (_, last) = found[-1]
    np.testing.assert_allclose(last.heard.probabilities["objects"][:, 0], [0.3, 0.4, 0.5])
    assert last.heard.top_overall("objects", 1) == [("rain", pytest.approx(0.6))]
