"""The minimum of a linear SVM with squared hinge loss, for several classes at once.

liblinear's dual method goes through the examples one by one, and of features that say little, whose
channels go up and down together, a thousand times without an end. The minimum is the same whoever
finds it. Here it is Newton's method, each step by conjugate gradients, preconditioned by second
derivatives that all classes share. All that takes long is products of the examples with a matrix
that has a column for each class. No random numbers are drawn.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg

_TOLERANCE = 1e-5  # of the gradient's length at 0
_ITERATIONS = 100
_INNER_ITERATIONS = 30
_INNER_TOLERANCE = 0.1
_SEARCHES = 30
_STEP_TOLERANCE = 1e-3


class Minimum(NamedTuple):
    """Where the objective is least.

    Attributes:
        weights: float32 [numbers, classes].
        converged: whether every class's gradient came to a 100 000th of its length at 0.
    """

    weights: np.ndarray
    converged: bool


def minimise(examples: np.ndarray, targets: np.ndarray, c: float) -> Minimum:
    """Minimises, for each class, |w|² / 2 + c Σ max(0, 1 - y w·x)² over all examples x.

    Args:
        examples: float32 [examples, numbers]; for a bias a number is 1.
        targets: float32 [examples, classes], y: 1 for the class, -1 for the others.
        c: how much the examples weigh.
    """
    factor = np.float32(2 * c)
    precondition = _inverse(examples, factor)  # of the second derivatives at 0: all have a loss
    start = factor * (examples.T @ targets)  # minus the gradient at 0
    lengths = np.linalg.norm(start, axis=0)
    weights = precondition(start)
    values = examples @ weights
    for _ in range(_ITERATIONS):
        lacking = np.maximum(0, 1 - targets * values)
        gradient = weights - factor * (examples.T @ (targets * lacking))
        left = np.flatnonzero(np.linalg.norm(gradient, axis=0) > _TOLERANCE * lengths)
        if not left.size:
            break
        counts = np.float32(lacking[:, left] > 0)
        direction, is_short = _direction(examples, counts, gradient[:, left], factor, precondition)
        if is_short:  # what all examples say helps no longer where few count
            precondition = _inverse(examples, factor, counts.mean(axis=1))
        change = examples @ direction
        step = _step(weights[:, left], direction, targets[:, left], values[:, left], change, factor)
        weights[:, left] += step * direction
        values[:, left] += step * change
    return Minimum(weights, not left.size)


def _inverse(
    examples: np.ndarray, factor: np.float32, shares: np.ndarray | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplies by the inverse of I + factor Σ share x xᵀ, shares from 0 to 1 (None: all 1)."""
    if shares is not None:
        counting = shares > 0
        examples = examples[counting] * np.sqrt(shares[counting, None])
    matrix = np.float64(examples.T @ examples) * factor
    rounding = 4 * np.finfo(np.float32).eps * np.trace(matrix)  # which could make it singular
    matrix[np.diag_indices_from(matrix)] += 1 + rounding
    factors = scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
    return lambda columns: np.float32(scipy.linalg.cho_solve(factors, np.float64(columns)))


def _direction(examples, counts, gradient, factor, precondition) -> tuple[np.ndarray, bool]:
    """Minus the gradient over the second derivatives I + factor Σ x xᵀ of the examples that count,
    and whether there were too few iterations to find it.

    Args:
        examples: float32 [examples, numbers].
        counts: float32 [examples, classes], 1 where an example has a loss, else 0.
        gradient: float32 [numbers, classes].
        factor: 2 c.
        precondition: a function of such a gradient.
    """
    direction, residual = np.zeros_like(gradient), -gradient
    search = preconditioned = precondition(residual)
    products = first = _dots(residual, preconditioned)
    for _ in range(_INNER_ITERATIONS):
        curved = search + factor * (examples.T @ (counts * (examples @ search)))
        length = _ratio(products, _dots(search, curved))
        direction += length * search
        residual = residual - length * curved
        preconditioned = precondition(residual)
        before, products = products, _dots(residual, preconditioned)
        if (products <= _INNER_TOLERANCE**2 * first).all():
            return direction, False
        search = preconditioned + _ratio(products, before) * search
    return direction, True


def _step(weights, direction, targets, values, change, factor) -> np.ndarray:
    """How far to go in each class's direction, float32 [classes]: where the slope, which only
    rises, is 0. Newton's method, or half of what is left where that would leave it."""
    low = np.zeros(weights.shape[1], np.float32)
    high, step = np.full_like(low, np.inf), np.ones_like(low)
    for _ in range(_SEARCHES):
        lacking = np.maximum(0, 1 - targets * (values + step * change))
        slope = _dots(weights + step * direction, direction)
        slope -= factor * _dots(lacking, targets * change)
        curvature = _dots(direction, direction) + factor * _dots(lacking > 0, change**2)
        low, high = np.where(slope < 0, step, low), np.where(slope < 0, high, step)
        following = step - _ratio(slope, curvature)
        is_outside = (following <= low) | (following >= high)
        middle = np.where(np.isinf(high), 2 * step, (low + high) / 2)
        following = np.where(is_outside, middle, following)
        is_done = (np.abs(following - step) <= _STEP_TOLERANCE * step).all()
        step = np.float32(following)
        if is_done:
            break
    return step


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar products of columns, float32 [classes]."""
    return np.einsum("ij,ij->j", a, b, dtype=np.float32)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b; 0 where b is."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
