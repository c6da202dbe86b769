"""Copies: what agrees at one shift, and which of them is kept."""

import numpy as np
import pytest

from soundnet_tf.inspection import copies, findings
from soundnet_tf.inspection.copies import Agreement, Hashes, agreements
from soundnet_tf.inspection.findings import Pair, Seen

RANDOM = np.random.default_rng(4).integers(0, 2**64, 40, dtype=np.uint64)


def hashes(*videos):
    """Of (hashes, seconds) of each video."""
    parts = [(i, np.asarray(h, np.uint64), np.asarray(s, float)) for i, (h, s) in enumerate(videos)]
    return Hashes.joined(parts)


def test_hashes_that_agree_at_one_shift_are_counted():
    """Five hashes at 0 to 4 s, which stand 2.5 s later in another video beside others; a third one
    has the same five at odd shifts."""
    secs = np.arange(5.0)
    found = agreements(
        hashes(
            (RANDOM[:5], secs),
            ([*RANDOM[:5], *RANDOM[10:15]], [*(secs + 2.5), *range(20, 25)]),
            (RANDOM[:5], [0, 7, 3, 19, 11]),
        ),
        radius=0,
        shift_secs=0.2,
        least=2,
    )
    assert found == {(0, 1): Agreement(5, 1.0, pytest.approx(2.5, abs=0.1))}


def test_what_lies_on_the_edge_of_two_stretches_counts_as_one():
    """Shifts of 0.99 and 1.01 s are one of 1 s, in stretches of 1 s."""
    found = agreements(hashes((RANDOM[:2], [0, 5]), (RANDOM[:2], [0.99, 6.01])), 0, 1.0, 2)
    assert found[0, 1].count == 2
    assert found[0, 1].shift_secs == pytest.approx(1.0)


def test_a_hash_that_is_everywhere_counts_once():
    """A title that stands ten times in either video agrees a hundred times at ten shifts."""
    title = np.full(10, RANDOM[0])
    found = agreements(hashes((title, np.zeros(10)), (title[:1], [0.0])), 0, 1.0, 1)
    assert found[0, 1].count == 1


def test_within_a_video_nothing_is_a_copy():
    assert agreements(hashes((np.tile(RANDOM[:5], 2), np.arange(10))), 0, 1.0, 1) == {}
    assert agreements(hashes(), 7, 1.0, 1) == {}


def test_groups_hang_together():
    assert copies.groups([(1, 2), (4, 5), (2, 7), (9, 7)]) == [[1, 2, 7, 9], [4, 5]]
    assert copies.groups([]) == []


def video(name, secs, size, split="train", reason=""):
    return Seen(name, f"/{name}", split, size, {}, [{"secs": secs}], reason=reason)


def pair(one, other, share):
    return Pair(one, other, None, Agreement(9, share, 0.0))


def test_the_best_copy_is_kept():
    """The longest, then the largest, then the first; but none that is left out anyway."""
    videos = [
        video("short", 5, 900),
        video("first", 9, 100),
        video("large", 9, 200),
        video("still", 30, 999, reason="still"),
        video("alone", 5, 5),
        video("as large", 9, 200),
    ]
    found = [pair(0, 1, 0.9), pair(1, 2, 0.9), pair(2, 3, 0.9), pair(2, 5, 0.9), pair(3, 4, 0.1)]
    (group,) = findings.drop_copies(videos, found, copied_share=0.25)
    assert group.members[0] == 2 and sorted(group.members) == [0, 1, 2, 3, 5]
    kept = {v.id: v.reason for v in videos}
    assert kept == {
        "short": "copy of large",
        "first": "copy of large",
        "large": "",
        "still": "still",
        "alone": "",
        "as large": "copy of large",
    }


def test_of_pictures_twice_as_much_has_to_agree_as_of_sound():
    shares = [(0.25, None), (0.24, None), (None, 0.5), (None, 0.49), (0.1, 0.5), (None, None)]
    pairs = [
        Pair(0, 1, *(share and Agreement(9, share, 0.0) for share in (pictures, sounds)))
        for sounds, pictures in shares
    ]
    assert [pair.is_copy(0.25) for pair in pairs] == [True, False, True, False, True, False]
    assert pairs[2].is_copy(0.9) is False
    assert Pair(0, 1, Agreement(9, 1.0, 0.0), None).is_copy(0.9)


def test_copies_in_both_splits_come_first():
    videos = [video(str(i), 5, i) for i in range(4)]
    videos[3].split = "val"
    found = findings.drop_copies(videos, [pair(0, 1, 0.5), pair(2, 3, 0.5)], copied_share=0.25)
    assert [(sorted(group.members), group.is_split) for group in found] == [
        ([2, 3], True),
        ([0, 1], False),
    ]
