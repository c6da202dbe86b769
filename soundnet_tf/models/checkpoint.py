"""A trained student on disk: one `.keras` file beside the names of its classes.

    FOLDER/student.keras          float32, plain Keras layers, loads without soundnet_tf
    FOLDER/labels/objects.txt     one class name a line, in output order
    FOLDER/labels/scenes.txt

Runs and exports share this form, so either can be exported from, continued or evaluated.
"""

import os
from collections.abc import Mapping

import keras

from soundnet_tf.files import atomic, storage
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import STUDENT_FILE

LABELS_FOLDER = "labels"

Labels = Mapping[str, tuple[str, ...]]


def write_labels(folder: str, labels: Labels) -> None:
    """Writes `FOLDER/HEAD.txt` for every head, a name a line.

    Raises:
        ValueError: a name has a line break: all behind it would be of other classes.
    """
    storage.make_folder(folder)
    for head, names in labels.items():
        if broken := [name for name in names if "".join(name.splitlines()) != name]:
            raise ValueError(f"a class of {head} is called {broken[0]!r}; take its line break out")
        path = os.path.join(folder, f"{head}.txt")
        atomic.write_text(path, "".join(f"{n}\n" for n in names))


def read_labels(folder: str, heads: Mapping[str, int]) -> Labels:
    """Reads `FOLDER/HEAD.txt` for each of `heads` (name to class count).

    Raises:
        FileNotFoundError: a head has no file of names.
        ValueError: a file has another number of names than the head has classes.
    """
    labels = {}
    for head, classes in heads.items():
        path = os.path.join(folder, f"{head}.txt")
        if not storage.exists(path):
            raise FileNotFoundError(f"{path} is missing: the names of the {classes} {head}")
        with storage.open_file(path) as file:
            labels[head] = tuple(file.read().splitlines())
        if len(labels[head]) != classes:
            raise ValueError(f"{path} has {len(labels[head])} names, the head {classes} classes")
    return labels


def save_student(folder: str, student: keras.Model, labels: Labels) -> None:
    """Writes a student as it is (see `float32_copy`) and the names of its heads' classes."""
    write_labels(os.path.join(folder, LABELS_FOLDER), labels)
    path = os.path.join(folder, STUDENT_FILE)
    with atomic.new_file(path, suffix=".keras") as temporary:
        student.save(temporary)


def load_student(folder: str) -> tuple[keras.Model, Labels]:
    """Reads a student and its class names.

    Raises:
        FileNotFoundError: FOLDER has no student or no labels; says what was looked for.
        ValueError: the file is no SoundNet, or does not fit its labels.
    """
    path = os.path.join(folder, STUDENT_FILE)
    if not storage.exists(path):
        raise FileNotFoundError(
            f"{path} is missing; give a folder that training or export wrote, such as RUN/best"
        )
    with standard_settings(), storage.local(path) as local:
        student = keras.saving.load_model(local, compile=False, safe_mode=True)
    students.architecture_of(student)
    return student, read_labels(os.path.join(folder, LABELS_FOLDER), students.heads_of(student))


def float32_copy(student: keras.Model) -> keras.Model:
    """A student with the same weights, of plain Keras layers that compute in float32 and are all
    trainable, whatever policy it was trained under and whatever was frozen."""
    heads = students.heads_of(student)
    with standard_settings():
        copy = students.BUILDERS[student.name](
            include_top=bool(heads),
            object_classes=heads.get("objects"),
            scene_classes=heads.get("scenes"),
            plain_layers=True,
        )
    copy_weights(student, copy)
    return copy


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Gives `target` the weights of `source`, layer by layer: the order of a whole model's weights
    changes with what is frozen."""
    for layer in source.layers:
        target.get_layer(layer.name).set_weights(layer.get_weights())
