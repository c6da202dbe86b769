"""Linear classifiers to choose from, and one measure for all of them.

Least squares, logistic regression and the SVM with squared hinge loss minimise, of weights w and
with their own loss of every example x, regularisation · |w|² + Σ loss(w·x). The first and the last
put one class against the rest, with +1 and -1; the second gives all classes a softmax.

Each is best by its own loss, and by the number of clips that it gets right many are equal. So all
are measured alike: decisions become probabilities by a softmax of them, times the one factor that
suits them best, and the cross-entropy with the truth counts. The factor takes out what a classifier
means by 1; a single number, it cannot learn the clips.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

LEAST_SQUARES, LOGISTIC, SVM = "least squares", "logistic regression", "SVM"
# Beside examples of length 1 on average. The logistic loss bends a quarter as much as the others at
# most, and far from the boundary hardly at all: it wants less.
REGULARISATION = {
    LEAST_SQUARES: (1.0, 0.3, 0.1, 0.03, 0.01, 0.003),
    LOGISTIC: (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003),
    SVM: (1.0, 0.3, 0.1, 0.03, 0.01, 0.003),
}
_ITERATIONS = 10_000
_FACTORS = np.geomspace(0.1, 1000, 186)  # of decisions whose deviation is 1, in steps of 5 %
_LEAST_SHARE = np.finfo(np.float32).eps  # of the largest eigenvalue; below are rounding errors


class Classifier(NamedTuple):
    """A kind of classifier, one of REGULARISATION, and how much it is held back."""

    name: str
    regularisation: float

    def decide(self, examples: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Trains on some examples and decides on others.

        Args:
            examples: float64 [clips, channels], with the bias among the channels.
            labels: int [clips], of two or more classes.
            others: float64 [others, channels].

        Returns:
            float64 [others, classes present in `labels`], their classes in order.
        """
        if self.name == LEAST_SQUARES:
            targets = 2.0 * (labels[:, None] == np.unique(labels)) - 1
            ridge = self.regularisation * np.eye(examples.shape[1])
            return others @ np.linalg.solve(examples.T @ examples + ridge, examples.T @ targets)
        c = 1 / (2 * self.regularisation)  # scikit-learn's |w|² / 2 + C Σ loss
        options = {"C": c, "fit_intercept": False, "max_iter": _ITERATIONS}
        model = LogisticRegression(**options) if self.name == LOGISTIC else _svm(options)
        decisions = model.fit(examples, labels).decision_function(others)
        # Of two classes scikit-learn gives the second's.
        return decisions if decisions.ndim == 2 else np.stack([-decisions, decisions], axis=1)


def _svm(options: dict) -> LinearSVC:
    return LinearSVC(loss="squared_hinge", dual=False, random_state=0, **options)


def all_classifiers() -> Iterator[Classifier]:
    """All that can be chosen; of equal ones the first is taken."""
    for name, values in REGULARISATION.items():
        for regularisation in values:
            yield Classifier(name, regularisation)


def coordinates(kernel: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Examples that have these scalar products, of no more numbers than there are training clips.

    Every classifier here hangs on scalar products alone, and of few examples these are faster.

    Args:
        kernel: float64 [clips, train], products of all clips with those to train on.
        train: int [train], the rows that are theirs.

    Returns:
        float64 [clips, at most train].
    """
    values, vectors = np.linalg.eigh(kernel[train])
    is_kept = values > _LEAST_SHARE * values[-1]
    return kernel @ (vectors[:, is_kept] / np.sqrt(values[is_kept]))


def left_out(
    decide: Callable, examples: np.ndarray, labels: np.ndarray, parts: Sequence, classes: int
) -> np.ndarray:
    """Decisions for the clips of each part by the classifier that is trained on the others.

    Args:
        decide: as `Classifier.decide`.
        examples: float64 [clips, channels].
        labels: int [clips].
        parts: int arrays, which together name each clip once.
        classes: how many there are.

    Returns:
        float64 [clips, classes]. A class that was not trained is as far off as the farthest one;
        where fewer than two were, all are alike.
    """
    decisions = np.zeros((len(labels), classes))
    for part in parts:
        others = np.setdiff1d(np.arange(len(labels)), part)
        known = np.unique(labels[others])
        if len(known) >= 2:
            decided = decide(examples[others], labels[others], examples[part])
            decisions[part] = decided.min(axis=1, keepdims=True)
            decisions[np.ix_(part, known)] = decided
    return decisions


def calibrated_loss(decisions: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy in nats of a softmax of decisions times the factor that suits them best.

    Args:
        decisions: float64 [clips, classes].
        labels: int [clips].
    """
    deviation = decisions.std()
    scaled = decisions / (deviation if deviation > 0 else 1.0)
    lacking = scaled - scaled[np.arange(len(labels)), labels][:, None]  # 0 for the truth
    most = lacking.max(axis=1, keepdims=True)
    return min(
        float((f * most[:, 0] + np.log(np.exp(f * (lacking - most)).sum(axis=1))).mean())
        for f in _FACTORS
    )
