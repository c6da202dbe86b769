"""A trained student in the forms that others use: one folder a form (a page is one file), whole or
not at all."""

import os

import keras

from soundnet_tf.files import atomic, lock, storage
from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models import student as students
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import SAVED_MODEL_FILE, STUDENT_FILE
from soundnet_tf.serving.export import litert
from soundnet_tf.serving.export.page import save_page
from soundnet_tf.serving.export.savedmodel import save_savedmodel
from soundnet_tf.serving.export.settings import FORMATS, PAGE, ExportConfig


@standard_settings()
def save_keras(student: keras.Model, labels: checkpoint.Labels, folder: str) -> None:
    """Writes `student.keras` and the class names, see `models.checkpoint`."""
    checkpoint.save_student(folder, checkpoint.float32_copy(student), labels)


# How each form is written, and the file by which such a folder is known.
_WRITERS = {
    "savedmodel": (save_savedmodel, SAVED_MODEL_FILE),
    "keras": (save_keras, STUDENT_FILE),
    "litert": (litert.save_litert, pretrained.METADATA_FILE),
}
_FILES = {PAGE: "soundnet.html"}  # what is no folder, and its name among several


def export_configured(config: ExportConfig) -> list[str]:
    """`export` of what the settings name.

    Raises:
        FileNotFoundError: there is no such student.
        ValueError: it is none, or has no heads.
        HeldError: another run is writing there.
    """
    with lock.hold_file(config.out, "export"):
        student, labels = pretrained.load(config.source)
        return _export(student, labels, config.out, config.formats)


def export(
    student: keras.Model, labels: checkpoint.Labels, folder: str, formats: tuple[str, ...]
) -> list[str]:
    """Writes a student in each of `formats`; several go into `folder`, each under its name.

    Args:
        student: a SoundNet that gives logits, with at least one head.
        labels: class names of each head.
        folder: where to, of PAGE alone the file; what is there already is replaced once the new
            one is whole.
        formats: any of `FORMATS`.

    Returns:
        What was written, one folder or file a format.

    Raises:
        ValueError: an unknown format, or a student without heads.
        HeldError: another run is writing there.
    """
    with lock.hold_file(folder, "export"):
        return _export(student, labels, folder, formats)


def _export(
    student: keras.Model, labels: checkpoint.Labels, folder: str, formats: tuple[str, ...]
) -> list[str]:
    unknown = set(formats) - set(FORMATS)
    if unknown or not formats:
        raise ValueError(f"formats {list(formats)}: choose some of {list(FORMATS)}")
    if not students.heads_of(student):
        raise ValueError("the student has no heads; build it with include_top=True")
    several = len(formats) > 1
    targets = {
        name: os.path.join(folder, _FILES.get(name, name)) if several else folder
        for name in formats
    }
    for name, target in targets.items():
        if name in _FILES:
            storage.make_folder(os.path.dirname(target) or ".")
            save_page(student, labels, target)
            continue
        write, last = _WRITERS[name]
        with atomic.new_folder(target, last) as new:
            write(student, labels, new)
    return list(targets.values())
