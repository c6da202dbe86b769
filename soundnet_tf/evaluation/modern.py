"""A better probe: whole clips, several layers, everything chosen inside the training folds.

Each clip is one example: its layers, pooled over time, side by side and standardised. What is done
with them is chosen in two stages, both times by cross-validating the training folds among
themselves; the test fold is seen once, at the end.

1. Layers and pooling: those of the regularised least squares, one class against the rest, with the
   least squared hinge loss. (Of so few clips many ways get the same number right, and the most is
   got by luck.)
2. Classifier and regularisation, of these examples: see `classifiers`.

Clips are fewer than their numbers, so all is computed from products of clips with clips. Those of
layers side by side are sums of the layers' own, and from one decomposition follow the decisions of
least squares for every training fold left out, in closed form: hundreds of ways in a second.
"""

import itertools
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from soundnet_tf.evaluation import classifiers, folds
from soundnet_tf.evaluation.probe import Outcome
from soundnet_tf.sounds.labelled_set import LabelledSet

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
REGULARISATION = classifiers.REGULARISATION[classifiers.LEAST_SQUARES]  # of the first stage
_PARTS = 5  # of a single training fold
_LONG_CLIPS = 200  # with fewer a fold takes less than the start of a process

Pooled = Mapping[tuple[str, str], np.ndarray]  # layer and statistic to [clips, channels]


class Choice(NamedTuple):
    """What examples are made of."""

    layers: tuple[str, ...]
    pooling: str


def choices(layers: set[str]) -> list[Choice]:
    """All that can be tried with these layers; of equal ones the first, simplest is taken."""
    layer_sets = [layer_set for layer_set in LAYER_SETS if set(layer_set) <= layers]
    return list(itertools.starmap(Choice, itertools.product(layer_sets, POOLINGS)))


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
    outcomes = folds.fit(
        _test,
        pooled,
        [(data, fold) for fold in data.test_folds],
        "choosing",
        progress,
        copy_bytes=8 * len(pooled) * len(data.clips) ** 2,  # the products of clips with clips
        is_long=len(data.clips) >= _LONG_CLIPS,
    )
    for fold, (found, detail) in zip(data.test_folds, outcomes, strict=True):
        predictions[data.split(fold)[1]] = found
        details.append(detail)
    return Outcome(predictions, tuple(details), time.perf_counter() - start)


def _test(pooled: Pooled, data: LabelledSet, fold: str) -> tuple[np.ndarray, dict]:
    """Classes of a test fold's clips, int [clips], and what was chosen for it in the others."""
    train, test = data.split(fold)
    products = {name: _products(examples, train) for name, examples in pooled.items()}
    parts = _parts(data, train)
    layers = {layer for layer, _ in pooled}
    choice = _choose(choices(layers), products, data, train, parts)
    examples = classifiers.coordinates(_kernel(products, *choice), train)
    labels, losses = data.labels[train], {}
    for classifier in classifiers.all_classifiers():
        decisions = classifiers.left_out(
            classifier.decide, examples[train], labels, parts, len(data.classes)
        )
        losses[classifier] = classifiers.calibrated_loss(decisions, labels)
    best = min(losses, key=losses.get)
    detail = (
        choice._asdict()
        | {"classifier": best.name, "regularisation": best.regularisation}
        | {"loss_in_training_folds": losses[best]}
    )
    return best.decide(examples[train], labels, examples[test]).argmax(axis=1), detail


def _choose(
    options: list[Choice],
    products: Mapping,
    data: LabelledSet,
    train: np.ndarray,
    parts: list[np.ndarray],
) -> Choice:
    """The first stage."""
    targets = 2.0 * np.eye(len(data.classes))[data.labels[train]] - 1
    losses = {}
    for choice in options:
        values, vectors = np.linalg.eigh(_kernel(products, *choice)[train])
        inverses = (vectors / (values + r) @ vectors.T for r in REGULARISATION)
        losses[choice] = min(_loss(_left_out(g, targets, parts), targets) for g in inverses)
    return min(losses, key=losses.get)


def _products(examples: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, int]:
    """Scalar products of all clips [clips, channels] with those to train on, by whose mean and
    deviation they are standardised; and how many channels differ among those."""
    examples = examples[:, np.ptp(examples[train], axis=0) > 0]
    standardised = (examples - examples[train].mean(axis=0)) / examples[train].std(axis=0)
    return standardised @ standardised[train].T, examples.shape[1]


def _kernel(products: Mapping, layers: tuple[str, ...], pooling: str) -> np.ndarray:
    """Products of the examples that these layers make, of length 1 on average, and a bias of 1."""
    parts = [products[name] for name in itertools.product(layers, POOLINGS[pooling])]
    channels = max(1, sum(count for _, count in parts))
    return 1 + np.float64(sum(product for product, _ in parts)) / channels


def _parts(data: LabelledSet, train: np.ndarray) -> list[np.ndarray]:
    """Places in `train` of each training fold; a single one is divided, class by class."""
    names = np.array([data.clips[i].fold for i in train])
    if len(set(names)) < 2:
        labels = data.labels[train]
        names = np.array([(labels[:i] == label).sum() % _PARTS for i, label in enumerate(labels)])
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names)]


def _left_out(inverse: np.ndarray, targets: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """Decisions for the training clips of each part by the classifier that is fitted to the others.

    With G = (K + regularisation I)⁻¹ over all clips and T their targets, those for a part p are
    T_p - G_pp⁻¹ (G T)_p.
    """
    dual, decisions = inverse @ targets, np.empty_like(targets)
    for part in parts:
        decisions[part] = targets[part] - np.linalg.solve(inverse[np.ix_(part, part)], dual[part])
    return decisions


def _loss(decisions: np.ndarray, targets: np.ndarray) -> float:
    """Mean squared hinge loss, that of the paper's SVM."""
    return float((np.maximum(0, 1 - targets * decisions) ** 2).mean())
