"""What a command suggests can be pasted into a shell, also where a folder's name has blanks."""

import pathlib
import shlex

import pytest

from soundnet_tf.data import label, prepare
from soundnet_tf.data.manifest import LABELLING_NAME, Manifest, Shard, Split, load_manifest
from soundnet_tf.training import report

FOLDER = "my films; it's 'new'"
FIGURES = {"kl_objects": 1.0}
ROW = {"epoch": 0.0, "val_loss": 1.0, "val_kl_objects": 1.0}


def prepared():
    split = Split.of((Shard("a.tfrecord", 1, 1, 20.0, 100, ""),))
    splits = {"train": split, "val": split}
    return prepare.summary(Manifest(FOLDER, "0", "films", {}, splits, ()))


def labelled():
    return label.summary(FOLDER, label.Labelled({}, 0, 0, 0))


def trained():
    baselines = {"constant": FIGURES, "start": FIGURES}
    return report.summary([ROW], baselines, {}, {"untrained": None}, ("nothing", []), FOLDER)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (prepared, f"--data={FOLDER}"),
        (labelled, f"--data={FOLDER}"),
        (trained, f"--run={FOLDER}"),
        (trained, f"--logdir={FOLDER}/logs"),
    ],
)
def test_what_comes_next(text, word):
    lines = [line for line in text().splitlines() if line.startswith(("Next: ", "Look: "))]
    assert word in [part for line in lines for part in shlex.split(line)]


@pytest.mark.parametrize(
    ("left", "flag"), [("train-00000-of-00001.tfrecord", "--out"), (LABELLING_NAME, "--data")]
)
def test_how_to_go_on(tmp_path, monkeypatch, left, flag):
    monkeypatch.chdir(tmp_path)
    pathlib.Path(FOLDER).mkdir()
    pathlib.Path(FOLDER, left).touch()
    with pytest.raises(FileNotFoundError) as refused:
        load_manifest(FOLDER)
    command = (
        str(refused.value).partition(" run ")[2].removesuffix(" again with the flags it began")
    )
    assert shlex.split(command)[1] == f"{flag}={FOLDER}"
