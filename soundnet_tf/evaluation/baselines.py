"""What stands beside every figure: MFCC, and the network before it learned anything."""

import keras
import numpy as np
import tensorflow as tf

from soundnet_tf.evaluation import folds, mfcc, svm
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.sounds.labelled_set import LabelledSet

_CALIBRATION_CLIPS = 64


def mfcc_examples(waveforms: np.ndarray, progress: bool = True) -> np.ndarray:
    """Mean and deviation of each recording's MFCC, float32 [clips, 26].

    Args:
        waveforms: float32 [clips, samples].
        progress: whether to show it on stderr.
    """
    heard = progress_bar(len(waveforms), "MFCC", "clip", progress, items=waveforms, leave=False)
    return np.stack([mfcc.mfcc_features(waveform) for waveform in heard])


def mfcc_predictions(data: LabelledSet, waveforms: np.ndarray, progress: bool = True) -> np.ndarray:
    """Each test fold's classes by mean and deviation of MFCC, standardised, and a linear SVM.

    Args:
        data: the set.
        waveforms: float32 [clips, samples].
        progress: whether to show it on stderr.

    Returns:
        int [clips]; -1 for clips that are never tested.
    """
    examples = mfcc_examples(waveforms, progress)
    predictions = np.full(len(data.clips), -1)
    splits = [data.split(fold) for fold in data.test_folds]
    tasks = [(train, data.labels[train], test, {"C": 0.01}) for train, test in splits]
    # 26 numbers a clip: processes would not have started yet.
    classes = list(
        folds.fit(svm.classify, examples, tasks, "fitting MFCC", progress, is_long=False)
    )
    for (_, test), found in zip(splits, classes, strict=True):
        predictions[test] = found
    return predictions


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
