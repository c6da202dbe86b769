"""Sounds with labels and folds, for evaluation and fine-tuning.

A set is a CSV manifest (`path,label,fold`), or one of the benchmarks that `sounds.esc_dcase` knows
by their own layouts. All files must be there and all folds usable; nothing is downloaded.
"""

import collections
import functools
import hashlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundnet_tf.files import lists, storage

TRAIN, TEST = "train", "test"
COLUMNS = ("path", "label", "fold")
LABEL_COLUMNS = COLUMNS[:2]


@dataclass(frozen=True)
class LabelledClip:
    """One recording, or video, with the name of its class and of its fold."""

    path: str
    label: str
    fold: str


@dataclass(frozen=True)
class Labels:
    """Recordings and their labels, for what is looked at: nothing is trained or tested on them, so
    any number of any classes will do, and their folds say nothing.

    Attributes:
        name: of the set.
        clips: the recordings.

    Raises:
        ValueError: there are none.
    """

    name: str
    clips: tuple[LabelledClip, ...]

    def __post_init__(self):
        if not self.clips:
            raise ValueError(f"{self.name} has no recordings")


@dataclass(frozen=True)
class LabelledSet:
    """Recordings of some classes, divided into folds.

    Attributes:
        name: of the set.
        classes: their names, in the order of their indices.
        clips: the recordings.

    Raises:
        ValueError: a set that cannot be trained and tested on; the message says why.
    """

    name: str
    classes: tuple[str, ...]
    clips: tuple[LabelledClip, ...]

    def __post_init__(self):
        if not self.clips:
            raise ValueError(f"{self.name} has no recordings")
        _check_classes(self)
        _check_folds(self)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """int64 [clips], the index of each clip's class."""
        index = {name: i for i, name in enumerate(self.classes)}
        return np.array([index[clip.label] for clip in self.clips])

    def claims(self) -> dict[str, str | int]:
        """What makes two sets the same one, wherever their files are."""
        rows = [f"{os.path.basename(clip.path)},{clip.label},{clip.fold}" for clip in self.clips]
        return {
            "data": self.name,
            "clips": len(rows),
            "fingerprint": hashlib.sha256(os.fsencode("\n".join(rows))).hexdigest(),
        }

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds, numbers in their order."""
        names = {clip.fold for clip in self.clips}
        return tuple(sorted(names, key=lambda name: (not name.isdigit(), name.zfill(9))))

    @property
    def test_folds(self) -> tuple[str, ...]:
        """The folds that are tested on, each with all others to train on: every one, but of a set
        that is divided into "train" and "test" only the latter."""
        return (TEST,) if set(self.folds) == {TRAIN, TEST} else self.folds

    def split(self, test_fold: str) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the clips to train on, and of those in `test_fold`."""
        is_test = np.array([clip.fold == test_fold for clip in self.clips])
        return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def check_test_fold(data: LabelledSet, test_fold: str) -> None:
    """ValueError if the set has no such fold, or it is not to be tested on."""
    if test_fold not in data.test_folds:
        raise ValueError(
            f"test fold {test_fold!r}: {data.name} can be tested on {', '.join(data.test_folds)}"
        )


def from_manifest(path: str) -> LabelledSet:
    """Reads a CSV file with the columns path, label and fold; others are left alone.

    Args:
        path: of the file, see `files.lists`. Paths in it are taken as they are written; relative
            ones are below its folder. Folds are whole numbers from 1 (or 0), each of which is
            tested on in turn, or "train" and "test".

    Raises:
        FileNotFoundError: the manifest, or a file that it names, is not there.
        ValueError: a column is missing or stands twice, a row is broken (its line is named), a
            recording stands twice, or the set cannot be used (see `LabelledSet`).
    """
    clips = _read_clips(path, COLUMNS)
    return LabelledSet(os.path.basename(path), tuple(sorted({c.label for c in clips})), clips)


def labels_of_manifest(path: str) -> Labels:
    """Reads a CSV file with the columns path and label; others, a fold too, are left alone.

    Raises: as `from_manifest`, but for what is wrong with folds and numbers.
    """
    return Labels(os.path.basename(path), _read_clips(path, LABEL_COLUMNS))


def _read_clips(path: str, wanted: Sequence[str]) -> tuple[LabelledClip, ...]:
    _check_manifest(path, wanted)
    columns, rows = lists.read_table(path)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ValueError(
            f"{path}: the first line lacks {', '.join(missing)}; it should name the columns "
            f"{','.join(wanted)}, it has {','.join(columns)}"
        )
    clips = tuple(_clip(path, row, wanted) for row in rows)
    check_files(path, clips, [(row.line, row.fields["path"]) for row in rows])
    return clips


