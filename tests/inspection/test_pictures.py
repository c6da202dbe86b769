"""How much pictures move, where they are cut, and which hashes stay."""

import numpy as np
import pytest
from inspected_films import waves
from PIL import Image

from soundnet_tf.inspection import near, picture_hash, pictures


def film_of(*scenes, count=25):
    """Small grey pictures of scenes, `count` of each."""
    frames = [waves(seed, i / 25) for seed in scenes for i in range(count)]
    return pictures.small_grey(frames)


def test_small_pictures_are_means_of_what_lies_there():
    """A picture of 64 x 64 whose left half is 200 and right half 0, in all colours."""
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, :32] = 200
    grey = pictures.small_grey([frame])
    assert grey.shape == (1, 32, 32) and grey.dtype == np.float32
    assert (grey[0, :, :16] == 200).all() and (grey[0, :, 16:] == 0).all()


def test_the_share_of_steps_that_stand_still():
    """Changes of 0, 1 and 10 levels from one picture to the next."""
    grey = np.zeros((4, 32, 32), np.float32)
    grey[2:] += 1
    grey[3:] += 10
    assert pictures.steps(grey).tolist() == [0, 1, 10]
    assert pictures.still_share(grey, 0.3) == pytest.approx(1 / 3)
    assert pictures.still_share(grey, 1.5) == pytest.approx(2 / 3)
    assert pictures.still_share(grey[:1], 0.3) is None


def test_cuts_are_where_scenes_begin():
    assert pictures.cuts(film_of(1, 2, 3)).tolist() == [25, 50]
    assert pictures.cuts(film_of(1, count=50)).tolist() == []


def test_a_flash_is_no_cut():
    grey = film_of(1, count=50)
    grey[20:22] = 255
    assert pictures.cuts(grey).tolist() == []


def test_a_film_that_changes_all_the_time_has_no_cuts():
    grey = np.random.default_rng(0).uniform(0, 255, (50, 32, 32)).astype(np.float32)
    assert (pictures.steps(grey) > 50).all()
    assert pictures.cuts(grey).tolist() == []


def test_no_pictures_have_no_steps():
    nothing = pictures.small_grey([])
    assert nothing.shape == (0, 32, 32)
    assert pictures.still_share(nothing, 0.3) is None
    assert pictures.cuts(nothing).tolist() == []
    assert pictures.strip([]) is None


def test_a_strip_has_three_pictures_from_the_thirds_middles():
    frames = [np.full((2, 4, 3), i, np.uint8) for i in range(7)]
    assert pictures.strip(frames)[0, ::4, 0].tolist() == [1, 3, 5]


def test_a_hash_stays_at_other_sizes_brightness_and_quality():
    first = pictures.small_grey([waves(seed, 0, 320, 240) for seed in range(20)])
    changed = []
    for seed in range(20):
        small = Image.fromarray(waves(seed, 0, 320, 240)).resize((128, 96))
        changed.append((np.asarray(small) * 0.7 + 40).astype(np.uint8))
    hashes, tells = picture_hash.hashes(first)
    others, _ = picture_hash.hashes(pictures.small_grey(changed))
    assert tells.all()
    assert near.popcount(hashes ^ others).max() <= 4
    between = near.popcount(hashes[:, None] ^ hashes[None])[np.triu_indices(20, 1)]
    assert between.min() > 12 and 28 < between.mean() < 36


def test_a_hash_is_the_signs_of_the_lowest_frequencies():
    """By the definition of the DCT: the coefficient (u, v) of x[i, j] is, but for a positive
    factor, the sum of x cos(pi (2i + 1) u / 64) cos(pi (2j + 1) v / 64)."""
    grey = np.random.default_rng(1).uniform(0, 255, (1, 32, 32)).astype(np.float32)
    i, j = np.mgrid[:32, :32]
    frequencies = sorted((u * u + v * v, u, v) for u in range(32) for v in range(32))[1:65]
    expected = [
        (
            grey[0] * np.cos(np.pi * (2 * i + 1) * u / 64) * np.cos(np.pi * (2 * j + 1) * v / 64)
        ).sum()
        > 0
        for _, u, v in frequencies
    ]
    (found,), _ = picture_hash.hashes(grey)
    assert [bool(int(found) >> bit & 1) for bit in range(64)] == expected


def test_a_plain_picture_tells_nothing():
    """Black, a colour with a little noise, and a gradient; a scene does."""
    noise = np.random.default_rng(0).normal(0, 1, (32, 32))
    gradient = np.tile(np.linspace(0, 255, 32), (32, 1))
    plain = np.stack([np.zeros((32, 32)), 120 + noise, gradient]).astype(np.float32)
    _, tells = picture_hash.hashes(np.concatenate([plain, film_of(1, count=1)]))
    assert tells.tolist() == [False, False, False, True]
