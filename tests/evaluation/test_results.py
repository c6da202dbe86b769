"""Figures of predictions in closed form, and tables."""

import dataclasses

import numpy as np
import pytest
from toy_sets import toy_set

from soundnet_tf.evaluation import results

DATA = toy_set(folds=("1", "2"), per_fold=(2, 2))  # a a b b, a a b b
PREDICTIONS = np.array([0, 0, 1, 1, 0, 1, 0, 0])  # 4 of 4 and 1 of 4 right


def test_accuracies_are_means_over_folds():
    """Folds of 1 and 1 / 4: mean 5 / 8, each 3 / 8 away from it."""
    figures = results.figures(DATA, PREDICTIONS)
    assert figures["per_fold"] == {"1": 1.0, "2": 0.25}
    assert figures["accuracy_mean"] == 0.625
    assert figures["accuracy_std"] == 0.375


def test_the_mean_is_of_folds_not_of_clips():
    """Fold 1 has two clips, both right; of fold 2's six none is."""
    data = toy_set(folds=("1", "2", "3", "4"), per_fold=(1, 1))
    clips = tuple(dataclasses.replace(c, fold="1" if c.fold == "1" else "2") for c in data.clips)
    data = dataclasses.replace(data, clips=clips)
    predictions = np.where(data.labels == 0, 1, 0)
    predictions[:2] = data.labels[:2]
    figures = results.figures(data, predictions)
    assert figures["per_fold"] == {"1": 1.0, "2": 0.0} and figures["accuracy_mean"] == 0.5


def test_each_class_has_its_share_of_right_ones_and_a_row_of_the_confusion():
    figures = results.figures(DATA, PREDICTIONS)
    assert figures["per_class"] == {"a": 0.75, "b": 0.5}
    assert figures["confusion"] == [[3, 1], [2, 2]]


def test_rows_of_the_confusion_are_true_classes():
    figures = results.figures(DATA, np.ones(8, int))
    assert figures["confusion"] == [[0, 4], [0, 4]]
    assert figures["per_class"] == {"a": 0.0, "b": 1.0}


def test_a_class_that_is_never_given_keeps_its_place():
    data = toy_set(folds=("1", "2"), per_fold=(1, 1, 1))
    figures = results.figures(data, np.array([0, 0, 0, 0, 0, 0]))
    assert figures["confusion"] == [[2, 0, 0], [2, 0, 0], [2, 0, 0]]


def test_clips_that_were_not_tested_do_not_count():
    data = toy_set(folds=("train", "test"), per_fold=(2, 2))
    figures = results.figures(data, np.array([-1, -1, -1, -1, 0, 0, 1, 0]))
    assert figures["per_fold"] == {"test": 0.75}
    assert figures["accuracy_mean"] == 0.75 and figures["accuracy_std"] == 0.0
    assert figures["per_class"] == {"a": 1.0, "b": 0.5}
    assert figures["confusion"] == [[2, 0], [1, 1]]


def test_chance_is_the_share_of_the_most_frequent_class():
    assert results.chance(DATA) == 0.5
    assert results.chance(toy_set(per_fold=(1, 3, 2))) == 0.5
    assert results.chance(toy_set(per_fold=(1, 1, 1, 1))) == 0.25


def test_a_table():
    rows = [{"layer": "pool5", "paper %": 92.2}, {"layer": "MFCC", "paper %": None}]
    assert results.markdown(rows) == (
        "| layer | paper % |\n| --- | --- |\n| pool5 | 92.2 |\n| MFCC |  |\n"
    )


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [(0.92, 0.0187, "92.0 ± 1.9"), (1.0, 0.0, "100.0 ± 0.0"), (0.00049, 0.1, "0.0 ± 10.0")],
)
def test_percent(mean, std, text):
    assert results.percent({"accuracy_mean": mean, "accuracy_std": std}) == text


def test_percent_of_nothing():
    assert results.percent(None) is None