def _check_manifest(path: str, wanted: Sequence[str]) -> None:
    if not storage.exists(path):
        raise FileNotFoundError(
            f"{path}: no such manifest; it should be a CSV with {','.join(wanted)}"
        )
    if storage.is_folder(path):
        raise ValueError(
            f"{path} is a folder; a manifest is a CSV file with {','.join(wanted)}. Of a "
            "benchmark's folder name the dataset (--dataset, of bin/train.py --probe_dataset): "
            "esc10, esc50 or dcase"
        )


def _clip(manifest: str, row: lists.Row, wanted: Sequence[str]) -> LabelledClip:
    values = {name: row.fields[name] for name in wanted}
    label, fold = values["label"].strip(), values.get("fold", TRAIN).strip()
    empty = [name for name, value in values.items() if not value.strip()]
    if empty or None in row.fields:
        what = f"has no {' and no '.join(empty)}" if empty else "has more fields than columns"
        raise ValueError(f"{manifest}, line {row.line}: {what}; a row is {','.join(wanted)}")
    if not fold.isdecimal() and fold not in (TRAIN, TEST):
        raise ValueError(
            f"{manifest}, line {row.line}: fold {fold!r}; it should be a whole number, "
            f"{TRAIN} or {TEST}"
        )
    path = lists.located(manifest, values["path"])
    return LabelledClip(path, label, str(int(fold)) if fold.isdecimal() else fold)


def check_files(
    source: str, clips: Sequence[LabelledClip], entries: Sequence[tuple[int, str]] = ()
) -> None:
    """Errors if a file is there twice, by whatever names, or is not there.

    Args:
        source: what names them.
        clips: the recordings.
        entries: of a list or table, for each clip the line and what is written there.

    Raises:
        ValueError: a file has two names.
        FileNotFoundError: a file is missing.
    """
    files = [storage.real(clip.path) for clip in clips]
    counts = collections.Counter(files)
    pairs = zip(clips, files, strict=True)
    twice = dict.fromkeys(clip.path for clip, file in pairs if counts[file] > 1)
    if twice:
        raise ValueError(f"{source} names a file more than once: {examples(list(twice))}")
    there = storage.sizes_and_times(clip.path for clip in clips)
    missing = [i for i, clip in enumerate(clips) if there[clip.path] is None]
    if missing:
        told = [lists.missing(source, *entries[i]) if entries else clips[i].path for i in missing]
        raise FileNotFoundError(
            f"{source}: {len(missing)} of {len(clips)} recordings are not there: {examples(told)}"
        )


def _check_classes(data: LabelledSet) -> None:
    if len(data.classes) < 2:
        raise ValueError(f"{data.name} has one class, {data.classes[0]}; two or more are needed")
    for name in data.classes:
        if name.splitlines() != [name]:  # files of labels have one a line
            raise ValueError(f"{data.name}: the label {name!r} has a line break; take it out")
    counts = collections.Counter(clip.label for clip in data.clips)
    alone = [name for name in data.classes if counts[name] < 2]
    if alone:
        raise ValueError(
            f"{data.name} has fewer than two recordings of {examples(alone)}; a class needs one to "
            "train on and one to test on"
        )


def _check_folds(data: LabelledSet) -> None:
    folds = data.folds
    if all(name.isdecimal() for name in folds):
        numbers = {int(name) for name in folds}
        first, last = min(1, *numbers), max(numbers)
        empty = next(n for n in itertools.count(first) if n not in numbers)
        if empty < last:
            raise ValueError(f"{data.name}: fold {empty} is empty, of {first} to {last}")
    elif not set(folds) <= {TRAIN, TEST}:
        raise ValueError(f"{data.name} mixes numbered folds with {TRAIN} and {TEST}: {folds}")
    if len(folds) < 2:
        only = folds[0]
        raise ValueError(
            f"{data.name} has recordings in fold {only} only; two or more folds are needed"
        )
    tested = {clip.label for clip in data.clips if clip.fold in data.test_folds}
    untested = [name for name in data.classes if name not in tested]
    if untested:
        raise ValueError(f"{data.name}: no recording of {examples(untested)} is in fold {TEST}")
    for fold in data.test_folds:
        trained = {clip.label for clip in data.clips if clip.fold != fold}
        untrained = [name for name in data.classes if name not in trained]
        if untrained:
            raise ValueError(
                f"{data.name}: all recordings of {examples(untrained)} are in fold {fold}; then "
                "nothing is left to train on when that is tested"
            )


def examples(values: Sequence) -> str:
    """The first three, and how many more there are."""
    shown = ", ".join(map(str, values[:3]))
    return shown if len(values) <= 3 else f"{shown} and {len(values) - 3} more"
