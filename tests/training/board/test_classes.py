"""Figures by class: sums of an evaluation against NumPy, and what is drawn of them."""

import event_files
import numpy as np
import numpy_distillation
import pytest
import tensorflow as tf

from soundnet_tf.training.board import classes
from soundnet_tf.training.by_class import ByClass

CLASSES = 4


def batches():
    """Two, of other sizes; whose invalid steps would count for class 0."""
    rng = np.random.default_rng(5)
    for clips in (3, 2):
        posteriors = rng.dirichlet([0.3] * CLASSES, (clips, 6))
        mask = rng.uniform(size=(clips, 6)) < 0.7
        yield posteriors * mask[..., None], rng.normal(size=(clips, 6, CLASSES)), mask


def test_sums_by_class_are_numpys():
    metric = ByClass("objects", CLASSES)
    expected = np.zeros((CLASSES, 3))
    for posteriors, logits, mask in batches():
        metric.update_state(*(tf.constant(a) for a in (posteriors, np.float32(logits), mask)))
        for p, z in zip(posteriors[mask], logits[mask], strict=True):
            agrees = z.argmax() == p.argmax()
            expected[p.argmax()] += [1, numpy_distillation.divergence(p, z), agrees]
    assert (expected[:, 0] > 0).sum() > 2 and 0 < expected[:, 2].sum() < expected[:, 0].sum()
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)
    metric.reset_state()
    assert not np.any(metric.result())


@pytest.fixture
def drawn(tmp_path):
    """12 classes of which class c was seen 12 - c times, but class 3 never."""
    counts = np.array([12.0 - c for c in range(12)])
    counts[3] = 0
    sums = np.stack([counts, counts * np.arange(12) / 4, counts * 0.5], axis=1)
    labels = {"objects": [f"class {c}" for c in range(11)] + ["a|b"]}
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=8):
        classes.draw({"objects": sums}, labels)
    return tmp_path


def test_the_most_frequent_classes_have_curves(drawn):
    found = event_files.points(drawn)
    curves = [tag for tag in found if tag.startswith("kl_")]
    assert curves == [f"kl_objects_by_class/class {c}" for c in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10)]
    assert found["kl_objects_by_class/class 5"] == [(8, pytest.approx(5 / 4))]
    assert found["agreement_objects_by_class/class 5"] == [(8, 0.5)]


def test_all_that_were_seen_are_in_the_table(drawn):
    rows = event_files.text(drawn, "classes/objects").splitlines()[2:]
    assert rows[0] == "| class 0 | 12 | 0.000 | 50% |"
    assert rows[3] == "| class 4 | 8 | 1.000 | 50% |"
    assert rows[-1] == "| a&#124;b | 1 | 2.750 | 50% |" and len(rows) == 11
