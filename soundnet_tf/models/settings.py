"""What settings may name as a network, a student or a teacher; without TensorFlow.

Loading begins here, and commands look here before they import TensorFlow: a name that is wrong is
refused at once, and by the same rule.
"""

import os
from collections.abc import Iterable
from typing import NamedTuple

from soundnet_tf import constants
from soundnet_tf.files import storage
from soundnet_tf.models.architecture import ARCHITECTURES
from soundnet_tf.models.weights import packages

STUDENT_FILE = "student.keras"
SAVED_MODEL_FILE = "saved_model.pb"
_ARCHITECTURE_OF = {constants.PUBLISHED: "soundnet8"}
RELEASED_SUFFIXES = (".npy", ".t7")
HEADS = ("objects", "scenes")

# Policies of dtypes that Keras knows; weights are float32 in all of them.
FLOAT32, BFLOAT16, FLOAT16 = "float32", "mixed_bfloat16", "mixed_float16"
PRECISIONS = (FLOAT32, BFLOAT16, FLOAT16)

KERAS, PLACES, FILE, HUB, PYPI = "keras", "places", "file", "hub", "pypi"
PLACES_NETWORKS = ("vgg16", "resnet18", "resnet50")
PYPI_NETWORK = "efficientnet_lite0"
# Of `keras.applications`, which only a Keras that has imported TensorFlow can tell.
KERAS_NETWORKS = tuple(
    "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 "
    "DenseNet201 EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 "
    "EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 "
    "EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S "
    "InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large MobileNetV3Small "
    "NASNetLarge NASNetMobile ResNet101 ResNet101V2 ResNet152 ResNet152V2 ResNet50 ResNet50V2 "
    "VGG16 VGG19 Xception".split()
)
_EXAMPLES = {
    KERAS: "keras:MobileNetV2 or keras:MobileNetV2@FILE",
    PLACES: "places:resnet18@FILE",
    FILE: "file:PATH",
    HUB: "hub:HANDLE",
    PYPI: f"pypi:{PYPI_NETWORK}",
}


def student_form(source: str) -> str:
    """What a trained student is kept as: "published", one of RELEASED_SUFFIXES, STUDENT_FILE or
    SAVED_MODEL_FILE.

    Args:
        source: as `models.pretrained.load` takes it.

    Raises:
        FileNotFoundError: there is no such thing; the message says what was looked for.
    """
    source = os.fspath(source)
    if source == constants.PUBLISHED:
        packages.find(packages.PUBLISHED)
        return source
    if source.endswith(RELEASED_SUFFIXES):
        if not storage.exists(source):
            raise FileNotFoundError(f"there is no file {source}")
        return os.path.splitext(source)[1]
    for name in (STUDENT_FILE, SAVED_MODEL_FILE):
        if storage.exists(os.path.join(source, name)):
            return name
    in_run = (os.path.join(source, which) for which in ("last", "best"))
    students = [folder for folder in in_run if storage.exists(os.path.join(folder, STUDENT_FILE))]
    if students:
        raise FileNotFoundError(
            f"{source} is a whole run, not a network; give {' or '.join(students)}"
        )
    raise FileNotFoundError(
        f"{source} is no trained SoundNet; give published, a .npy or .t7 file of released weights, "
        f"or a folder with {SAVED_MODEL_FILE} (bin/export.py) or {STUDENT_FILE} (RUN/last)"
    )


def check_student(source: str) -> None:
    """Errors as of `student_form`."""
    student_form(source)


def check_layers(layers: Iterable[str], model: str, others: Iterable[str] = ()) -> None:
    """Refuses layers that no network of this name can have. Which a loaded one has, it tells.

    Args:
        layers: names of trunk layers, or of others.
        model: as for `student_form`, or the name of an architecture.
        others: what may stand for a layer besides.

    Raises:
        ValueError: there is no such layer.
    """
    names = [_ARCHITECTURE_OF.get(model, model)]
    if names[0] not in ARCHITECTURES:
        names = [*ARCHITECTURES]
    known = [layer.name for name in names for layer in ARCHITECTURES[name].trunk]
    known = [*dict.fromkeys([*known, *others])]
    if unknown := [layer for layer in layers if layer not in known]:
        raise ValueError(
            f"no layer {', '.join(unknown)} in {' or '.join(names)}; choose of {', '.join(known)}"
        )


class TeacherSpec(NamedTuple):
    """A teacher's spec: its kind, the network's name or handle, and the file that it names."""

    kind: str
    name: str
    path: str | None = None


def teacher_spec(spec: str) -> TeacherSpec:
    """The parts of a teacher's spec, see `models.teachers.teacher`.

    Raises:
        ValueError: there is no such kind or name, or it cannot be such a file.
        FileNotFoundError: there is no such file, or the PyPI package is not installed.
    """
    kind, _, what = spec.partition(":")
    if kind not in _EXAMPLES or not what:
        examples = ", ".join(_EXAMPLES.values())
        raise ValueError(f"there is no teacher {spec!r}; specs look like {examples}")
    if kind == HUB:
        return TeacherSpec(kind, what)
    if kind == FILE:
        return TeacherSpec(kind, what, _model_file(what.rstrip("/")))
    name, _, path = what.partition("@")
    if kind == KERAS and name not in KERAS_NETWORKS:
        raise ValueError(f"Keras Applications has no {name!r}; it has {', '.join(KERAS_NETWORKS)}")
    if kind == PLACES and (name not in PLACES_NETWORKS or not path):
        raise ValueError(
            f"there is no teacher {spec!r}; specs look like "
            f"{', '.join(f'places:{name}@FILE' for name in PLACES_NETWORKS)}"
        )
    if kind == PYPI:
        if what != PYPI_NETWORK:
            raise ValueError(f"there is no teacher {spec!r}, only pypi:{PYPI_NETWORK}")
        packages.find(packages.EFFICIENTNET_LITE0)
    return TeacherSpec(kind, name, _existing(path) if path else None)


def _model_file(path: str) -> str:
    _existing(path)
    if not storage.is_folder(path) and not path.endswith(".keras"):
        raise ValueError(f"{path} is neither a .keras file nor the folder of a SavedModel")
    return path


def _existing(path: str) -> str:
    if not storage.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    return path
