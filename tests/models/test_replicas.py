"""What replicas have in common, by replicas that are asked one after the other."""

import numpy as np
import tensorflow as tf

from soundnet_tf.models import replicas


def test_moments_of_unequal_parts_far_from_zero(monkeypatch):
    """Of 30 and 10 numbers near 1000 that are 0.1 apart: mean Σ n m / N, variance
    Σ n (v + (m - mean)²) / N. The squares that are sent are of 1e6, whose float32 is 0.06 apart."""
    rng = np.random.default_rng(1)
    counts, parts = (30.0, 10.0), [rng.normal(1000, 0.1, (n, 3)) for n in (30, 10)]
    means, variances = (np.float32([f(p, 0) for p in parts]) for f in (np.mean, np.var))
    given = [
        (tf.constant(m), tf.constant(v), tf.constant(n))
        for m, v, n in zip(means, variances, counts, strict=True)
    ]
    sent = []
    monkeypatch.setattr(replicas, "count", lambda: 2)
    monkeypatch.setattr(replicas, "total", lambda value: sent.append(value) or value)
    for each in given:
        replicas.moments(*each)
    monkeypatch.setattr(replicas, "total", lambda value: sent[0] + sent[1])
    weights = np.float64(counts)[:, None] / 40
    mean = (weights * np.float64(means)).sum(0)
    variance = (weights * (np.float64(variances) + (means - mean) ** 2)).sum(0)
    for each in given:
        found = replicas.moments(*each)
        np.testing.assert_allclose(found[0], mean, rtol=1e-7)
        np.testing.assert_allclose(found[1], variance, rtol=1e-5)


def test_every_gradient_is_added_up_in_its_place(monkeypatch):
    """Three small ones travel together, and a megabyte by itself, between them."""
    shapes = [(2, 3), (1 << 18,), (4,), (512, 512), (1, 2)]
    given = [tf.fill(shape, float(k)) for k, shape in enumerate(shapes)]
    sent = []
    monkeypatch.setattr(replicas, "count", lambda: 2)
    monkeypatch.setattr(replicas, "total", lambda value: sent.append(value) or value + 10)
    found = replicas.gradients(given)
    for k, (sums, shape) in enumerate(zip(found, shapes, strict=True)):
        np.testing.assert_array_equal(sums, np.full(shape, k + 10))
    assert sorted(value.shape.num_elements() for value in sent) == [12, 1 << 18, 1 << 18]
