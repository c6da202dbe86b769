"""bin/finetune.py on tones: what it prints, what it refuses, and that it goes on."""

import pathlib
import subprocess
import sys

import commands
import pytest
from tone_manifest import SECS, write_tones

from soundnet_tf.models import checkpoint, student

BINARY = pathlib.Path(__file__).resolve().parents[2] / "bin" / "finetune.py"

pytestmark = pytest.mark.slow


def start(*flags):
    """A process, as a user starts it."""
    return subprocess.run([sys.executable, str(BINARY), *flags], capture_output=True, text=True)


def run(*flags):
    """The same in this process, which has TensorFlow already."""
    return commands.completed("finetune", *flags)


def test_the_command_trains_prints_and_goes_on(tmp_path):
    model = tmp_path / "model"
    network = student.SoundNet5(object_classes=2, scene_classes=None)
    checkpoint.save_student(str(model), network, {"objects": ("a", "b")})
    manifest = write_tones(tmp_path)
    command = [f"--model={model}", f"--manifest={manifest}", f"--out={tmp_path / 'run'}"]
    command += [f"--clip_seconds={SECS}", "--epochs=8", "--batch_size=8", "--val_share=0.25"]
    done = start(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out accuracy") == 8
    table = done.stdout[done.stdout.index("test fold 3") :]
    assert [line.split()[-1] for line in table.splitlines()[1:5]] == ["100.0%"] * 3 + ["50.0%"]
    again = run(*command)
    assert again.returncode == 0 and again.stdout.strip() == table.strip()
    refused = run(*command, "--seed=1")
    assert refused.returncode == 1 and "seed was 0, is 1" in refused.stderr


@pytest.mark.parametrize(
    "rows, message",
    [
        (["1-low-0.wav,hum"], "line 2: has no fold"),
        (["1-low-0.wav,hum,1", "nowhere.wav,hiss,2"], "1 of 2 recordings are not there"),
        (["1-low-0.wav,a,1", "2-low-0.wav,b,1", "3-low-0.wav,a,2"], "two recordings of b"),
        (
            ["1-low-0.wav,a,1", "1-whi-0.wav,b,1", "3-low-0.wav,a,3", "3-whi-0.wav,b,3"],
            "fold 2 is empty",
        ),
    ],
)
def test_broken_manifests_are_one_sentence(tmp_path, rows, message):
    write_tones(tmp_path, per_class=1)
    (tmp_path / "broken.csv").write_text("\n".join(["path,label,fold", *rows]))
    done = run(f"--manifest={tmp_path / 'broken.csv'}", f"--out={tmp_path / 'run'}")
    assert done.returncode == 1 and not (tmp_path / "run").exists()
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("finetune.py: ") and message in sentence
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "give either --manifest"),
        (["--manifest=a.csv", "--dataset=esc10", "--data=b"], "give either --manifest"),
        (["--dataset=esc10"], "--dataset and --data, its folder, go together"),
    ],
)
def test_flags_that_do_not_fit_are_named(tmp_path, flags, message):
    done = run(*flags, f"--out={tmp_path / 'run'}")
    assert done.returncode == 1 and message in done.stderr
