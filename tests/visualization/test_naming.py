from math import comb

import pytest

from soundnet_tf.visualization import naming


def chance(count, of, count_in_all, of_all):
    """Of drawing `of` recordings without putting back: at least `count` have the name."""
    ways = sum(
        comb(count_in_all, k) * comb(of_all - count_in_all, of - k)
        for k in range(count, min(of, count_in_all) + 1)
    )
    return ways / comb(of_all, of)


COUNT = {"rain": 6, "dog": 10, "sea": 24}
LABELS = {f"{label}{i}": label for label, count in COUNT.items() for i in range(count)}
NAMES = {"label": LABELS}
COUNTS = naming.counts_of(NAMES, LABELS)


def test_a_name_has_the_chance_of_drawing_blindly():
    """Unit 0: 4 of 5 are rain, of 6 in 40; unit 1: 3 of 4 are dogs; nothing excites unit 2. Two
    excited units and three names are compared."""
    rain = ["rain0", "sea1", "rain2", "rain3", "rain5"]
    dogs = ["dog0", "dog1", "sea0", "dog9"]
    first, second, none = naming.name_units([rain, dogs, []], NAMES, COUNTS)
    assert none is None
    p = chance(4, 5, 6, 40)
    assert first[:6] == ("label", "rain", 4, 5, 6, 40)
    assert (first.p, first.p_corrected) == (pytest.approx(p), pytest.approx(6 * p))
    assert first.lift == pytest.approx(0.8 / 0.15)
    assert first.is_sure  # 6 p is 0.0047
    p = chance(3, 4, 10, 40)
    assert second[:6] == ("label", "dog", 3, 4, 10, 40)
    assert second.p_corrected == pytest.approx(6 * p) and not second.is_sure


def test_a_rare_name_wins_over_a_common_one_and_one_recording_shares_nothing():
    (shared,) = naming.name_units([["sea0", "sea1", "sea2", "rain0", "rain1"]], NAMES, COUNTS)
    assert shared.name == "rain" and chance(2, 5, 6, 40) < chance(3, 5, 24, 40)
    assert naming.name_units([["sea0", "rain0", "dog0"]], NAMES, COUNTS) == [None]


def test_what_has_no_label_does_not_count():
    (shared,) = naming.name_units([["rain0", "?", "rain1", "?2"]], NAMES, COUNTS)
    assert shared[:6] == ("label", "rain", 2, 2, 6, 40)
    assert naming.name_units([["?", "?2"]], NAMES, COUNTS) == [None]
    assert naming.name_units([["rain0", "rain1"]], {}, {}) == [None]


def test_of_several_kinds_the_surest_names_and_all_are_compared():
    """The scenes: 2 of 4 recordings, of 2 in 40; names that one recording has are not compared."""
    scenes = {id: "beach" if id in ("sea0", "sea1") else id for id in LABELS}
    names = {"label": LABELS, "scenes": scenes}
    counts = naming.counts_of(names, LABELS)
    assert naming.compared(7, counts) == 7 * (3 + 1)
    (shared,) = naming.name_units([["sea0", "sea1", "dog0", "dog1"]], names, counts)
    assert shared[:6] == ("scenes", "beach", 2, 4, 2, 40)
    assert shared.p_corrected == pytest.approx(4 * chance(2, 4, 2, 40))


def test_counts_are_of_what_was_heard():
    counts = naming.counts_of(NAMES, ["rain0", "dog1", "dog2", "?"])
    assert counts == {"label": {"rain": 1, "dog": 2}}


def test_no_chance_is_above_1():
    units = [[f"{name}{i}" for name in ("rain", "dog", "sea") for i in range(2)]] * 50
    assert {shared.p_corrected for shared in naming.name_units(units, NAMES, COUNTS)} == {1.0}


def test_each_kind_is_counted_among_its_own():
    """Four recordings have a label, three a scene, and what two share is a scene: (2 over 2) of
    (3 over 2) ways."""
    names = {
        "label": {"a": "dog", "b": "cat", "c": "dog", "d": "cat"},
        "scenes": {"a": "park", "b": "park", "c": "bar"},
    }
    (shared,) = naming.name_units([["a", "b"]], names, naming.counts_of(names, "abcd"))
    assert shared[:6] == ("scenes", "park", 2, 2, 2, 3)
    assert shared.p == pytest.approx(1 / 3)
