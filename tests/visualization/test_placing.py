"""Places on a map, and how far they can be believed: against NumPy's own count of neighbours."""

import itertools

import numpy as np
import pytest

from soundnet_tf.visualization import placing


def blobs(each=12, channels=20, seed=0):
    """Three groups far from each other, and which group each thing is of."""
    draw = np.random.default_rng(seed)
    centres = 20 * np.eye(3, channels)
    groups = np.repeat(np.arange(3), each)
    return (centres[groups] + draw.normal(size=(3 * each, channels))).astype(np.float32), groups


def rooted(vectors):
    return np.where(vectors < 0, -1, 1) * np.abs(vectors.astype(float)) ** 0.5


def distances(values):
    return np.sqrt(((values[:, None].astype(float) - values) ** 2).sum(axis=2))


def trust_by_hand(vectors, points, count):
    """1 - 2 / (n k (2n - 3k - 1)) sum of (rank - k) over neighbours on the map that are none by
    their features (Venna and Kaski, 2001); ranks count from 1, without the thing itself."""
    n, total = len(vectors), 0
    by_features, on_map = distances(vectors), distances(points)
    for i in range(n):
        order = [j for j in np.argsort(by_features[i], kind="stable") if j != i]
        rank = {j: place for place, j in enumerate(order, 1)}
        nearest = [j for j in np.argsort(on_map[i], kind="stable") if j != i][:count]
        total += sum(max(0, rank[j] - count) for j in nearest)
    return 1 - 2 / (n * count * (2 * n - 3 * count - 1)) * total


def test_groups_stay_apart():
    """Every thing is nearer to each of its own group than to any other's."""
    vectors, groups = blobs()
    points = placing.place(vectors)
    assert points.shape == (36, 2) and points.dtype == np.float32
    apart = distances(points)
    same = groups[:, None] == groups
    assert apart[same].max() < apart[~same].min()


def test_equal_vectors_give_the_same_map_to_the_last_bit():
    vectors, _ = blobs(each=8)
    assert np.array_equal(placing.place(vectors), placing.place(vectors.copy()))


def test_a_unit_that_is_excited_more_than_most_does_not_decide_alone():
    """Two groups differ by 1 in each of 50 channels; a channel of noise up to 300 is, squared, more
    than that, and by its root less."""
    draw = np.random.default_rng(0)
    groups = np.arange(40) % 2
    vectors = np.repeat(groups[:, None], 50, axis=1) + 0.01
    loud = np.column_stack([vectors, draw.uniform(250, 300, 40)]).astype(np.float32)
    assert placing.share_of_same(placing.nearest(loud, 10), groups) == 1
    assert placing.share_of_same(placing._nearest(loud, 10), groups) < 0.8
    apart = distances(placing.place(loud))
    same = groups[:, None] == groups
    assert apart[same].max() < apart[~same].min()


def test_things_that_are_alike_lie_in_one_place():
    assert placing.place(np.full([7, 4], 0.1, np.float32)).tolist() == [[0, 0]] * 7
    assert placing.place(np.ones([1, 4], np.float32)).tolist() == [[0, 0]]
    alike = np.ones([7, 4], np.float32)
    faithful = placing.faithfulness(alike, placing.place(alike), None)
    assert np.isnan(faithful.trustworthiness)  # which are nearest is the library's whim


def test_things_that_are_alike_lie_in_one_place_among_others():
    """Three and four of the same sound, also if batches of other sizes rounded them otherwise;
    t-SNE threw them apart by tenths of the map. What is not alike stays apart."""
    vectors = np.random.default_rng(0).gamma(1, size=(13, 30)).astype(np.float32)
    vectors[[5, 9]], vectors[[2, 7, 12]] = vectors[0], vectors[1]
    vectors *= 1 + 1e-6 * np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    apart = distances(placing.place(vectors))
    assert not apart[np.ix_([0, 5, 9], [0, 5, 9])].any()
    assert not apart[np.ix_([1, 2, 7, 12], [1, 2, 7, 12])].any()
    kinds = [0, 1, 3, 4, 6, 8, 10, 11]
    assert (apart[np.ix_(kinds, kinds)] > 0).sum() == len(kinds) * (len(kinds) - 1)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_things_lie_on_their_principal_components(count):
    """Whose distances are the vectors' own if they differ in two channels."""
    vectors = np.zeros([count, 5], np.float32)
    vectors[:, 1], vectors[:, 3] = np.arange(count), -(np.arange(count) ** 2 % 3)
    points = placing.place(vectors)
    np.testing.assert_allclose(distances(points), distances(rooted(vectors)), atol=1e-4)


