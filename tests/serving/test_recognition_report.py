"""What recognize prints: a table for people, JSON and CSV for programs."""

import csv
import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving.recognition_report import FORMATS
from soundnet_tf.serving.recognize import Recognition

ROOT = pathlib.Path(__file__).parents[2]
LABELS = {"objects": ("dog, hound", "rain"), "scenes": ("café, bar", "street")}
ONE = Recognition(
    duration_secs=18.0,
    secs=np.array([4.75, 67.72]),
    probabilities={
        "objects": np.float32([[0.75, 0.25], [0.5, 0.5]]),
        "scenes": np.float32([[0.1, 0.9], [0.3, 0.7]]),
    },
    labels=LABELS,
)
TWO = Recognition(2.0, np.array([1.0]), {"objects": np.float32([[0.25, 0.75]])}, LABELS)


def report(form, top, *recognitions):
    out = io.StringIO()
    writer = FORMATS[form](out, top)
    for i, recognition in enumerate(recognitions):
        writer.add(f"{i}.wav", recognition)
    writer.finish()
    return out.getvalue()


def test_the_table():
    lines = report("table", 2, ONE, TWO).splitlines()
    assert [line.split() for line in lines] == [
        ["0.wav", "(18.0", "s)"],
        ["objects", "scenes"],
        ["0:04.8", "dog", "75%,", "rain", "25%", "street", "90%,", "café", "10%"],
        ["1:07.7", "dog", "50%,", "rain", "50%", "street", "70%,", "café", "30%"],
        ["all", "dog", "62%,", "rain", "38%", "street", "80%,", "café", "20%"],
        [],
        ["1.wav", "(2.0", "s)"],
        ["objects"],
        ["0:01.0", "rain", "75%,", "dog", "25%"],
        [],
    ]
    assert all(len(line) <= 100 for line in lines)


def test_json():
    first, second = json.loads(report("json", 1, ONE, TWO))
    assert first == {
        "path": "0.wav",
        "duration_secs": 18.0,
        "overall": {
            "objects": [{"label": "dog, hound", "probability": 0.625}],
            "scenes": [{"label": "street", "probability": 0.8}],
        },
        "steps": [
            {
                "secs": 4.75,
                "objects": [{"label": "dog, hound", "probability": 0.75}],
                "scenes": [{"label": "street", "probability": 0.9}],
            },
            {
                "secs": 67.72,
                "objects": [{"label": "dog, hound", "probability": 0.5}],
                "scenes": [{"label": "street", "probability": 0.7}],
            },
        ],
    }
    assert second["path"] == "1.wav" and len(second["steps"]) == 1
    assert json.loads(report("json", 1)) == []


def test_csv():
    rows = list(csv.reader(io.StringIO(report("csv", 2, TWO))))
    assert rows == [
        ["path", "secs", "head", "rank", "label", "probability"],
        ["0.wav", "1.000", "objects", "1", "rain", "0.750000"],
        ["0.wav", "1.000", "objects", "2", "dog, hound", "0.250000"],
    ]


def test_csv_has_each_step_with_its_moment():
    rows = list(csv.reader(io.StringIO(report("csv", 1, ONE))))[1:]
    assert [row[1:] for row in rows] == [
        ["4.750", "objects", "1", "dog, hound", "0.750000"],
        ["67.720", "objects", "1", "dog, hound", "0.500000"],
        ["4.750", "scenes", "1", "street", "0.900000"],
        ["67.720", "scenes", "1", "street", "0.700000"],
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    network = student.SoundNet8(object_classes=2, scene_classes=2)
    checkpoint.save_student(folder, network, LABELS)
    return folder


def recognize(*arguments):
    command = [sys.executable, str(ROOT / "bin/recognize.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_name_that_is_not_utf_8_is_told_escaped(form):
    r"""The byte E9 as \\xe9, of which JSON doubles the backslash; all of it can be encoded."""
    out = io.StringIO()
    writer = FORMATS[form](out, 1)
    writer.add("caf\udce9.wav", TWO)
    writer.finish()
    assert (
        "caf\\\\xe9.wav" if form == "json" else "caf\\xe9.wav"
    ).encode() in out.getvalue().encode()


@pytest.mark.slow
def test_the_binary(model, tmp_path):
    """A file that cannot be read is named on stderr, makes the exit code 1, and stops no other."""
    tone = 0.3 * np.sin(np.arange(12 * 44100) / 20)
    soundfile.write(tmp_path / "tone.wav", tone, 44100)
    (tmp_path / "text.wav").write_text("no sound")
    files = [tmp_path / "text.wav", tmp_path / "tone.wav"]
    done = recognize(f"--model={model}", "--format=json", *files)
    assert done.returncode == 1
    (complaint,) = [line for line in done.stderr.splitlines() if "text.wav" in line]
    assert complaint.startswith("recognize.py: ") and "cannot read it" in complaint
    (heard,) = json.loads(done.stdout)
    assert heard["path"].endswith("tone.wav") and heard["duration_secs"] == 12.0
    assert {c["label"] for c in heard["overall"]["objects"]} == set(LABELS["objects"])


@pytest.mark.slow
def test_a_binary_without_a_model_says_so_once(tmp_path):
    done = recognize(f"--model={tmp_path / 'none'}", "a.wav", "b.wav")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("is no trained SoundNet") == 1
