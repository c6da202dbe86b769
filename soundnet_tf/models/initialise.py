"""Starting a student from a trained one, whose classes may be other ones."""

import collections
import dataclasses

import keras
import numpy as np

from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models import student as students


@dataclasses.dataclass(frozen=True)
class HeadStart:
    """How one head began: `shared` of its `classes` had a row in the source, by name."""

    classes: int
    shared: int


def initialise(
    student: keras.Model, labels: checkpoint.Labels, source: str
) -> dict[str, HeadStart]:
    """Copies a trained network into `student`: the whole trunk, and of each head the rows of the
    classes that both know by name. Classes that the source does not know keep their fresh rows.

    Args:
        student: a SoundNet, changed in place.
        labels: class names of each of its heads.
        source: "published" or another that `pretrained.load` takes.

    Returns:
        For every head of the student how many of its classes were found.

    Raises:
        FileNotFoundError: the source is not there.
        ValueError: the source is of another architecture.
    """
    trained, trained_labels = pretrained.load(source)
    if trained.name != student.name:
        raise ValueError(f"{source} is a {trained.name}, the student a {student.name}")
    heads = students.heads_of(student)
    for layer in student.layers:
        if layer.weights and layer.name not in heads:  # a padded head has a layer before it
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return {
        head: _copy_head(
            student.get_layer(head),
            labels[head],
            _find_head(trained, head),
            trained_labels.get(head, ()),
        )
        for head in heads
    }


def freeze_batch_norm(student: keras.Model) -> None:
    """Keeps moving statistics, gammas and betas as they are: for few or short clips, whose batch
    statistics would be noise."""
    for layer in student.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _find_head(trained: keras.Model, head: str):
    return trained.get_layer(head) if head in students.heads_of(trained) else None


def _copy_head(target, names, source, source_names) -> HeadStart:
    rows = {key: row for row, key in enumerate(_unique(source_names))}
    pairs = [(i, rows[key]) for i, key in enumerate(_unique(names)) if key in rows]
    if pairs:
        into, out_of = np.array(pairs).T
        merged = []
        for fresh, learned in zip(target.get_weights(), source.get_weights(), strict=True):
            fresh[..., into] = learned[..., out_of]
            merged.append(fresh)
        target.set_weights(merged)
    return HeadStart(classes=len(names), shared=len(pairs))


def _unique(names) -> list[tuple[str, int]]:
    """Names with their occurrence: ImageNet's two cranes, bird and machine, stay apart."""
    seen = collections.Counter()
    keys = []
    for name in names:
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys
