"""A better probe: whole clips, several layers, everything chosen inside the training folds.

Each clip is one example: its layers, pooled over time, side by side and standardised. Layers,
pooling, classifier and regularisation are those that do best when the training folds are
cross-validated among themselves; the test fold is seen once, at the end.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from tqdm import tqdm

from soundnet_tf.data.labelled import LabelledSet
from soundnet_tf.evaluation.probe import Outcome

LAYER_SETS = (
    ("pool5",),
    ("conv6",),
    ("conv5", "pool5"),
    ("pool5", "conv6"),
    ("conv4", "conv5", "pool5", "conv6"),
    ("conv4", "conv5", "pool5", "conv6", "conv7"),
)
POOLINGS = {
    "mean": lambda steps: steps.mean(axis=1),
    "meanstd": lambda steps: np.concatenate([steps.mean(axis=1), steps.std(axis=1)], axis=1),
    "meanmax": lambda steps: np.concatenate([steps.mean(axis=1), steps.max(axis=1)], axis=1),
}
CLASSIFIERS = {
    "logistic regression": lambda c: LogisticRegression(C=c, max_iter=1000),
    "svm": lambda c: LinearSVC(C=c, dual=True, random_state=0),
}
REGULARISATION = {
    "logistic regression": (0.001, 0.01, 0.1, 1.0),
    "svm": (0.0001, 0.001, 0.01, 0.1),
}


class Choice(NamedTuple):
    """One way to classify."""

    layers: tuple[str, ...]
    pooling: str
    classifier: str
    c: float


def choices(layers: set[str]) -> list[Choice]:
    """All that can be tried with these layers; of equal ones the first, simplest is taken."""
    return [
        Choice(layer_set, pooling, classifier, c)
        for layer_set in LAYER_SETS
        if set(layer_set) <= layers
        for pooling in POOLINGS
        for classifier in CLASSIFIERS
        for c in REGULARISATION[classifier]
    ]


def cross_validate(
    data: LabelledSet, features: Mapping[str, np.ndarray], progress: bool = True
) -> Outcome:
    """Chooses and trains on all folds but one and tests on that, for every test fold.

    Args:
        data: the set.
        features: layer to float32 [clips, steps, channels].
        progress: whether to show it on stderr.
    """
    start = time.perf_counter()
    options = choices(set(features))
    examples = {
        (layers, pooling): _pooled(features, layers, pooling)
        for layers, pooling in dict.fromkeys((o.layers, o.pooling) for o in options)
    }
    predictions, details = np.full(len(data.clips), -1), []
    bar = tqdm(total=len(options) * len(data.test_folds), unit="fit", disable=not progress)
    with bar:
        for fold in data.test_folds:
            train, test = data.split(fold)
            scores = []
            for option in options:
                scores.append(_score(data, examples[option[:2]], train, option))
                bar.update()
            best = options[int(np.argmax(scores))]
            model = _model(best).fit(examples[best[:2]][train], data.labels[train])
            predictions[test] = model.predict(examples[best[:2]][test])
            details.append(best._asdict() | {"score_in_training_folds": float(max(scores))})
    return Outcome(predictions, tuple(details), time.perf_counter() - start)


def _pooled(features, layers: tuple[str, ...], pooling: str) -> np.ndarray:
    return np.concatenate([POOLINGS[pooling](features[layer]) for layer in layers], axis=1)


def _model(choice: Choice):
    return make_pipeline(StandardScaler(), CLASSIFIERS[choice.classifier](choice.c))


def _score(data: LabelledSet, examples: np.ndarray, train: np.ndarray, choice: Choice) -> float:
    """Mean accuracy over the training folds, each left out in turn; a single one is divided."""
    groups = np.array([data.clips[i].fold for i in train])
    splitter = LeaveOneGroupOut()
    if len(set(groups)) < 2:
        splitter = StratifiedKFold(min(5, np.bincount(data.labels[train]).min()))
    return cross_val_score(
        _model(choice), examples[train], data.labels[train], groups=groups, cv=splitter
    ).mean()
