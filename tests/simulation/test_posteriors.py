"""Posteriors that are made up: as unsure and as different as real ones were measured to be."""

import dataclasses
import math

import numpy as np
import pytest

from soundnet_tf import labels
from soundnet_tf.simulation import posteriors, teachers
from soundnet_tf.simulation.posteriors import FITTED, FITTED_FRAMES, MEASURED, SimulatedTeacher

KINDS, FILMS = 24, 3


def drawn(head, seed):
    classes = len(labels.load(teachers.CLASS_LISTS[head]))
    teacher = SimulatedTeacher(KINDS, classes, FITTED[head], seed)
    pairs = [(kind, film) for kind in range(KINDS) for film in range(FILMS)]
    return [teacher.posteriors(*pair, FITTED_FRAMES) for pair in pairs], [k for k, _ in pairs]


@pytest.mark.parametrize("head", ["objects", "scenes"])
def test_they_are_as_noisy_as_real_teachers_are_on_real_clips(head):
    """All four figures within 5 % of what was measured, in the mean of two draws of 72 films; a
    spread that is off by a fifth moves at least one of them by more."""
    found = [dataclasses.astuple(posteriors.measure(*drawn(head, seed))) for seed in (10, 11)]
    expected = dataclasses.astuple(MEASURED[head])
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0.05)


@pytest.mark.parametrize("part", ["kind", "film", "frame"])
def test_each_part_moves_what_it_is_the_part_of(part):
    """Without a kind part films of a kind differ as much as others; without a film part they have
    the same mean but for their frames; without a frame part each frame is its film's mean."""
    spread = dataclasses.replace(FITTED["scenes"], **{part: 0.0})
    teacher = SimulatedTeacher(8, 60, spread, 1)
    films = [teacher.posteriors(kind, film, 12) for kind in range(8) for film in range(3)]
    found = posteriors.measure(films, [kind for kind in range(8) for _ in range(3)])
    assert (found.frame_to_film < 1e-12) == (part == "frame")
    assert (found.same_kind > 0.93 * found.other_kind) == (part == "kind")
    assert (found.same_kind < 0.2 * found.other_kind) == (part == "film")


def test_figures_of_posteriors_are_what_they_are_called():
    """Frames (1, 0) and (0, 1) have entropy 0 and the mean (1/2, 1/2), from which each is ln 2; a
    film of four (1/2, 1/2) has ln 2 and nothing. Films of (1, 0) and (0, 1): divergence ln 2; of
    (1/2, 1/2) and (1, 0): KLs from (3/4, 1/4) are ln(2/3)/2 + ln(2)/2 and ln(4/3)."""
    sure = np.array([[1.0, 0.0], [0.0, 1.0]] * 2)
    flat, left = np.full((4, 2), 0.5), np.array([[1.0, 0.0]] * 4)
    found = posteriors.measure([sure, flat, left, left[:, ::-1]], ["a", "a", "b", None])
    ln = math.log
    apart = ((ln(2 / 3) + ln(2)) / 2 + ln(4 / 3)) / 2
    assert found.entropy == pytest.approx(ln(2) / 4)
    assert found.frame_to_film == pytest.approx(ln(2) / 4)
    assert found.same_kind == pytest.approx(0) and found.other_kind == pytest.approx(apart)
    twice = posteriors.measure([left, left[:, ::-1], flat, flat], ["a", "b", "c", "c"])
    assert twice.other_kind == pytest.approx((ln(2) + 4 * apart) / 5)


def test_a_film_is_the_same_whenever_it_is_asked_for():
    one, two = (SimulatedTeacher(3, 20, FITTED["objects"], 4) for _ in range(2))
    late = [two.posteriors(kind, 7, 5) for kind in (2, 1)][1]
    np.testing.assert_array_equal(one.posteriors(1, 7, 5), late)
    assert not np.allclose(one.posteriors(1, 8, 5), late)
    assert not np.allclose(SimulatedTeacher(3, 20, FITTED["objects"], 5).posteriors(1, 7, 5), late)


def test_rows_are_distributions_however_large_logits_are():
    rows = posteriors.softmax(np.array([[1e4, 0.0], [0.0, 0.0], [-1e4, 0.0]]))
    np.testing.assert_array_equal(rows, [[1, 0], [0.5, 0.5], [0, 1]])


def test_each_head_is_drawn_by_itself_with_its_own_spread():
    """Within a frame logits differ by the root of the sum of the four parts' squares, within four
    errors of so many classes; and what one head likes to say tells nothing of the other (a
    correlation of 401 pairs, 0 give or take four times 1 / sqrt(401))."""
    seers = teachers.make(teachers.NOISY, 40)
    logs = {head: np.log(seer.posteriors(3, 7, 20)) for head, seer in seers.items()}
    for head, values in logs.items():
        expected = math.hypot(*dataclasses.astuple(FITTED[head]))
        classes = values.shape[1]
        found = np.mean(values.std(axis=1))
        assert found == pytest.approx(expected, rel=4 / math.sqrt(2 * classes))
    means = [values.mean(axis=0)[:401] for values in logs.values()]
    assert abs(np.corrcoef(means)[0, 1]) < 4 / math.sqrt(401)


def test_the_exact_teacher_gives_each_kind_a_class_of_its_own():
    seers = teachers.make(teachers.EXACT, 40)
    for head, classes in (("objects", 1000), ("scenes", 401)):
        rows = np.concatenate([seers[head].posteriors(kind, 3, 2) for kind in range(40)])
        assert rows.shape == (80, classes) and set(rows.sum(axis=1)) == {1.0}
        of_kind = rows.argmax(axis=1).reshape(40, 2)
        assert (of_kind[:, 0] == of_kind[:, 1]).all() and len({*of_kind[:, 0]}) == 40


def test_teachers_that_say_otherwise_have_other_fingerprints():
    made = [("noisy", 40, 0), ("exact", 40, 0), ("noisy", 39, 0), ("noisy", 40, 1)]
    prints = {t.fingerprint for given in made for t in teachers.cached(*given).values()}
    assert len(prints) == 8
    assert teachers.cached("noisy", 40) == teachers.cached("noisy", 40, 0)
