"""bin/reproduce.py for real: a row trained on small films, a row that fails, and modalities."""

import csv
import json
import pathlib
import re
import subprocess
import sys

import pytest
import synthetic_media
from colour_teacher import write_colour_teacher
from tone_manifest import write_tones

from soundnet_tf.models import checkpoint, student

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*flags):
    command = [sys.executable, str(ROOT / "bin" / "reproduce.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for k in range(8):
        synthetic_media.write_clock_video(folder / f"film{k}.mp4", 2, width=64, height=64)
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    palette = [synthetic_media.colour_of_second(second) for second in range(3)]
    return write_colour_teacher(tmp_path_factory.mktemp("teacher") / "t.keras", palette, 1e-3)


@pytest.mark.slow
def test_a_row_is_trained_exported_evaluated_and_not_again(films, teacher, tmp_path):
    prepare = [sys.executable, str(ROOT / "bin" / "prepare.py")]
    prepare += [f"--videos={films}", f"--out={tmp_path / 'P'}", "--frame_every=1", "--workers=1"]
    subprocess.run([*prepare, "--val_fraction=0.1"], check=True, capture_output=True)
    (tmp_path / "sounds").mkdir()
    flags = [
        "--table=loss", "--only=kl", "--steps=2", "--batch_size=2", "--seeds=5", "--dataset=csv",
        f"--data={tmp_path / 'P'}", f"--imagenet_teacher={teacher}", f"--places_teacher={teacher}",
        f"--out={tmp_path / 'OUT'}",
        f"--eval_data={write_tones(tmp_path / 'sounds', folds=2, per_class=2)}",
    ]  # fmt: skip
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "OUT" / "loss.md").read_text()
    assert text.splitlines()[0].startswith("This shows that the machinery works")
    assert text in done.stdout
    folder = tmp_path / "OUT" / "loss_kl" / "seed5"
    log = (folder / "log.txt").read_text()
    lines = re.findall(r"^\$ python -m soundnet_tf\.bin\.(\w+) ", log, re.MULTILINE)
    assert lines == ["train", "export", "evaluate"] and log in done.stdout
    l2, kl = json.loads((tmp_path / "OUT" / "loss.json").read_text())["rows"]
    assert l2["accuracy_mean"] is None
    results = json.loads((folder / "evaluation" / "results.json").read_text())
    assert kl["accuracy_mean"] == results["accuracy_mean"]
    assert results["settings"]["layer"] == "pool5" and results["dataset"] == "csv"
    with open(folder / "run" / "history.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    settings = json.loads((folder / "run" / "run.json").read_text())["settings"]
    assert (settings["seed"], settings["steps"], settings["distill"]["loss"]) == (5, 2, "kl")
    assert kl["clips_seen"] == 2 * kl["steps"] and kl["steps"] >= 2
    assert kl["held_out_kl"] == {
        head: pytest.approx(float(last[f"val_kl_{head}"])) for head in ("objects", "scenes")
    }
    again = run(*flags)
    assert again.returncode == 0 and text in again.stdout and "$ python" not in again.stdout


@pytest.mark.slow
def test_a_binary_that_fails_makes_a_row_with_its_last_word_and_exit_code_1(teacher, tmp_path):
    done = run(
        "--table=loss", "--only=kl", "--data=nowhere", "--eval_data=none", f"--out={tmp_path}",
        f"--imagenet_teacher={teacher}", f"--places_teacher={teacher}",
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    text = (tmp_path / "loss.md").read_text()
    log = tmp_path / "loss_kl" / "seed0" / "log.txt"
    assert f"kl failed: train ended with 1, see {log}: train.py: nowhere is not a prepared" in text


@pytest.mark.slow
def test_the_flagfile_of_modalities_runs(films, teacher, tmp_path):
    labels = {"objects": ("dog", "rain"), "scenes": ("street", "cafe")}
    network = student.SoundNet8(object_classes=2, scene_classes=2)
    checkpoint.save_student(str(tmp_path / "model"), network, labels)
    with open(tmp_path / "films.csv", "w", newline="") as file:
        rows = [(f"{films}/film{k}.mp4", "ab"[k % 2], 1 + k // 4) for k in range(8)]
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    done = run(
        f"--flagfile={ROOT / 'flags' / 'ablations' / 'modalities_published.flags'}",
        f"--videos_manifest={tmp_path / 'films.csv'}", f"--imagenet_teacher={teacher}",
        f"--model={tmp_path / 'model'}", f"--out={tmp_path / 'OUT'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "OUT" / "modalities.json").read_text())["rows"]
    # All films are the same, so half of each fold is right whatever is answered.
    assert [(row["row"], row["accuracy_mean"]) for row in rows] == [
        ("sound", 0.5), ("vision", 0.5), ("both", 0.5),
    ]  # fmt: skip
