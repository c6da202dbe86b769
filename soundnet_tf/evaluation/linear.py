"""A linear probe that takes seconds: the mean and deviation of a layer over time, standardised, and
a logistic regression whose C is never chosen.

It compares networks, early and late ones of a training among them: nothing in it is tuned, a
recording is one example, and a network that learned nothing is a floor that has to be beaten.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from soundnet_tf.evaluation import folds, results
from soundnet_tf.evaluation.probe import Outcome
from soundnet_tf.sounds.labelled_set import LabelledSet

C = 0.1
_ITERATIONS = 1000
_LONG_NUMBERS = 1 << 30  # of all examples, folds and classes: some seconds of one core


def pool(features: np.ndarray) -> np.ndarray:
    """A recording as one example.

    Args:
        features: float32 [clips, steps, channels].

    Returns:
        float32 [clips, 2 * channels], means over time, then deviations.
    """
    return np.concatenate([features.mean(axis=1), features.std(axis=1)], axis=1)


def cross_validate(
    data: LabelledSet,
    examples: Mapping[str, np.ndarray],
    layers: Sequence[str] = (),
    title: str = "fitting",
    progress: bool = True,
) -> dict[str, Outcome]:
    """Trains on all folds but one and tests on that, for every layer and test fold.

    Args:
        data: the set.
        examples: layer to what `pool` gives.
        layers: of them; none for all.
        title: of the bar.
        progress: whether to show it on stderr.

    Raises:
        ValueError: numbers that are not finite.
    """
    layers = tuple(layers or examples)
    if broken := [layer for layer in layers if not np.isfinite(examples[layer]).all()]:
        raise ValueError(
            f"{', '.join(broken)}: not all numbers are finite; a network whose training diverged "
            "gives such: train it anew with a lower --learning_rate, or clip its gradients "
            "(--clip_norm)"
        )
    splits = [data.split(fold) for fold in data.test_folds]
    tasks = [(layer, train, data.labels[train], test) for layer in layers for train, test in splits]
    start = time.perf_counter()
    numbers = sum(examples[layer].size for layer in layers) * len(splits) * len(data.classes)
    chosen = {layer: examples[layer] for layer in layers}
    fitted = folds.fit(_fit, chosen, tasks, title, progress, is_long=numbers > _LONG_NUMBERS)
    found = {}
    for layer in layers:
        predictions = np.full(len(data.clips), -1)
        details = []
        for _, test in splits:
            predictions[test], iterations = next(fitted)
            details.append({"iterations": iterations, "converged": iterations < _ITERATIONS})
        found[layer] = Outcome(predictions, tuple(details), time.perf_counter() - start)
        start = time.perf_counter()
    next(fitted, None)  # which ends the bar
    return found


def hear_and_validate(
    network,
    data: LabelledSet,
    waveforms: np.ndarray,
    layers: Sequence[str],
) -> dict[str, Outcome]:
    """`cross_validate` of layers of a network, without a word on the screen.

    Args:
        network: a `FoldedNetwork`.
        data: the set.
        waveforms: float32 [clips, samples], the set's, as `sounds.waveforms.read_clips` gives them.
        layers: as of `features.layer_features`.
    """
    from soundnet_tf.evaluation import features  # TensorFlow, without which processes begin at once

    steps = features.layer_features(network, waveforms, layers, progress=False)
    examples = {layer: pool(values) for layer, values in steps.items()}
    return cross_validate(data, examples, progress=False)


def accuracies(
    network, data: LabelledSet, waveforms: np.ndarray, layers: Sequence[str]
) -> dict[str, float]:
    """Layer to its accuracy, a share of 1, the mean over test folds; arguments as above."""
    outcomes = hear_and_validate(network, data, waveforms, layers)
    figures = {
        layer: results.figures(data, outcome.predictions) for layer, outcome in outcomes.items()
    }
    return {layer: found["accuracy_mean"] for layer, found in figures.items()}


def _fit(
    examples: Mapping[str, np.ndarray],
    layer: str,
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Classes of the clips `test`, int [test], and how many iterations it took."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    machine = LogisticRegression(C=C, max_iter=_ITERATIONS)
    pipeline = make_pipeline(StandardScaler(), machine).fit(examples[layer][train], labels)
    return pipeline.predict(examples[layer][test]), int(machine.n_iter_.max())
