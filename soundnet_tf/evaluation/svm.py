"""The probe's linear SVM: one against the rest, squared hinge loss, liblinear's `-s 1 -B 1`.

Its examples are windows of some steps, one at every step of every clip. They overlap, and liblinear
wants them copied out as float64: of ESC-50's conv4 that would be seven gigabytes. Where the copy
would be too large, training takes every second window, or third and so on; each has most of its
steps in common with the next. Testing looks at all windows, as a convolution, without copies.
"""

import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning
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
        parts = np.split(features, range(_BATCH_CLIPS, len(features), _BATCH_CLIPS))
        values = [tf.nn.conv1d(part, self.kernel, stride=1, padding="VALID") for part in parts]
        return np.concatenate(values) + self.bias


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
    hop_steps = min(windows.shape[1], -(-8 * windows.size // LARGEST_COPY_BYTES))
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
