"""Near hashes: exactly the pairs that comparing each with each gives, and never so much work."""

import numpy as np
import pytest

from soundnet_tf.inspection import near


def hashes_with_copies(count, seed=3):
    """Random hashes, each with a copy in which 0 to 13 bits differ."""
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 2**64, count, dtype=np.uint64)
    copies = hashes.copy()
    for i in range(count):
        for bit in draw.choice(64, draw.integers(0, 14), replace=False):
            copies[i] ^= np.uint64(1) << np.uint64(bit)
    return np.concatenate([hashes, copies])


def pairs_by_comparing_all(hashes, radius):
    return [
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= radius
    ]


@pytest.mark.parametrize("radius", [0, 1, 3, 4, 7, 8, 11])
def test_pairs_are_those_of_comparing_each_with_each(radius):
    hashes = hashes_with_copies(200)
    found = near.near_pairs(hashes, radius)
    assert list(map(tuple, found.tolist())) == pairs_by_comparing_all(hashes, radius)


def test_hashes_that_are_alike_are_pairs():
    hashes = np.array([7, 5, 7, 7], np.uint64)
    assert near.near_pairs(hashes, 0).tolist() == [[0, 2], [0, 3], [2, 3]]


def test_of_nothing_there_is_no_pair():
    assert near.near_pairs(np.zeros(0, np.uint64), 7).shape == (0, 2)
    assert near.near_pairs(np.zeros(1, np.uint64), 7).shape == (0, 2)


def test_pairs_do_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    hashes = hashes_with_copies(300)
    whole = near.near_pairs(hashes, 7)
    monkeypatch.setattr(near, "_CHUNK", 10)
    assert np.array_equal(near.near_pairs(hashes, 7), whole)


def test_what_is_commonplace_costs_in_proportion_to_its_number():
    """n hashes that are all alike have n (n - 1) / 2 pairs; at most 64 of each are looked at, so
    that there are at most 64 n, and each is a pair with somebody."""
    count = near.LARGEST_BUCKET + 500
    found = near.near_pairs(np.full(count, 77, np.uint64), 7)
    assert count - 1 <= len(found) <= 64 * count
    assert len(np.unique(found)) == count


def test_rare_hashes_are_found_beside_commonplace_ones():
    hashes = np.concatenate([np.zeros(near.LARGEST_BUCKET + 2, np.uint64), hashes_with_copies(50)])
    first = near.LARGEST_BUCKET + 2
    found = [pair for pair in near.near_pairs(hashes, 7).tolist() if pair[0] >= first]
    expected = pairs_by_comparing_all(hashes[first:], 7)
    assert found == [[i + first, j + first] for i, j in expected]


def test_the_number_of_bits():
    words = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    words = np.append(words, np.array([0, 2**64 - 1, 1, 2**63], np.uint64))
    assert near.popcount(words).tolist() == [int(word).bit_count() for word in words]


def test_bits_are_packed_from_the_first_on():
    bits = np.zeros((2, 64), bool)
    bits[0, [0, 3]] = bits[1, 63] = True
    assert near.packed(bits).tolist() == [9, 2**63]
