"""Packaged flagfiles by their names: from a checkout, and from what a wheel installs."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from absl import flags

from soundnet_tf.ablations import tables
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.bin import flagfiles, stage_flags
from soundnet_tf.evaluation.settings import EvaluateConfig
from soundnet_tf.finetuning.settings import FinetuneRunConfig
from soundnet_tf.training.settings import RunConfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ROOT / "flags"
NAMES = {
    "train": ["continue", "scratch_small", "smoke", "soundnet5", "soundnet8"]
    + [f"ablations/{name}" for name in ("depth_soundnet5_video", "loss_l2", "soundnet8_both")]
    + ["ablations/teachers_imagenet", "ablations/teachers_places"]
    + [f"recipe/{name}" for name in sorted(tables.RECIPE_ROWS)],
    "finetune": ["finetune_esc10", "ablations/depth_soundnet5_labels"]
    + ["ablations/depth_soundnet8_labels"],
    "evaluate": ["ablations/layers_published"],
    "reproduce": ["ablations/modalities_published"],
    "recognize": [],
}


def test_each_flagfile_belongs_to_one_command():
    """By the command in its comments."""
    assert {command: [*flagfiles.packaged(command)] for command in NAMES} == NAMES
    assert sum(map(len, NAMES.values())) == len([*FLAGS.rglob("*.flags")])


@pytest.mark.parametrize(
    "given",
    [["--flagfile=continue"], ["-flagfile=continue"], ["--flagfile", "continue"]]
    + [["--flagfile= continue.flags"], [f"--flagfile={FLAGS / 'continue.flags'}"]],
)
def test_a_name_becomes_the_path_of_the_packaged_file(given):
    """Absl strips the blanks, too."""
    found = flagfiles.resolved(["train", *given, "--out=continue"], "train")
    flag, value = given[0].partition("=")[0], FLAGS / "continue.flags"
    assert found == ["train", f"{flag}={value}", "--out=continue"]


def test_a_file_that_is_here_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "continue").write_text("--epochs=3\n")
    assert flagfiles.resolved(["--flagfile=continue"], "train") == ["--flagfile=continue"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert flagfiles.resolved(["--flagfile=~/continue"], "train") == ["--flagfile=~/continue"]


def test_a_folder_of_that_name_is_no_flagfile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "continue").mkdir()
    assert flagfiles.resolved(["--flagfile=continue"], "train") == [
        f"--flagfile={FLAGS / 'continue.flags'}"
    ]


def test_what_stands_behind_two_dashes_is_left_alone():
    arguments = ["--", "--flagfile=nothing"]
    assert flagfiles.resolved(arguments, "train") == arguments


@pytest.mark.parametrize("name", ["nothing", "finetune_esc10", "other/continue.flags", ""])
def test_a_wrong_name_lists_those_that_there_are(name):
    """Those of the command."""
    with pytest.raises(
        FileNotFoundError, match="package has continue, scratch_small, smoke,"
    ) as info:
        flagfiles.resolved(["train", f"--flagfile={name or '/'}"], "train")
    assert str(info.value).startswith(f"--flagfile={name or '/'}: no such file")
    with pytest.raises(FileNotFoundError, match="this command has none"):
        flagfiles.resolved(["recognize", "--flagfile=continue"], "recognize")


@pytest.mark.parametrize(
    ("command", "settings", "needed"),
    [
        ("train", RunConfig, ["--data=D", "--out=O"]),
        ("finetune", FinetuneRunConfig, ["--dataset=esc10", "--data=D", "--out=O"]),
        ("evaluate", EvaluateConfig, ["--data=D", "--out=O"]),
        ("reproduce", ReproduceConfig, ["--videos_manifest=V", "--imagenet_teacher=T", "--out=O"]),
    ],
)
def test_every_flagfile_is_read_by_its_command(command, settings, needed):
    """Settings are checked as they are made."""
    for name in flagfiles.packaged(command):
        values = flags.FlagValues()
        flags.DEFINE_string("flagfile", "", "As absl's own.", flag_values=values)
        stage_flags.define(settings, values)
        values(flagfiles.resolved([command, f"--flagfile={name}", *needed], command))
        stage_flags.read(settings, values)
        assert any(values[flag].present for flag in ("model", "layer"))


def test_ablations_name_the_same_files():
    rows = [row for table in tables.TABLES.values() for row in table]
    known = {path for command in NAMES for path in flagfiles.packaged(command).values()}
    assert {row.flagfile_path for row in rows} <= known


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that a wheel's packages go into, made by the project's own setup.py."""
    folder = tmp_path_factory.mktemp("installed")
    source, target = folder / "source", folder / "site-packages"
    source.mkdir()
    for name in ("soundnet_tf", "bin", "flags"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "setup.py", "--quiet", "build", f"--build-lib={target}"]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return target


def run_installed(installed, command, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"soundnet_tf.bin.{command}", *arguments],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wheel_has_the_flagfiles_and_finds_them_by_name(installed):
    folder = installed / "soundnet_tf" / "flags"
    contents = {path.relative_to(FLAGS): path.read_text() for path in FLAGS.rglob("*.flags")}
    assert {p.relative_to(folder): p.read_text() for p in folder.rglob("*.flags")} == contents
    needed = ["--data=D", "--out=O", "--only_check_args"]
    done = run_installed(installed, "train", "--flagfile=continue", *needed)
    assert (done.returncode, done.stderr) == (0, "")
    done = run_installed(installed, "train", "--flagfile=contin", *needed)
    assert done.returncode == 1 and "contin: no such file; this package has continue" in done.stderr


def test_help_lists_the_flagfiles_and_tells_where_they_are(installed):
    shown = run_installed(installed, "train", "--help").stdout
    assert "Flagfiles, for --flagfile=NAME: continue, scratch_small, smoke," in shown
    assert f"\nThey are in {installed / 'soundnet_tf' / 'flags'}.\n" in shown
    assert "Flagfiles" not in run_installed(installed, "recognize", "--help").stdout
