"""The probe's linear SVM: one against the rest, squared hinge loss, a bias that counts as a weight,
as liblinear's `-s 1 -B 1`; but at its minimum, which liblinear's default may stop short of.

Its examples are windows of some steps, one at every step of every clip. They overlap, and have to
be copied out: of ESC-50's conv4 that would be gigabytes. Where the copy would be too large,
training takes every second window, or third and so on; each has most of its steps in common with
the next. Testing looks at all windows, as a convolution, without copies.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from soundnet_tf.evaluation.squared_hinge import minimise

LARGEST_COPY_BYTES = 1 << 29  # of float64, which liblinear wants: the figures are of that choice
_BATCH_CLIPS = 64


class LinearMachine(NamedTuple):
    """A trained SVM.

    Attributes:
        kernel: float32 [steps, channels, classes].
        bias: float32 [classes].
        hop_steps: steps from one window that it was trained on to the next; 1 for all windows.
        converged: whether it is the minimum.
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


def joined(machines: Sequence[LinearMachine]) -> LinearMachine:
    """One of several that were trained on the same windows, their classes side by side."""
    return LinearMachine(
        np.concatenate([machine.kernel for machine in machines], axis=2),
        np.concatenate([machine.bias for machine in machines]),
        machines[0].hop_steps,
        all(machine.converged for machine in machines),
    )


def copy_bytes(clips: int, windows: int, numbers: int) -> int:
    """Bytes that `fit` holds at most: a float32 copy, and another of the windows that count.

    Args:
        clips, windows: windows of every clip.
        numbers: of a window.
    """
    return 8 * clips * -(-windows // _hop_steps(clips, windows, numbers)) * numbers


def _hop_steps(clips: int, windows: int, numbers: int) -> int:
    return min(windows, -(-8 * clips * windows * numbers // LARGEST_COPY_BYTES))


def fit(
    features: np.ndarray, labels: np.ndarray, classes: Sequence[int], window_steps: int, c: float
) -> LinearMachine:
    """Trains on windows of every clip, an example each.

    One class against the rest, with y = 1 for the class and -1 for others, it minimises
    |w|² / 2 + b² / 2 + C Σ max(0, 1 - y (w·x + b))² over all windows x.

    Args:
        features: float32 [clips, steps, channels].
        labels: int [clips].
        classes: the labels that are to be told from all others.
        window_steps: steps of a window.
        c: the SVM's C.
    """
    windows = np.lib.stride_tricks.sliding_window_view(features, window_steps, axis=1)
    hop_steps = _hop_steps(*windows.shape[:2], windows[0, 0].size)
    windows = windows[:, ::hop_steps].transpose(0, 1, 3, 2)  # [clips, windows, steps, channels]
    clips, count, _, channels = windows.shape
    examples = np.ones((clips, count, window_steps * channels + 1), np.float32)  # 1 for the bias
    for copy, clip in zip(examples, windows, strict=True):
        copy[:, :-1] = clip.reshape(count, -1)
    is_class = np.repeat(labels, count)[:, None] == np.asarray(classes)
    found = minimise(
        examples.reshape(clips * count, -1), np.where(is_class, np.float32(1), np.float32(-1)), c
    )
    kernel = found.weights[:-1].reshape(window_steps, channels, -1)
    return LinearMachine(kernel, found.weights[-1], hop_steps, found.converged)


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
