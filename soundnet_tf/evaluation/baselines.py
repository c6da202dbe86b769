"""What stands beside every figure: MFCC, and the network before it learned anything."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from soundnet_tf.evaluation import mfcc
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.sounds.labelled_set import LabelledSet

_CALIBRATION_CLIPS = 64


def mfcc_predictions(data: LabelledSet, waveforms: np.ndarray) -> np.ndarray:
    """Each test fold's classes by mean and deviation of MFCC, standardised, and a linear SVM.

    Args:
        data: the set.
        waveforms: float32 [clips, samples].

    Returns:
        int [clips]; -1 for clips that are never tested.
    """
    examples = np.stack([mfcc.mfcc_features(waveform) for waveform in waveforms])

    def classify(train, test):
        machine = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0))
        return machine.fit(examples[train], data.labels[train]).predict(examples[test])

    return _of_all_folds(data, classify)


@standard_settings()
def untrained_network(like: FoldedNetwork, waveforms: np.ndarray, seed: int = 0) -> FoldedNetwork:
    """A network with random weights whose batch norms know the sound, without any label.

    With statistics of 0 and 1, as at the start of training, activations would shrink from layer to
    layer to nothing, which would be too low a floor.

    Args:
        like: a network of the same layers and heads.
        waveforms: float32 [clips, samples], of which some set the statistics.
        seed: of the weights.
    """
    keras.utils.set_random_seed(seed)
    student = students.BUILDERS[like.architecture.name](
        include_top=bool(like.heads),
        object_classes=like.heads.get("objects"),
        scene_classes=like.heads.get("scenes"),
    )
    norms = [n for n in student.layers if isinstance(n, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # the statistics become those of this one batch
    chosen = np.random.default_rng(seed).permutation(len(waveforms))[:_CALIBRATION_CLIPS]
    student(tf.constant(waveforms[np.sort(chosen)]), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return FoldedNetwork(student)


def _of_all_folds(data: LabelledSet, classify: Callable) -> np.ndarray:
    predictions = np.full(len(data.clips), -1)
    for fold in data.test_folds:
        train, test = data.split(fold)
        predictions[test] = classify(train, test)
    return predictions
