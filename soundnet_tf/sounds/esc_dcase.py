"""ESC-10, ESC-50 and the scenes of DCASE 2013, as their authors lay them out."""

import collections
import os
import re

from soundnet_tf.files import lists, names, storage
from soundnet_tf.sounds import labelled_set
from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet, Labels
from soundnet_tf.sounds.settings import CSV, DATASETS

_ESC_CLASSES = {"esc10": 10, "esc50": 50}
_ESC_PER_FOLD = 8  # recordings of each class in each of the five folds
_ESC_FOLDER = re.compile(r"\d{3} - (.+)")
_ESC_FILE = re.compile(r"([1-5])-.+\.(ogg|wav)")
_ESC_COLUMNS = ("filename", "fold", "target", "category", "esc10")
_DCASE_FILE = re.compile(r"([a-z]+)\d+\.wav")
_DCASE_FOLDERS = {
    labelled_set.TRAIN: ("train", "scenes_stereo"),
    labelled_set.TEST: ("test", "scenes_stereo_testset"),
}
_DCASE_CLASSES, _DCASE_PER_CLASS = 10, 10
_PARTS = "; for a part of it take a CSV file with path,label,fold"


def load(dataset: str, path: str) -> LabelledSet:
    """A labelled set from the folder that its authors' archive makes, or from a CSV manifest.

    Args:
        dataset: "esc10" and "esc50": a folder (or its subfolder `audio`) with a folder a class
            such as `001 - Dog bark`, whose files begin with their fold's number; or ESC-50's
            repository with `meta/esc50.csv` and `audio`. "dcase": a folder with `scenes_stereo`
            and `scenes_stereo_testset`, or `train` and `test`, of files such as `bus01.wav`.
            "csv": see `labelled_set.from_manifest`.
        path: of the folder or manifest.

    Raises:
        FileNotFoundError: what was looked for is not there.
        ValueError: an unknown dataset, or recordings are missing; the message says how many of
            what.
    """
    if dataset == CSV:
        return labelled_set.from_manifest(path)
    clips, classes = _read(dataset, path)
    check = _check_dcase if dataset == "dcase" else _check_esc
    check(dataset, path, clips, classes)
    return LabelledSet(dataset, classes, clips)


def load_labels(dataset: str, path: str) -> Labels:
    """The labels alone, as of `load`: of a manifest without folds, of a part of a data set's files.

    Raises: as `load`, but for what a set to train and test on has to have.
    """
    if dataset == CSV:
        return labelled_set.labels_of_manifest(path)
    return Labels(dataset, _read(dataset, path)[0])


def _read(dataset: str, path: str) -> tuple[tuple[LabelledClip, ...], tuple[str, ...]]:
    if dataset not in DATASETS:
        raise ValueError(f"dataset {dataset!r} is unknown; choose one of {DATASETS}")
    if not storage.is_folder(path):
        raise FileNotFoundError(f"{path}: no such folder; it should hold {dataset}")
    return _dcase(path) if dataset == "dcase" else _esc(dataset, path)


def _esc(dataset: str, path: str) -> tuple[tuple[LabelledClip, ...], tuple[str, ...]]:
    table = os.path.join(path, "meta", "esc50.csv")
    clips, classes = _esc_table(dataset, table) if storage.exists(table) else _esc_folders(path)
    if not clips:
        raise FileNotFoundError(
            f"{path}: found neither meta/esc50.csv nor folders such as '001 - Dog bark'"
        )
    return clips, classes


def _check_esc(
    dataset: str, path: str, clips: tuple[LabelledClip, ...], classes: tuple[str, ...]
) -> None:
    counts = collections.Counter((clip.label, clip.fold) for clip in clips)
    wrong = [
        f"{counts[name, fold]} of {name} in fold {fold}"
        for name in classes
        for fold in "12345"
        if counts[name, fold] != _ESC_PER_FOLD
    ]
    if len(classes) != _ESC_CLASSES[dataset] or wrong:
        raise ValueError(
            f"{path}: {dataset} has {_ESC_CLASSES[dataset]} classes with {_ESC_PER_FOLD} "
            f"recordings in each of 5 folds; found {len(clips)} recordings of {len(classes)} "
            f"classes{': ' if wrong else ''}{labelled_set.examples(wrong)}{_PARTS}"
        )


def _esc_folders(path: str) -> tuple[tuple[LabelledClip, ...], tuple[str, ...]]:
    folders = [
        os.path.join(parent, name)
        for parent in (path, os.path.join(path, "audio"))
        if storage.is_folder(parent)
        for name in storage.list_folder(parent)
        if _ESC_FOLDER.fullmatch(name)
    ]
    clips, classes = [], []
    for folder in folders:
        classes.append(os.path.basename(folder).partition(" - ")[2].lower())
        for name in storage.list_folder(folder):
            if match := _ESC_FILE.fullmatch(name):
                clips.append(LabelledClip(os.path.join(folder, name), classes[-1], match[1]))
    labelled_set.check_files(path, clips)
    return tuple(clips), tuple(classes)


def _esc_table(dataset: str, table: str) -> tuple[tuple[LabelledClip, ...], tuple[str, ...]]:
    audio = os.path.join(os.path.dirname(os.path.dirname(table)), "audio")
    columns, lines = lists.read_table(table)
    missing = [name for name in _ESC_COLUMNS if not lines or name not in columns]
    if missing:
        raise ValueError(f"{table} has no {', '.join(missing)}; fetch it again")
    rows = [line.fields for line in lines]
    rows = [row for row in rows if dataset == "esc50" or row["esc10"] == "True"]
    for row in rows:
        names.check_plain(row["filename"], table)
    clips = tuple(
        LabelledClip(os.path.join(audio, r["filename"]), r["category"].replace("_", " "), r["fold"])
        for r in rows
    )
    labelled_set.check_files(table, clips)
    targets = {row["category"].replace("_", " "): int(row["target"]) for row in rows}
    return clips, tuple(sorted(targets, key=targets.__getitem__))


def _dcase(path: str) -> tuple[tuple[LabelledClip, ...], tuple[str, ...]]:
    clips = []
    for fold, folder_names in _DCASE_FOLDERS.items():
        folders = [f for f in (os.path.join(path, n) for n in folder_names) if storage.is_folder(f)]
        if not folders:
            raise FileNotFoundError(f"{path}: found no folder {' or '.join(folder_names)}")
        for name in storage.list_folder(folders[0]):
            if match := _DCASE_FILE.fullmatch(name):
                clips.append(LabelledClip(os.path.join(folders[0], name), match[1], fold))
    labelled_set.check_files(path, clips)
    return tuple(clips), tuple(sorted({clip.label for clip in clips}))


def _check_dcase(
    dataset: str, path: str, clips: tuple[LabelledClip, ...], classes: tuple[str, ...]
) -> None:
    counts = collections.Counter((clip.label, clip.fold) for clip in clips)
    wrong = [
        f"{counts[name, fold]} of {name} to {fold}"
        for name in classes
        for fold in _DCASE_FOLDERS
        if counts[name, fold] != _DCASE_PER_CLASS
    ]
    if len(classes) != _DCASE_CLASSES or wrong:
        raise ValueError(
            f"{path}: DCASE 2013 has {_DCASE_CLASSES} scenes with {_DCASE_PER_CLASS} recordings to "
            f"train and {_DCASE_PER_CLASS} to test; found {len(classes)} scenes"
            f"{': ' if wrong else ''}{labelled_set.examples(wrong)}{_PARTS}"
        )
