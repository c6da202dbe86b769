"""The probe's linear SVM: one against the rest, squared hinge loss, liblinear's `-s 1 -B 1`.

Its examples are windows of some steps, one at every step of every clip. They overlap, and liblinear
wants them copied out as float64: of ESC-50's conv4 that would be seven gigabytes. Where the copy
would be too large, training takes every second window, or third and so on; each has most of its
steps in common with the next. Testing looks at all windows, as a convolution, without copies.
"""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

LARGEST_COPY_BYTES = 1 << 29
# That of liblinear's own program for -s 1, as its help says under -e. scikit-learn's 1e-4 gave the
# same figures, slowly.
_TOLERANCE = 0.1
_ITERATIONS = 1000  # liblinear's own limit, a number in its linear.cpp
_BATCH_CLIPS = 64


class LinearMachine(NamedTuple):
    """A trained SVM.

    Attributes:
        kernel: float32 [steps, channels, classes].
        bias: float32 [classes].
        hop_steps: steps from one window that it was trained on to the next; 1 for all windows.
        converged: whether liblinear came to its end.
    """

    kernel: np.ndarray
    bias: np.ndarray
    hop_steps: int
    converged: bool

    def decision_values(self, features: np.ndarray) -> np.ndarray:
        """float32 [clips, windows, classes] for features [clips, steps, channels]."""
        import tensorflow as tf  # not for processes that only train

        parts = np.split(features, range(_BATCH_CLIPS, len(features), _BATCH_CLIPS))
        values = [tf.nn.conv1d(part, self.kernel, stride=1, padding="VALID") for part in parts]
        return np.concatenate(values) + self.bias


def copy_bytes(clips: int, windows: int, numbers: int) -> int:
    """Bytes of the float64 copy that `fit` makes.

    Args:
        clips, windows: windows of every clip.
        numbers: of a window.
    """
    return 8 * clips * -(-windows // _hop_steps(clips, windows, numbers)) * numbers


def _hop_steps(clips: int, windows: int, numbers: int) -> int:
    return min(windows, -(-8 * clips * windows * numbers // LARGEST_COPY_BYTES))


def fit(features: np.ndarray, labels: np.ndarray, window_steps: int, c: float) -> LinearMachine:
    """Trains on windows of every clip, an example each.

    One class against the rest, with y = 1 for the class and -1 for others, it minimises
    |w|² / 2 + b² / 2 + C Σ max(0, 1 - y (w·x + b))² over all windows x.

    Args:
        features: float32 [clips, steps, channels].
        labels: int [clips], each of 0 … classes - 1 at least once.
        window_steps: steps of a window.
        c: the SVM's C.
    """
    windows = np.lib.stride_tricks.sliding_window_view(features, window_steps, axis=1)
    hop_steps = _hop_steps(*windows.shape[:2], windows[0, 0].size)
    windows = windows[:, ::hop_steps].transpose(0, 1, 3, 2)  # [clips, windows, steps, channels]
    machine = LinearSVC(
        C=c,
        loss="squared_hinge",
        dual=True,
        tol=_TOLERANCE,
        intercept_scaling=1,
        max_iter=_ITERATIONS,
        random_state=0,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        machine.fit(
            windows.reshape(-1, window_steps * features.shape[2]),
            np.repeat(labels, windows.shape[1]),
        )
    weights, bias = machine.coef_, machine.intercept_
    if len(weights) == 1:  # of two classes scikit-learn keeps the second's
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    kernel = weights.T.reshape(window_steps, features.shape[2], -1)
    return LinearMachine(np.float32(kernel), np.float32(bias), hop_steps, not caught)


def classify(
    features: np.ndarray,
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    options: Mapping[str, Any],
) -> np.ndarray:
    """Trains a linear SVM on some examples, standardised, and gives the classes of others.

    Args:
        features: float32 [examples, channels].
        train: int [train], indices of those to train on.
        labels: int [train].
        test: int [test], indices of the others.
        options: of scikit-learn's LinearSVC.

    Returns:
        int [test].
    """
    machine = make_pipeline(StandardScaler(), LinearSVC(random_state=0, **options))
    return machine.fit(features[train], labels).predict(features[test])
