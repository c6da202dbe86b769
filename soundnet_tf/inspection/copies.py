"""Which videos are copies of others, wherever they were cut: hashes that agree at one shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from soundnet_tf.inspection.near import near_pairs

PICTURE_SHIFT_SECS = 1.0  # two pictures a second are compared
SOUND_SHIFT_SECS = 0.2
LEAST_PICTURES, LEAST_SOUNDS = 3, 2  # that agree: fewer are chance, or a title


@dataclass(frozen=True)
class Hashes:
    """All hashes of one kind.

    values: uint64 [n].
    videos: int64 [n], whose each is.
    secs: float64 [n], from the beginning of its video.
    """

    values: np.ndarray
    videos: np.ndarray
    secs: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> "Hashes":
        """Of (video, hashes, seconds) of each clip."""
        counts = [len(hashes) for _, hashes, _ in parts]
        return cls(
            np.concatenate([np.zeros(0, np.uint64), *(hashes for _, hashes, _ in parts)]),
            np.repeat(np.array([video for video, _, _ in parts], np.int64), counts),
            np.concatenate([np.zeros(0), *(secs for _, _, secs in parts)]),
        )


@dataclass(frozen=True)
class Agreement:
    """Hashes of two videos that agree.

    count: how many at the best shift.
    share: of those that the shorter video has.
    shift_secs: when what is at 0 s of the first video is in the second one.
    """

    count: int
    share: float
    shift_secs: float


def agreements(
    hashes: Hashes, radius: int, shift_secs: float, least: int
) -> Mapping[tuple[int, int], Agreement]:
    """By (video, other video), the smaller number first, what agrees in at least `least` hashes.

    Args:
        hashes: of all videos.
        radius: bits in which hashes may differ.
        shift_secs: width of what is one shift.
        least: fewer hashes at one shift are chance.
    """
    pairs = near_pairs(hashes.values, radius)
    one, other = pairs.T
    between = hashes.videos[one] != hashes.videos[other]
    one, other = one[between], other[between]
    is_turned = hashes.videos[one] > hashes.videos[other]
    one, other = np.where(is_turned, other, one), np.where(is_turned, one, other)
    shifts = (hashes.secs[other] - hashes.secs[one]) / shift_secs
    counts: dict[tuple[int, int], Agreement] = {}
    in_video = np.bincount(hashes.videos)
    for half in (0.0, 0.5):  # what lies on the edge of one stretch is in the middle of the other
        bins = np.floor(shifts + half).astype(np.int64)
        of_one = _distinct(hashes, one, other, bins, one)
        of_other = _distinct(hashes, one, other, bins, other)
        for key, count in of_one.items():
            count = min(count, of_other[key])
            a, b, place = key
            best = counts.get((a, b))
            if count >= least and (best is None or count > best.count):
                share = count / min(in_video[a], in_video[b])
                middle_secs = (place + 0.5 - half) * shift_secs
                counts[a, b] = Agreement(count, float(share), float(middle_secs))
    return counts


def groups(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Numbers that hang together by pairs, each group in order."""
    above: dict[int, int] = {}

    def top(one: int) -> int:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    members: dict[int, list[int]] = {}
    for one in sorted(above):
        members.setdefault(top(one), []).append(one)
    return list(members.values())


def _distinct(
    hashes: Hashes, one: np.ndarray, other: np.ndarray, bins: np.ndarray, counted: np.ndarray
) -> dict[tuple[int, int, int], int]:
    """How many of `counted` there are of each two videos and shift, each once."""
    if not len(one):
        return {}
    lines = np.stack([hashes.videos[one], hashes.videos[other], bins, counted], axis=1)
    lines = np.unique(lines, axis=0)
    keys, counts = np.unique(lines[:, :3], axis=0, return_counts=True)
    return {tuple(key): count for key, count in zip(keys.tolist(), counts.tolist(), strict=True)}
