"""bin/reproduce.py for real: a row trained on small films, a row that fails, and modalities."""

import csv
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import synthetic_media
from colour_teacher import write_colour_teacher
from subset_material import write_folder
from tone_manifest import write_tones

from soundnet_tf.models import checkpoint, student

ROOT = pathlib.Path(__file__).resolve().parents[2]


COMMAND = [sys.executable, str(ROOT / "bin" / "reproduce.py")]


def run(*flags):
    return subprocess.run([*COMMAND, *flags], capture_output=True, text=True, check=False)


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


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    labels = {"objects": ("dog", "rain"), "scenes": ("street", "cafe")}
    checkpoint.save_student(folder, student.SoundNet8(object_classes=2, scene_classes=2), labels)
    return folder


@pytest.fixture(scope="module")
def training_flags(films, teacher, model, tmp_path_factory):
    """Of the row "kl", but for its length and place."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare = [sys.executable, str(ROOT / "bin" / "prepare.py")]
    prepare += [f"--videos={films}", f"--out={folder / 'P'}", "--frame_every=1", "--workers=1"]
    subprocess.run([*prepare, "--val_fraction=0.1"], check=True, capture_output=True)
    return [
        "--table=loss", "--only=kl", "--batch_size=2", "--dataset=csv", f"--data={folder / 'P'}",
        f"--imagenet_teacher={teacher}", f"--places_teacher={teacher}", f"--model={model}",
        f"--eval_data={write_tones(folder, folds=2, per_class=2)}",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_row_is_trained_exported_evaluated_and_not_again(training_flags, model, tmp_path):
    flags = [*training_flags, "--steps=2", "--seeds=5", f"--out={tmp_path / 'OUT'}"]
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "OUT" / "loss.md").read_text()
    assert text.splitlines()[0].startswith("This shows that the machinery works")
    assert text in done.stdout
    folder = tmp_path / "OUT" / "soundnet8_both" / "seed5"
    log = (folder / "log.txt").read_text()
    lines = re.findall(r"^\$ python -m soundnet_tf\.bin\.(\w+) ", log, re.MULTILINE)
    assert lines == ["train", "export", "evaluate"] and log in done.stdout
    floors = json.loads((tmp_path / "OUT" / "floors" / "evaluation" / "results.json").read_text())
    mfcc = 100 * floors["baselines"]["mfcc"]["accuracy_mean"]
    assert f"By the same probe, pool5: {model} " in text and f" MFCC {mfcc:.1f} ± " in text
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


def children(pid):
    """Process ids; of dead ones that nobody waited for too, but there are none of those here."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]


def is_alive(pid):
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0


def wait_for(condition, process, secs=180):
    end = time.monotonic() + secs
    while not (value := condition()):
        assert process.poll() is None and time.monotonic() < end, "it ended, or never came to that"
        time.sleep(0.05)
    return value


