"""Teachers that have seen every frame already: who labelled a prepared folder, and its classes.

    DIR/teachers/<fingerprint>.json     name, fingerprint and class names of a teacher

The posteriors themselves are in the records; who labelled a shard is in its JSON and the manifest.
"""

import dataclasses
import os
from collections.abc import Iterable

from soundnet_tf.data import manifest
from soundnet_tf.data.manifest import Labelling, Shard
from soundnet_tf.files import atomic, names, storage

TEACHERS_FOLDER = "teachers"


@dataclasses.dataclass(frozen=True)
class CachedTeacher:
    """What is left of a teacher in the shards that it labelled.

    Attributes:
        name, fingerprint, labels: as of `models.teachers.teacher.Teacher`.
    """

    name: str
    fingerprint: str
    labels: tuple[str, ...]

    @property
    def classes(self) -> int:
        return len(self.labels)

    @property
    def labelling(self) -> Labelling:
        return Labelling(teacher=self.name, fingerprint=self.fingerprint, classes=self.classes)

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint})"


def write_teacher(directory: str, teacher: CachedTeacher) -> None:
    """Keeps a teacher's name and class names in a folder of shards, unless it has them."""
    path = _path(directory, teacher.fingerprint)
    content = dataclasses.asdict(teacher) | {"labels": list(teacher.labels)}
    if atomic.read_json(path) != content:
        storage.make_folder(os.path.join(directory, TEACHERS_FOLDER))
        atomic.write_json(path, content, **manifest.JSON_FORM)


def teachers_of(directory: str, shards: Iterable[Shard]) -> dict[str, CachedTeacher]:
    """By head, the teacher that labelled all of the shards that have clips; no entry for a head
    that some of them lacks, or that has posteriors of several teachers.

    Raises:
        FileNotFoundError: the folder does not say what a teacher's classes are.
    """
    labelled = [shard.teachers for shard in shards if shard.clips]
    if not labelled:
        return {}
    first, *others = labelled
    return {
        head: _read_teacher(directory, labelling)
        for head, labelling in first.items()
        if all(teachers.get(head) == labelling for teachers in others)
    }


def _read_teacher(directory: str, labelling: Labelling) -> CachedTeacher:
    path = _path(directory, labelling["fingerprint"])
    content = atomic.read_json(path)
    if content is None:
        raise FileNotFoundError(
            f"{path} is missing: the classes of {labelling['teacher']}, whose posteriors the "
            "shards hold; bin/label.py with that teacher writes it again"
        )
    try:
        return CachedTeacher(**content | {"labels": tuple(content["labels"])})
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not tell of a teacher ({error!r}); bin/label.py writes it again"
        ) from error


def _path(directory: str, fingerprint: str) -> str:
    names.check_plain(fingerprint, f"a teacher's fingerprint in {directory}")
    return os.path.join(directory, TEACHERS_FOLDER, f"{fingerprint}.json")
