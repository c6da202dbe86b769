"""Which run a folder holds: not one that learned from other recordings."""

import json
import os

import commands
import pytest
from tone_manifest import write_tones

from soundnet_tf.finetuning import run
from soundnet_tf.finetuning.folder import check_folder, note_recordings, write_run
from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.sounds.labelled_set import from_manifest


@pytest.fixture
def data(tmp_path):
    rows = [f"{label}{fold},{label},{fold}" for label in "ab" for fold in (1, 2)]
    for row in rows:
        (tmp_path / row[:2]).write_text(row)
    (tmp_path / "set.csv").write_text("\n".join(["path,label,fold", *rows]))
    return from_manifest(str(tmp_path / "set.csv"))


def go_on(data, out, checksum):
    recordings = note_recordings(data, checksum)
    check_folder(out, FinetuneConfig(), data, recordings)
    write_run(out, FinetuneConfig(), data, recordings, {})


@pytest.mark.parametrize("checksum", [False, True])
def test_other_recordings_of_the_same_size_are_refused(data, tmp_path, checksum):
    out = str(tmp_path / "run")
    go_on(data, out, checksum)
    go_on(data, out, checksum)
    (tmp_path / "b2").write_text("x,x,x")
    with pytest.raises(ValueError, match="recordings that have changed since.*choose another"):
        go_on(data, out, checksum)


def test_recordings_that_were_touched_are_the_same_by_checksum_only(data, tmp_path):
    out = str(tmp_path / "run")
    go_on(data, out, True)
    go_on(data, out, False)
    os.utime(tmp_path / "b2", ns=(1, 1))
    go_on(data, out, True)  # what was noted first is still known
    go_on(data, out, False)
    os.utime(tmp_path / "b2", ns=(2, 2))
    with pytest.raises(ValueError, match="did not note their times of change"):
        go_on(data, out, False)


def test_a_run_that_noted_nothing_is_refused(data, tmp_path):
    out = tmp_path / "run"
    go_on(data, str(out), False)
    content = json.loads((out / "run.json").read_text())
    del content["recordings"]
    (out / "run.json").write_text(json.dumps(content))
    for checksum, what in ((False, "times of change"), (True, "contents")):
        with pytest.raises(ValueError, match=f"did not note their {what}"):
            go_on(data, str(out), checksum)


@pytest.mark.parametrize("flags", [[], ["--checksum"]])
def test_the_command_notes_contents_where_asked(tmp_path, monkeypatch, flags):
    """Down to what is noted of the recordings; then it ends, before anything is trained."""
    noted = []

    def ending(found, checksum):
        noted.append(checksum)
        raise ValueError("enough")

    monkeypatch.setattr(run, "note_recordings", ending)
    manifest = write_tones(tmp_path)
    flags = [f"--manifest={manifest}", "--model=soundnet5", f"--out={tmp_path / 'run'}", *flags]
    assert commands.run("finetune", *flags) == 1
    assert noted == ["--checksum" in flags]
