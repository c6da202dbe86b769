"""Targets by time and by index, against np.interp and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.training import alignment
from soundnet_tf.training.settings import INDEX, TIME

CENTRES = np.array([4.75, 7.72, 10.69, 13.66], np.float32)
FULL = np.array([20.0], np.float32)


def ramp(frame_secs):
    """Posteriors of two classes, the second of which says the time: t / 20."""
    return np.stack([1 - frame_secs / 20, frame_secs / 20], axis=-1).astype(np.float32)


def test_interpolates_at_each_steps_moment():
    """A posterior that is linear in time is met exactly at every moment between the frames."""
    secs = np.array([[0.0, 5.0, 10.0, 15.0]], np.float32)
    targets, mask = alignment.align(ramp(secs), secs, secs >= 0, CENTRES, FULL)
    np.testing.assert_allclose(targets[0, :, 1], CENTRES / 20, rtol=1e-5)
    assert mask.numpy().all()


def test_before_the_first_and_after_the_last_frame_that_frame_counts():
    secs = np.array([[6.0, 9.0]], np.float32)
    targets, _ = alignment.align(ramp(secs), secs, secs >= 0, CENTRES, FULL)
    np.testing.assert_allclose(targets.numpy()[0, [0, 2, 3], 1], [0.3, 0.45, 0.45], rtol=1e-6)


@given(
    st.lists(st.floats(0, 20, width=16), min_size=1, max_size=6, unique=True),
    st.integers(0, 3),
    st.lists(st.floats(-1, 21, width=32), min_size=1, max_size=5),
)
def test_equals_np_interp_whatever_the_padding(times, padding, moments):
    times = np.sort(np.array(times, np.float32))
    moments = np.array(moments, np.float32)
    values = np.random.default_rng(len(times)).uniform(size=(len(times), 3)).astype(np.float32)
    secs = np.pad(times, (0, padding))[None]
    mask = (np.arange(len(secs[0])) < len(times))[None]
    posteriors = np.pad(values, [(0, padding), (0, 0)], constant_values=7.0)[None]
    targets, _ = alignment.align(posteriors, secs, mask, moments, np.array([99.0], np.float32))
    for c in range(3):
        expected = np.interp(moments.astype(np.float64), times, values[:, c])
        np.testing.assert_allclose(targets[0, :, c], expected, atol=2e-3)


def test_steps_centred_beyond_the_sound_do_not_count():
    secs = np.array([[0.0, 5.0]] * 2, np.float32)
    targets, mask = alignment.align(
        ramp(secs), secs, secs >= 0, CENTRES, np.array([7.72, 7.73], np.float32)
    )
    np.testing.assert_array_equal(mask, [[True, False, False, False], [True, True, False, False]])
    assert not targets.numpy()[0, 1:].any()


def test_a_clip_without_frames_has_no_targets():
    secs = np.zeros((1, 3), np.float32)
    targets, mask = alignment.align(ramp(secs), secs, secs > 0, CENTRES, FULL)
    assert not mask.numpy().any() and not targets.numpy().any()


@pytest.mark.parametrize("frames", [2, 4, 6])
def test_index_gives_frame_i_to_step_i(frames):
    secs = np.arange(frames, dtype=np.float32)[None] * 5
    targets, mask = alignment.align(ramp(secs), secs, secs >= 0, CENTRES, FULL, "index")
    paired = min(frames, 4)
    np.testing.assert_allclose(targets[0, :paired, 1], np.arange(paired) * 0.25)
    np.testing.assert_array_equal(mask[0], np.arange(4) < paired)


def test_graph_equals_eager():
    secs = np.array([[0.0, 5.0, 10.0, 15.0]], np.float32)
    args = ramp(secs), secs, secs >= 0, CENTRES, FULL
    for mode in (TIME, INDEX):
        eager, graph = alignment.align(*args, mode), tf.function(alignment.align)(*args, mode)
        np.testing.assert_array_equal(eager[0], graph[0])
        np.testing.assert_array_equal(eager[1], graph[1])


def test_centres_are_evenly_spaced():
    np.testing.assert_allclose(
        alignment.step_centres_secs(4.7477, 2.97215, 4), [4.7477, 7.71985, 10.692, 13.66415]
    )


def test_unknown_mode_is_named():
    with pytest.raises(ValueError, match="'nearest' is unknown"):
        alignment.align(
            np.zeros((1, 1, 2), np.float32), [[0.0]], [[True]], CENTRES, FULL, "nearest"
        )
