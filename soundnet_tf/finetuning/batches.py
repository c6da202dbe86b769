"""What fine-tuning learns from: clips held out of the training folds, class weights, batches."""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from soundnet_tf.files.progress import progress_bar
from soundnet_tf.finetuning import augmentation
from soundnet_tf.finetuning.settings import ChangesConfig
from soundnet_tf.sounds.labelled_set import LabelledSet, check_test_fold

_NO_CHANGES = ChangesConfig()


class Split(NamedTuple):
    """Indices of clips: to train on, to stop by, and to test on once at the end."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(data: LabelledSet, test_fold: str, val_share: float, seed: int) -> Split:
    """Holds a share of every class out of the training folds.

    Args:
        data: the set.
        test_fold: the fold to test on; none of its clips is in the other two parts.
        val_share: below 1. Of each class round(share * clips) are held out, but at least one, and
            at least one is left to train on; 0 holds out none.
        seed: of the choice.

    Raises:
        ValueError: a fold that is not there or not to be tested on, or a share out of its range.
    """
    check_test_fold(data, test_fold)
    if not 0 <= val_share < 1:
        raise ValueError(f"val_share is {val_share}; it should be at least 0 and below 1")
    folds, test = data.split(test_fold)
    if not val_share:
        return Split(folds, folds[:0], test)
    rng = np.random.default_rng(seed)
    held_out = []
    for label in range(len(data.classes)):
        own = rng.permutation(folds[data.labels[folds] == label])
        count = min(max(round(val_share * own.size), 1), own.size - 1)
        held_out.extend(own[:count])
    if not held_out:
        raise ValueError(
            f"{data.name} has one recording a class to train on, so none can be held out to stop "
            "by; it needs two of at least one class"
        )
    return Split(np.setdiff1d(folds, held_out), np.sort(held_out), test)


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """float64 [classes], n / (classes * n_c): every class weighs as much as any other, and a clip
    weighs 1 on average.

    Args:
        labels: int [clips], each class at least once.
        classes: how many there are.
    """
    return labels.size / (classes * np.bincount(labels, minlength=classes))


def steps_per_epoch(clips: int, batch_size: int) -> int:
    return math.ceil(clips / batch_size)


def train_batches(
    waveforms: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    augment: bool,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    changes: ChangesConfig = _NO_CHANGES,
    class_weights: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches of `epochs - first_epoch` epochs, one after the other, shuffled anew in each.

    The batches of an epoch depend on (seed, epoch) alone: a run that starts at `first_epoch` gets
    what an unbroken run gets from there on.

    Args:
        waveforms: float32 [clips, samples], in [-1, 1].
        labels: int [clips].
        batch_size: clips a step; the last step of an epoch has what is left.
        augment: let every clip begin elsewhere and change its gain, see `augmentation.shifted`.
        seed: of order and augmentation.
        changes: further ones.
        class_weights: float [classes], of mixed clips only, whose classes are as many as these.

    Returns:
        Batches (float32 [batch, samples], int64 [batch]); with mixing (float32 [batch, samples],
        float32 [batch, classes], float32 [batch]): shares of classes, and what clips weigh.
    """
    waveforms, labels = tf.constant(waveforms), tf.constant(labels, tf.int64)
    steps = steps_per_epoch(len(labels), batch_size)

    def one_epoch(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def load(step, indices):
        batch, seeds = tf.gather(waveforms, indices), tf.stack([tf.constant(seed, tf.int64), step])
        if augment:
            batch = augmentation.shifted(batch, seeds)
        batch = augmentation.changed(batch, changes, seeds)
        if not changes.mix_share:
            return batch, tf.gather(labels, indices)
        targets = tf.one_hot(tf.gather(labels, indices), len(class_weights))
        batch, targets = augmentation.mixed(batch, targets, changes.mix_share, seeds)
        return batch, targets, tf.linalg.matvec(targets, tf.constant(class_weights, tf.float32))

    indices = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch)
    batches = indices.enumerate(first_epoch * steps).map(load, num_parallel_calls=2)
    count = (epochs - first_epoch) * steps
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def eval_batches(
    waveforms: np.ndarray, labels: np.ndarray, batch_size: int, classes: int | None = None
) -> tf.data.Dataset:
    """Every clip once, in order, as it is. With `classes` its label is a share of each of so many,
    float32 [batch, classes], as of clips that are mixed."""
    labels = np.asarray(labels, np.int64)
    if classes:
        labels = np.eye(classes, dtype=np.float32)[labels]
    return tf.data.Dataset.from_tensor_slices((waveforms, labels)).batch(batch_size)


def hear(model: keras.Model, waveforms: np.ndarray, batch_size: int) -> np.ndarray:
    """What a `finetuning.classifier.SoundClassifier` hears in clips as they are, float32 [clips, 2
    channels]."""
    graph = tf.function(model.hear, reduce_retracing=True, autograph=False)
    starts = range(0, len(waveforms), batch_size)
    starts = progress_bar(len(starts), "hearing", "batch", items=starts, leave=False)
    return np.concatenate([graph(tf.constant(waveforms[s : s + batch_size])) for s in starts])
