"""Trained networks by name or path, in every form that this project writes or reads."""

import json
import os

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf import labels as label_lists
from soundnet_tf.files import storage
from soundnet_tf.models import checkpoint
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.process import check_process
from soundnet_tf.models.settings import SAVED_MODEL_FILE, STUDENT_FILE, student_form
from soundnet_tf.models.weights import published

ASSETS_FOLDER = "assets"
METADATA_FILE = "metadata.json"
CLASSIFIER_LABELS = "labels"  # a classifier's file in ASSETS_FOLDER; students have one a head


@standard_settings()
def load(source: str) -> tuple[keras.Model, checkpoint.Labels]:
    """A trained student and the class names of its heads.

    Args:
        source: "published" (the network of the paper's authors), a `.npy` or `.t7` file of the
            released forms, a folder that training wrote (RUN/best, RUN/last), or one that
            bin/export.py wrote, a SavedModel or a .keras file with labels.

    Raises:
        FileNotFoundError: there is no such thing; the message says what was looked for.
        ValueError: it is not a SoundNet, or does not fit its class names.
        RuntimeError: in a process that was forked after a network was used.
    """
    check_process()
    source = os.fsdecode(source)
    readers = {STUDENT_FILE: checkpoint.load_student, SAVED_MODEL_FILE: load_savedmodel}
    return readers.get(student_form(source), _load_released)(source)


@standard_settings()
def load_savedmodel(folder: str) -> tuple[keras.Model, checkpoint.Labels]:
    """The student inside a SavedModel that `serving.export.savedmodel` wrote: its variables are
    read as arrays, its graph is not run.

    Raises:
        ValueError: another program's SavedModel, or one whose variables do not fit.
    """
    assets = os.path.join(folder, ASSETS_FOLDER)
    try:
        with storage.open_file(os.path.join(assets, METADATA_FILE)) as file:
            metadata = json.load(file)
        heads, architecture = metadata["heads"], metadata["architecture"]
        student = students.BUILDERS[architecture](
            object_classes=heads.get("objects"), scene_classes=heads.get("scenes")
        )
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError) as error:
        if storage.exists(os.path.join(assets, f"{CLASSIFIER_LABELS}.txt")):
            raise ValueError(
                f"{folder} is a classifier of bin/finetune.py, which has classes of its own "
                "instead of objects and scenes; load it by tf.saved_model.load (see "
                "docs/finetune.md), or name the network that it began with"
            ) from error
        raise ValueError(
            f"{folder} is a SavedModel, but none that bin/export.py wrote ({error!r})"
        ) from error
    with storage.local(os.path.join(folder, "variables")) as variables:
        _read_variables(student, os.path.join(variables, "variables"))
    return student, checkpoint.read_labels(assets, heads)


def _read_variables(student: keras.Model, prefix: str) -> None:
    """Assigns a SavedModel's `variables`, which stand in the order of the student's own."""
    reader = tf.train.load_checkpoint(prefix)
    for index, variable in enumerate(student.variables):
        key = f"variables/{index}/.ATTRIBUTES/VARIABLE_VALUE"
        array = reader.get_tensor(key) if reader.has_tensor(key) else None
        if array is None or array.shape != tuple(variable.shape):
            found = "nothing" if array is None else f"{array.shape}"
            raise ValueError(
                f"{prefix}: {variable.path} wants {tuple(variable.shape)}, the file has {found}"
            )
        variable.assign(array)


def _load_released(source: str) -> tuple[keras.Model, checkpoint.Labels]:
    weights = published.load(None if source == constants.PUBLISHED else source)
    classes = published.head_classes(weights)
    student = students.BUILDERS[published.architecture_name(weights)](
        object_classes=classes.get("objects"), scene_classes=classes.get("scenes")
    )
    published.assign(student, weights)
    return student, {head: label_lists.for_classes(count) for head, count in classes.items()}