@pytest.mark.parametrize("count", [5, 6, 40])
def test_any_number_of_things_has_finite_places(count):
    vectors = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    vectors[1] = vectors[0]
    points = placing.place(vectors)
    assert points.shape == (count, 2) and np.isfinite(points).all()


def test_a_map_is_turned_to_fill_a_square():
    """A line along an axis goes to the diagonal, and distances stay: its square's side is the
    length by the root of 2."""
    line = np.column_stack([np.linspace(0, 10, 30), np.zeros(30)]).astype(np.float32)
    turned = placing.turned(line)
    np.testing.assert_allclose(distances(turned), distances(line), atol=1e-5)
    np.testing.assert_allclose(np.ptp(turned, axis=0), 10 / np.sqrt(2), rtol=1e-5)


def test_what_cannot_be_placed_is_refused():
    with pytest.raises(ValueError, match=r"shape \[4\]"):
        placing.place(np.ones(4, np.float32))
    with pytest.raises(ValueError, match="not finite"):
        placing.place(np.array([[1, 2], [np.nan, 1]], np.float32))


def test_trustworthiness_is_the_count_of_false_neighbours():
    """Of points that were thrown anywhere, so that many are."""
    vectors, groups = blobs(each=8)
    points = np.random.default_rng(3).normal(size=(24, 2)).astype(np.float32)
    faithful = placing.faithfulness(vectors, points, groups)
    assert (faithful.neighbours, faithful.trusted) == (10, 24)
    by_hand = trust_by_hand(rooted(vectors), points, 10)
    assert faithful.trustworthiness == pytest.approx(by_hand, abs=1e-9)
    assert by_hand < 0.7 < placing.faithfulness(vectors, placing.place(vectors), None)[1]


def test_neighbours_agree_by_their_features_and_on_the_map():
    """Groups of eight: seven neighbours of ten can be of one's own group. The map has them in one
    row, things of a group three apart, so that neighbours' groups are counted by hand."""
    vectors, groups = blobs(each=8)
    order = np.argsort(np.argsort(np.arange(24) % 8 * 3 + groups))
    points = np.column_stack([order**1.01, np.zeros(24)]).astype(np.float32)
    faithful = placing.faithfulness(vectors, points, groups)
    assert faithful.features_agree == pytest.approx(0.7)
    nearest = np.argsort(distances(points) + np.diag(np.full(24, np.inf)), axis=1)[:, :10]
    by_hand = np.mean([groups[j] == groups[i] for i in range(24) for j in nearest[i]])
    assert faithful.map_agrees == pytest.approx(by_hand)
    assert 0.2 < by_hand < 0.4


def test_chance_is_the_mean_over_all_ways_to_deal_labels_out():
    """Of one pair, which has the same label in so many of all permutations."""
    labels = np.array(["a", "a", "a", "b", "b"])
    deals = [*itertools.permutations(labels)]
    share = np.mean([deal[0] == deal[1] for deal in deals])
    assert placing.chance_of_same(labels) == pytest.approx(share) == pytest.approx(0.4)


def test_of_too_few_things_nothing_is_said():
    faithful = placing.faithfulness(np.eye(2, dtype=np.float32), np.eye(2), np.array(["a", "b"]))
    assert faithful.neighbours == 0
    assert np.isnan([faithful.trustworthiness, faithful.map_agrees, faithful.chance]).all()


def test_many_things_are_judged_by_a_draw(monkeypatch):
    monkeypatch.setattr(placing, "_MOST_TRUSTED", 24)
    vectors, _ = blobs()
    points = placing.place(vectors)
    faithful = placing.faithfulness(vectors, points, None)
    drawn = np.random.default_rng(0).permutation(36)[:24]
    by_hand = trust_by_hand(rooted(vectors)[drawn], points[drawn], 10)
    assert faithful.trusted == 24
    assert faithful.trustworthiness == pytest.approx(by_hand, abs=1e-6)


def test_the_nearest_come_first():
    line = np.array([[0.0], [1], [9], [49]], np.float32)  # roots 0, 1, 3, 7
    assert placing.nearest(line, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert placing.nearest(line, 9).shape == (4, 3)
    assert placing.nearest(line[:1], 9).shape == (1, 0)