def heed_ctrl_c():
    """A shell starts what shall run in the background, such as these tests, deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def epochs(folder):
    path = folder / "run" / "history.csv"
    return path.read_text().splitlines()[1:] if path.exists() else []


@pytest.mark.slow
def test_stopped_it_stops_its_training_and_goes_on_from_there(training_flags, tmp_path):
    """First by Ctrl-C in the floors, then by SIGTERM after an epoch of training."""
    flags = [*training_flags, "--steps=30", f"--out={tmp_path}"]
    folder = tmp_path / "soundnet8_both" / "seed0"

    def started(log):
        return log.exists() and "$ python" in log.read_text("utf-8", "replace")

    for sent, reached in (
        (signal.SIGINT, lambda: started(tmp_path / "floors" / "log.txt")),
        (signal.SIGTERM, (folder / "run" / "backup" / "latest.weights.h5").exists),
    ):
        process = subprocess.Popen(
            [*COMMAND, *flags], stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
        )
        try:
            wait_for(reached, process)
            (child,) = wait_for(lambda parent=process.pid: children(parent), process)
            process.send_signal(sent)
            _, said = process.communicate(timeout=60)
        finally:
            process.terminate()
        assert process.returncode == 130 and "Traceback" not in said
        assert said.endswith("Interrupted: the same command goes on where it was left.\n")
        assert not is_alive(child)
    before = epochs(folder)
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    after = epochs(folder)
    assert after[: len(before)] == before and len(after) > len(before), "it went on"
    log = (folder / "log.txt").read_text()
    assert re.findall(r"^\$ python -m soundnet_tf\.bin\.(\w+) ", log, re.MULTILINE) == [
        "train", "train", "export", "evaluate",
    ]  # fmt: skip
    _, kl = json.loads((tmp_path / "loss.json").read_text())["rows"]
    assert kl["steps"] >= 30 and kl["accuracy_mean"] is not None


@pytest.mark.slow
def test_a_binary_that_fails_makes_a_row_with_its_last_word_and_exit_code_1(
    training_flags, tmp_path
):
    bad = tmp_path / "bad.keras"
    bad.write_text("no network")
    done = run(*training_flags, f"--imagenet_teacher=file:{bad}", f"--out={tmp_path}")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    text = (tmp_path / "loss.md").read_text()
    log = tmp_path / "soundnet8_both" / "seed0" / "log.txt"
    assert f"kl failed: train ended with 1, see {log}: train.py: {bad}" in text


@pytest.mark.slow
def test_the_labelled_set_is_looked_at_before_anything_is_trained(training_flags, tmp_path):
    done = run(*training_flags, "--eval_data=none.csv", f"--out={tmp_path}")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("reproduce.py: none.csv: no such manifest")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_flagfile_of_modalities_runs(films, teacher, model, tmp_path):
    with open(tmp_path / "films.csv", "w", newline="") as file:
        rows = [(f"{films}/film{k}.mp4", "ab"[k % 2], 1 + k // 4) for k in range(8)]
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    done = run(
        f"--flagfile={ROOT / 'flags' / 'ablations' / 'modalities_published.flags'}",
        f"--videos_manifest={tmp_path / 'films.csv'}", f"--imagenet_teacher={teacher}",
        f"--model={model}", f"--out={tmp_path / 'OUT'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "OUT" / "modalities.json").read_text())["rows"]
    # All films are the same, so half of each fold is right whatever is answered.
    assert [(row["row"], row["accuracy_mean"]) for row in rows] == [
        ("sound", 0.5), ("vision", 0.5), ("both", 0.5),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_curve_is_made_of_real_runs(tmp_path):
    """Of eight clips, on one and on all; what is left out is blank, and nothing is run again."""
    write_folder(tmp_path / "P", ["abcd", "efgh"], "xy")
    flags = [
        "--table=scaling", f"--data={tmp_path / 'P'}", "--dataset=csv", "--only=untrained,shuffled",
        f"--eval_data={write_tones(tmp_path, folds=2, per_class=2)}", "--steps=2", "--batch_size=2",
        "--seeds=3", f"--out={tmp_path / 'OUT'}",
    ]  # fmt: skip
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "OUT" / "scaling.json").read_text())["rows"]
    found = {row["row"]: row for row in rows}
    assert [*found][:6] == [
        "untrained", "1 clips", "2 clips", "4 clips", "8 clips", "8 clips, shuffled",
    ]  # fmt: skip
    shuffled, untrained = found["8 clips, shuffled"], found["untrained"]
    assert (shuffled["clips"], shuffled["seeds"], untrained["seeds"]) == ([8], [3], [3])
    assert shuffled["held_out_kl"].keys() == shuffled["hears"].keys() == {"objects", "scenes"}
    for row in (shuffled, untrained):
        assert row["layers"].keys() == {"conv4", "conv5", "pool5", "conv6", "conv7"}
        assert row["best"] == [max(row["layers"].values())] and row["best"][0] > 0.5
    assert found["1 clips"]["best"] == [] and found["1 clips"]["error"] is None
    assert "shuffled_pairs" in shuffled["commands"][0]
    log = tmp_path / "OUT" / "scaling" / "shuffled" / "seed3" / "log.txt"
    before = log.stat().st_mtime_ns
    assert run(*flags).returncode == 0 and log.stat().st_mtime_ns == before
