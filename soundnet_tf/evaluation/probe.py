"""The paper's probe: a linear SVM on windows of a layer, clips judged by the mean of their windows.

Source: section 4 of the paper, eval_esc50.lua and eval_dcase.lua of the released code.
"""

import math
import time
from dataclasses import dataclass

import numpy as np

from soundnet_tf.evaluation import folds, svm
from soundnet_tf.sounds.labelled_set import LabelledSet

C = 0.01

_LONG_BYTES = 1 << 32  # of all folds' copies, times classes: some seconds of one core
_TASKS = 8  # for which the classes of sets with few test folds are divided


@dataclass(frozen=True)
class Windows:
    """How clips are cut: recordings to `clip_secs`, and those into windows of `window_secs`."""

    clip_secs: float
    window_secs: float

    def steps(self, clip_steps: int) -> int:
        """Steps of a window, of a layer that gives `clip_steps` for a clip."""
        return math.ceil(self.window_secs / self.clip_secs * clip_steps)


WINDOWS = {"dcase": Windows(clip_secs=30.0, window_secs=5.0)}
ESC_WINDOWS = Windows(clip_secs=10.0, window_secs=1.0)


def windows_for(data: LabelledSet) -> Windows:
    """The released evaluation's windows: those of DCASE, and for all other sets those of ESC."""
    return WINDOWS.get(data.name, ESC_WINDOWS)


@dataclass(frozen=True)
class Outcome:
    """Predictions of a cross-validation.

    Attributes:
        predictions: int [clips], the class of each clip when its fold was tested; -1 for clips
            that are never tested.
        details: one dict for each test fold: what the classifier reports of itself.
        seconds: that it took.
    """

    predictions: np.ndarray
    details: tuple[dict, ...]
    seconds: float


def cross_validate(
    data: LabelledSet,
    features: np.ndarray,
    windows: Windows,
    title: str = "fitting",
    progress: bool = True,
) -> Outcome:
    """Trains on all folds but one and tests on that, for every test fold.

    Args:
        data: the set.
        features: float32 [clips, steps, channels], of one layer.
        windows: how clips are cut.
        title: of the bar.
        progress: whether to show it on stderr.
    """
    start = time.perf_counter()
    window_steps = windows.steps(features.shape[1])
    predictions = np.full(len(data.clips), -1)
    details = []
    splits = [data.split(fold) for fold in data.test_folds]
    groups = _class_groups(len(data.classes), len(splits))
    window_numbers = window_steps * features.shape[2]
    copies = [
        svm.copy_bytes(len(train), features.shape[1] - window_steps + 1, window_numbers)
        for train, _ in splits
    ]
    tasks = [
        (train, data.labels[train], group, window_steps) for train, _ in splits for group in groups
    ]
    machines = folds.fit(
        _fit,
        features,
        tasks,
        title,
        progress,
        max(copies),
        is_long=sum(copies) * len(data.classes) > _LONG_BYTES,
    )
    parts = list(machines)  # which ends the bar
    for i, (_, test) in enumerate(splits):
        machine = svm.joined(parts[i * len(groups) : (i + 1) * len(groups)])
        values = machine.decision_values(features[test]).mean(axis=1)
        predictions[test] = values.argmax(axis=1)
        details.append({"window_hop_steps": machine.hop_steps, "converged": machine.converged})
    return Outcome(predictions, tuple(details), time.perf_counter() - start)


def _class_groups(classes: int, test_folds: int) -> list[np.ndarray]:
    """Classes that are fitted together; by the set alone, so that figures depend on no machine.
    Twice as many take a fifth longer: they are divided only where folds alone are few."""
    return np.array_split(np.arange(classes), min(classes, max(1, _TASKS // test_folds)))


def _fit(
    features: np.ndarray,
    train: np.ndarray,
    labels: np.ndarray,
    classes: np.ndarray,
    window_steps: int,
) -> svm.LinearMachine:
    return svm.fit(features[train], labels, classes, window_steps, C)
