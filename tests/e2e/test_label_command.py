"""Label once, train many times: the commands one after the other on small films."""

import json
import pathlib
import subprocess
import sys

import commands
import labelled_shards
import numpy as np
import pytest
import synthetic_media

from soundnet_tf.models import checkpoint, student
from soundnet_tf.models.teachers.teacher import load_teacher

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
SMALL = ["--model=soundnet5", "--batch_size=2", "--crop_seconds=4", "--epochs=1"]

pytestmark = pytest.mark.slow


def start(binary, *flags):
    """A process, as a user starts it."""
    command = [sys.executable, str(BIN / f"{binary}.py"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def run(binary, *flags, fails=False):
    """The same in this process, which has TensorFlow already."""
    done = commands.completed(binary, *flags)
    assert done.returncode == int(fails), done.stderr
    return done


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    return labelled_shards.write_teachers(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(scope="module")
def teacher_flags(specs):
    return [f"--imagenet_teacher={specs['objects']}", f"--places_teacher={specs['scenes']}"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Eight films of 8 s, half of which a fraction of 0.1 happens to hold out."""
    folder = tmp_path_factory.mktemp("films")
    for k in range(8):
        synthetic_media.write_clock_video(folder / f"film{k}.mp4", 8, width=64, height=64)
    out = tmp_path_factory.mktemp("prepared") / "shards"
    run("prepare", f"--videos={folder}", f"--out={out}", "--clip_seconds=8", "--frame_every=1",
        "--num_shards=2", "--val_fraction=0.1", "--workers=1")  # fmt: skip
    return out


@pytest.fixture(scope="module")
def online(prepared, teacher_flags, tmp_path_factory):
    """A run whose teachers look at the frames, before anything is labelled."""
    out = tmp_path_factory.mktemp("online") / "run"
    run("train", f"--data={prepared}", *SMALL, *teacher_flags, f"--out={out}")
    return out


@pytest.fixture(scope="module")
def labelled(prepared, teacher_flags, tmp_path_factory):
    folder = labelled_shards.copy_of(prepared, tmp_path_factory.mktemp("labelled") / "shards")
    done = start("label", f"--data={folder}", *teacher_flags)
    assert f"bin/train.py --data={folder}" in done.stdout
    return folder


@pytest.fixture(scope="module")
def cached(labelled, tmp_path_factory):
    """A run that is given no teacher at all."""
    out = tmp_path_factory.mktemp("cached") / "run"
    run("train", f"--data={labelled}", "--targets=cached", *SMALL, f"--out={out}")
    return out


def test_label_says_who_labelled_what(labelled, specs, teacher_flags):
    done = run("label", f"--data={labelled}", *teacher_flags)
    assert "0 shards labelled, 3 were already" in done.stdout
    for head in ("objects", "scenes"):
        assert load_teacher(specs[head]).fingerprint in done.stdout


def test_the_posteriors_are_worked_out_from_the_stored_pictures(labelled):
    """In NumPy: float16 of a mean colour that the teacher sees in a picture made smaller."""
    clips = labelled_shards.clips_in(labelled)
    for clip in clips.values():
        for head in ("objects", "scenes"):
            expected = [labelled_shards.by_hand(jpeg, head) for jpeg in clip.jpegs]
            np.testing.assert_allclose(clip.posteriors[head].values, expected, atol=5e-3)
    assert sum(len(clip.jpegs) for clip in clips.values()) == 8 * 8


def test_a_run_of_cached_targets_is_that_of_online_ones(online, cached):
    """The same clips, crops and start: figures before the first step and after an epoch differ by
    the float16 of the targets alone."""
    figures, others = (json.loads((out / "baselines.json").read_text()) for out in (online, cached))
    for group in ("start", "constant"):
        assert others[group] == pytest.approx(figures[group], rel=2e-3, abs=1e-4, nan_ok=True)
    row, other = ((out / "history.csv").read_text().split() for out in (online, cached))
    assert row[0] == other[0]
    numbers, others = ([float(x) for x in text[1].split(",")] for text in (row, other))
    assert others == pytest.approx(numbers, rel=1e-2, abs=1e-3, nan_ok=True)


def test_the_student_has_the_cached_teachers_classes(cached, specs):
    model, labels = checkpoint.load_student(str(cached / "last"))
    assert student.heads_of(model) == {"objects": 5, "scenes": 3}
    assert labels == {head: load_teacher(specs[head]).labels for head in ("objects", "scenes")}
    run_json = json.loads((cached / "run.json").read_text())
    assert run_json["fingerprints"] == {
        head: load_teacher(specs[head]).fingerprint for head in ("objects", "scenes")
    }
    assert "--targets=cached" in (cached / "flags.txt").read_text()


def test_the_teachers_given_choose_the_heads(labelled, teacher_flags, tmp_path):
    run("train", f"--data={labelled}", "--targets=cached", teacher_flags[1], *SMALL,
        f"--out={tmp_path / 'run'}")  # fmt: skip
    model, _ = checkpoint.load_student(str(tmp_path / "run" / "last"))
    assert student.heads_of(model) == {"scenes": 3}


def refused(data, *flags):
    return run("train", f"--data={data}", "--targets=cached", *SMALL, *flags, fails=True).stderr


def test_an_online_run_does_not_go_on_with_cached_targets(online, labelled, teacher_flags):
    message = refused(labelled, *teacher_flags, f"--out={online}")
    assert "pipeline.targets was online, is cached" in message


def test_posteriors_of_another_teacher_are_refused(labelled, specs, tmp_path):
    message = refused(labelled, f"--imagenet_teacher={specs['other']}", f"--out={tmp_path / 'run'}")
    for name in ("objects", "other"):
        assert f"{name} ({load_teacher(specs[name]).fingerprint})" in message
    assert not (tmp_path / "run").exists()


def test_shards_that_are_not_labelled_are_refused(prepared, tmp_path):
    message = refused(prepared, f"--out={tmp_path / 'run'}")
    assert "not all training clips have posteriors" in message and "bin/label.py" in message


def test_mirrored_frames_are_refused(labelled, tmp_path):
    assert "flip mirrors frames" in refused(labelled, "--flip", f"--out={tmp_path / 'run'}")


def test_a_damaged_shard_ends_training_with_one_sentence(labelled, tmp_path):
    folder = labelled_shards.copy_of(labelled, tmp_path / "shards")
    for shard in folder.glob("train-*.tfrecord"):
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 1
        shard.write_bytes(data)
    message = refused(folder, f"--out={tmp_path / 'run'}")
    assert "train-0000" in message and "is damaged (the record at byte" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data=nowhere", "--imagenet_teacher=keras:VGG16"], "nowhere is not a prepared folder"),
        (["--data=DATA"], "no teacher was given"),
        (["--data=DATA", "--imagenet_teacher=oracle:delphi"], "oracle:delphi"),
        (["--data=DATA", "--imagenet_teacher=keras:VGG16", "--part=1"], "part is 1 of 1 parts"),
    ],
)
def test_unfit_flags_are_answered_with_one_clear_sentence(flags, message, prepared):
    done = run("label", *(f.replace("DATA", str(prepared)) for f in flags), fails=True)
    assert message in done.stderr and "Traceback" not in done.stderr
