"""Where things lie on a map: neighbours stay neighbours, by t-SNE; and how far that is so."""

from typing import NamedTuple

import numpy as np

COMPONENTS = 50  # of PCA, before
PERPLEXITY = 30.0
NEIGHBOURS = 10
_ALIKE = 1e-3  # of the first component's deviation; nothing on a map tells such things apart
_MOST_TRUSTED = 2000  # things of whose neighbours it is asked; scikit-learn holds a square of them


class Faithfulness(NamedTuple):
    """How much of the neighbourhoods a map keeps.

    Attributes:
        neighbours: how many nearest ones are looked at, at most NEIGHBOURS.
        trustworthiness: 1 if all neighbours on the map are neighbours by their features, about 0.5
            of points that are thrown anywhere (Venna and Kaski, 2001); NaN of fewer than 5 things,
            or things that are all alike.
        trusted: how many things that was computed from, a random draw if there are more.
        features_agree: share of the nearest by their features that have the same label; NaN without
            labels.
        map_agrees: the same of the nearest on the map.
        chance: what labels that are dealt out blindly would give.
    """

    neighbours: int
    trustworthiness: float
    trusted: int
    features_agree: float
    map_agrees: float
    chance: float


def place(vectors: np.ndarray) -> np.ndarray:
    """Points of a plane, near each other where vectors are.

    Of all numbers the square roots are taken (see `rooted`); these are turned to their first
    principal components and placed by t-SNE, which begins with the first two of them, on one core:
    sums depend on the number of threads. Of vectors that are alike but for rounding one is placed,
    and the others lie there too: t-SNE would throw them apart. There is nothing for a seed to
    decide. The map is turned so that it fills a square.

    Args:
        vectors: float32 [things, channels], finite.

    Returns:
        float32 [things, 2]. Of fewer than five things the first two principal components, since
        t-SNE has nothing to choose from.

    Raises:
        ValueError: no such array, or numbers that are not finite.
    """
    from sklearn.decomposition import PCA  # takes a second
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    values = rooted(vectors)
    if not (values != values[0]).any():  # one thing, or all alike
        return np.zeros([len(values), 2], np.float32)
    count = min(COMPONENTS, *values.shape)
    with threadpool_limits(1):
        components = PCA(count, svd_solver="full").fit_transform(values)
        components = np.pad(components, [(0, 0), (0, max(0, 2 - count))]).astype(np.float32)
        components, which = _different(components)
        if len(components) < 5:
            return turned(components[:, :2])[which]
        perplexity = min(PERPLEXITY, (len(components) - 1) / 3)
        begin = components[:, :2] / components[:, 0].std() * np.float32(1e-4)
        tsne = TSNE(perplexity=perplexity, init=begin)
        return turned(tsne.fit_transform(components))[which]


def _different(components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The components [different, channels] of things that are not alike, in their order, and of
    each thing [things] which of them it has."""
    grid = np.round(components / (_ALIKE * components[:, 0].std()))
    _, first, which = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return components[first[order]], np.argsort(order)[which.ravel()]


def turned(points: np.ndarray) -> np.ndarray:
    """The same points [things, 2], turned by whole degrees so that the square around them is
    smallest: nothing on such a map depends on where up is."""
    angles = np.deg2rad(np.arange(90))
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    every = points @ turns.transpose(2, 0, 1)  # [angles, things, 2]
    sides = np.ptp(every, axis=1).max(axis=1)
    return every[sides.argmin()].astype(np.float32)


def faithfulness(
    vectors: np.ndarray, points: np.ndarray, labels: np.ndarray | None
) -> Faithfulness:
    """How far a map can be believed.

    Args:
        vectors: as of `place`.
        points: float32 [things, 2].
        labels: [things], of any type that can be compared; None if there are none.
    """
    from sklearn.manifold import trustworthiness

    values = rooted(vectors)
    trusted, trust = min(len(values), _MOST_TRUSTED), float("nan")
    count = min(NEIGHBOURS, (trusted - 1) // 2)
    if len(values) >= 5 and (points != points[0]).any():  # else there is no nearest
        drawn = np.random.default_rng(0).permutation(len(values))[:trusted]
        trust = float(trustworthiness(values[drawn], points[drawn], n_neighbors=count))
    nan = float("nan")
    if labels is None or not count:
        return Faithfulness(count, trust, trusted, nan, nan, nan)
    return Faithfulness(
        count,
        trust,
        trusted,
        share_of_same(nearest(vectors, count), labels),
        _agreeing(points, labels, count),
        chance_of_same(labels),
    )


def nearest(vectors: np.ndarray, count: int = NEIGHBOURS) -> np.ndarray:
    """int64 [things, count or fewer]: the nearest others of each by its `rooted` vector, the very
    nearest first."""
    return _nearest(rooted(vectors), count)


def share_of_same(neighbours: np.ndarray, labels: np.ndarray) -> float:
    """How many of the neighbours [things, count] have the label of whose neighbours they are."""
    labels = np.asarray(labels)
    return float((labels[neighbours] == labels[:, np.newaxis]).mean())


def chance_of_same(labels: np.ndarray) -> float:
    """The share of pairs of different things that have the same label: what any neighbours have on
    average if labels are shuffled."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1].astype(float)
    total = counts.sum()
    return float((counts * (counts - 1)).sum() / (total * (total - 1)))


def rooted(vectors: np.ndarray) -> np.ndarray:
    """Square roots, with the numbers' signs: of units after a ReLU, of which some are excited a
    hundred times as much as most, none then decides alone; of probabilities distances are
    Hellinger's. On ESC-10's pool5 maps were best so, see docs/map.md.

    Args:
        vectors: float32 [things, channels].

    Raises:
        ValueError: no such array, or numbers that are not finite.
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(f"vectors of shape {list(vectors.shape)}; give [things, channels]")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors have numbers that are not finite; leave those things out")
    return np.sign(vectors) * np.sqrt(np.abs(vectors))


def _agreeing(points: np.ndarray, labels: np.ndarray, count: int) -> float:
    return share_of_same(_nearest(points, count), labels)


def _nearest(values: np.ndarray, count: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(values) - 1)
    if count < 1:
        return np.zeros([len(values), 0], int)
    return NearestNeighbors(n_neighbors=count).fit(values).kneighbors(return_distance=False)
