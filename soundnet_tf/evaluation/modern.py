"""A better probe: whole clips, several layers, everything chosen inside the training folds.

Each clip is one example: its layers, pooled over time, side by side and standardised. A linear
classifier is fitted to them by regularised least squares, one class against the rest. Layers,
pooling and regularisation are those that do best when the training folds are cross-validated among
themselves; the test fold is seen once, at the end.

Clips are fewer than their numbers, so all is computed from products of clips with clips. Those of
layers side by side are sums of the layers' own, and from one decomposition follow the decisions for
every training fold left out, in closed form: nothing is fitted but once.
"""

import itertools
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from soundnet_tf.data.labelled import LabelledSet
from soundnet_tf.evaluation.probe import Outcome

LAYER_SETS = (  # the first ones are the 8-layer network's, the last ones the 5-layer network's
    ("pool5",),
    ("conv6",),
    ("conv5", "pool5"),
    ("pool5", "conv6"),
    ("conv5", "pool5", "conv6"),
    ("conv4", "conv5", "pool5", "conv6"),
    ("conv4", "conv5", "pool5", "conv6", "conv7"),
    ("conv4",),
    ("pool3", "conv4"),
    ("conv3", "pool3", "conv4"),
)
POOLINGS = {
    "mean": ("mean",),
    "max": ("max",),
    "meanstd": ("mean", "std"),
    "meanmax": ("mean", "max"),
    "meanstdmax": ("mean", "std", "max"),
}
REGULARISATION = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # beside examples of length 1 on average
_PARTS = 5  # of a single training fold


class Choice(NamedTuple):
    """One way to classify."""

    layers: tuple[str, ...]
    pooling: str
    regularisation: float


def choices(layers: set[str]) -> list[Choice]:
    """All that can be tried with these layers; of equal ones the first, simplest is taken."""
    layer_sets = [layer_set for layer_set in LAYER_SETS if set(layer_set) <= layers]
    return list(itertools.starmap(Choice, itertools.product(layer_sets, POOLINGS, REGULARISATION)))


def cross_validate(
    data: LabelledSet, features: Mapping[str, np.ndarray], progress: bool = True
) -> Outcome:
    """Chooses and trains on all folds but one and tests on that, for every test fold.

    Args:
        data: the set.
        features: layer to float32 [clips, steps, channels]; those of at least one of LAYER_SETS.
        progress: whether to show it on stderr.
    """
    start = time.perf_counter()
    pooled = {
        (layer, statistic): getattr(steps, statistic)(axis=1)
        for layer, steps in features.items()
        for statistic in ("mean", "std", "max")
    }
    predictions, details = np.full(len(data.clips), -1), []
    for fold in tqdm(data.test_folds, desc="choosing", unit="fold", disable=not progress):
        train, test = data.split(fold)
        products = {name: _products(examples, train) for name, examples in pooled.items()}
        targets = 2.0 * np.eye(len(data.classes))[data.labels[train]] - 1
        parts = _parts(data, train)
        scores = {}
        for layers, pooling in dict.fromkeys(c[:2] for c in choices(set(features))):
            values, vectors = np.linalg.eigh(_kernel(products, layers, pooling)[train])
            for regularisation in REGULARISATION:
                inverse = vectors / (values + regularisation) @ vectors.T
                choice = Choice(layers, pooling, regularisation)
                scores[choice] = _score(inverse, targets, parts)
        best = max(scores, key=scores.get)  # of equal ones the first
        kernel = _kernel(products, best.layers, best.pooling)
        ridge = best.regularisation * np.eye(len(train))
        decisions = kernel[test] @ np.linalg.solve(kernel[train] + ridge, targets)
        predictions[test] = decisions.argmax(axis=1)
        details.append(best._asdict() | {"score_in_training_folds": scores[best]})
    return Outcome(predictions, tuple(details), time.perf_counter() - start)


def _products(examples: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Scalar products of all clips [clips, channels] with those to train on, by whose mean and
    deviation they are standardised; and how many channels there are."""
    mean, deviation = examples[train].mean(axis=0), examples[train].std(axis=0)
    standardised = (examples - mean) / np.where(deviation > 0, deviation, 1)
    return standardised @ standardised[train].T, examples.shape[1]


def _kernel(products: Mapping, layers: tuple[str, ...], pooling: str) -> np.ndarray:
    """Products of the examples that these layers make, of length 1 on average, and a bias of 1."""
    parts = [products[name] for name in itertools.product(layers, POOLINGS[pooling])]
    return 1 + np.float64(sum(p for p, _ in parts)) / sum(channels for _, channels in parts)


def _parts(data: LabelledSet, train: np.ndarray) -> list[np.ndarray]:
    """Places in `train` of each training fold; a single one is divided, class by class."""
    names = np.array([data.clips[i].fold for i in train])
    if len(set(names)) < 2:
        labels = data.labels[train]
        names = np.array([(labels[:i] == label).sum() % _PARTS for i, label in enumerate(labels)])
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names)]


def _score(inverse: np.ndarray, targets: np.ndarray, parts: list[np.ndarray]) -> float:
    """Mean accuracy over the parts of the training clips, each left out in turn.

    With G = (K + regularisation I)⁻¹ over all clips and T their targets, the decisions for a part p
    by the classifier that is fitted without it are T_p - G_pp⁻¹ (G T)_p.
    """
    dual, accuracies = inverse @ targets, []
    for part in parts:
        decisions = targets[part] - np.linalg.solve(inverse[np.ix_(part, part)], dual[part])
        is_right = decisions.argmax(axis=1) == targets[part].argmax(axis=1)
        accuracies.append(is_right.mean())
    return float(np.mean(accuracies))
