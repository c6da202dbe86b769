"""What is wrong is said before TensorFlow is imported, by every command."""

import csv
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# `sys.modules[...] = None` makes each import of it an error.
WITHOUT_TENSORFLOW = """
import runpy, sys
sys.modules.update(tensorflow=None, keras=None)
command = sys.argv.pop(1)
sys.path[0] = sys.argv.pop(1)
sys.argv[0] = f"{command}.py"
runpy.run_path(f"{sys.path[0]}/{command}.py", run_name="__main__")
"""
STUDENT = "is no trained SoundNet; give published, a .npy or .t7 file"
NO_FILE = "there is no file nowhere"


def run(folder, command, *arguments):
    """Gives what the command says on stderr; TensorFlow cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, command, str(ROOT / "bin"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Inputs that are there, as far as can be seen without TensorFlow: a video, recordings with
    their manifest, a prepared folder, a student; an empty folder, and a file."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("empty", "shards", "student", "elsewhere", "run/last"):
        (folder / name).mkdir(parents=True)
    students = ("student/student.keras", "run/last/student.keras")
    for name in ("film.mp4", "file", "odd.npz", *students):
        (folder / name).write_bytes(b"x")
    rows = [("path", "label", "fold")]
    for fold in "12":
        for label in ("rain", "wind"):
            (folder / f"{label}{fold}.wav").write_bytes(b"x")
            rows.append((f"{label}{fold}.wav", label, fold))
    with open(folder / "sounds.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    manifest = {"format": 1, "version": "0", "videos": "films", "settings": {}, "skipped": []}
    (folder / "shards" / "manifest.json").write_text(json.dumps(manifest | {"splits": {}}))
    shard = {"name": "S", "videos": 0, "clips": 0, "seconds": 0, "bytes": 0, "sha256": ""}
    content = {"settings": {"clip_secs": 5.0}, "shard": shard, "inputs": []}
    content |= {"skipped": [], "left_out": []}
    (folder / "elsewhere" / "train-00000-of-00001.json").write_text(json.dumps(content))
    (folder / "elsewhere" / "rain1.vtt").write_text("WEBVTT")
    (folder / "evaluated").mkdir()
    (folder / "evaluated" / "results.json").write_text("{}")
    (folder / "elsewhere" / "run.json").write_text(json.dumps({"settings": {"seed": 7}}))
    return folder


TRAIN = "train --data=shards --out=new"
TEACHER = "--imagenet_teacher=file:student/student.keras"
LABEL_ON_BEAM = f"label --data=shards {TEACHER} --runner=DirectRunner"
FINETUNE = "finetune --manifest=sounds.csv --model=student --out=new"
EVALUATE = "evaluate --data=sounds.csv --model=student --out=new"
EXTRACT = "extract --inputs=rain1.wav --model=student"
LAYERS = "reproduce --table=layers --dataset=csv --eval_data=sounds.csv --model=student --out=new"
MODALITIES = f"reproduce --table=modalities {TEACHER} --model=student --out=new"
LOSS = "reproduce --table=loss --dataset=csv --eval_data=sounds.csv --model=student --out=new"
PLACES = "--places_teacher=file:student/student.keras"
UNITS = "visualize units --inputs=rain1.wav --model=student"
CASES = {
    # Inputs that are not there, are empty, or are something else.
    "prepare --videos=nowhere --out=new": "nowhere: no such folder, pattern, video or list",
    "prepare --videos=empty --out=new": "empty: no videos found",
    "inspect --videos=nowhere --out=new": "nowhere: no such folder, pattern, video or list",
    "inspect --data=empty --out=new": "empty is not a prepared folder: it has no manifest.json",
    "inspect --out=new": "give either --videos, a folder of videos, or --data, a prepared folder",
    "inspect --videos=film.mp4 --model=student --out=new": "so give --data, a folder that",
    "inspect --data=shards --model=nowhere --out=new": f"nowhere {STUDENT}",
    "inspect --videos=film.mp4 --out=gs://bucket/new": "out is gs://bucket/new; give a local",
    "inspect --videos=film.mp4 --out=file": "file: cannot be made a folder (",
    f"label --data=nowhere {TEACHER}": "nowhere is not a prepared folder: it has no manifest.json",
    f"label --data=empty {TEACHER}": "empty is not a prepared folder: it has no manifest.json",
    f"train --data=empty {TEACHER} --out=new": "empty is not a prepared folder",
    f"train --videos=empty {TEACHER} --out=new": "empty: no videos found",
    "finetune --manifest=nowhere --model=student --out=new": "nowhere: no such manifest",
    "finetune --dataset=esc10 --data=nowhere --model=student --out=new": "nowhere: no such folder",
    "finetune --dataset=esc10 --data=empty --model=student --out=new": "empty: found neither meta",
    f"{FINETUNE} --test_fold=3": "test fold '3': sounds.csv can be tested on 1, 2",
    "evaluate --data=nowhere --model=student --out=new": "nowhere: no such manifest",
    "evaluate --dataset=dcase --data=empty --model=student --out=new": "empty: found no folder",
    "extract --inputs=nowhere --model=student --out=new.npz": "nowhere: no such folder, pattern,",
    "extract --inputs=empty --model=student --out=new.npz": "empty: no media files found",
    "recognize --model=student nothing.wav": "no such media file: nothing.wav",
    "recognize --model=student empty": "empty: is a folder; name the files in it",
    "recognize --model=student --format=srt rain1.wav wind1.wav": (
        "--format=srt is of one recording a file, 2 were named; give --out=DIR for a file each"
    ),
    "recognize --model=student --out=new rain1.wav": "--out=new is for --format=audacity|srt|vtt",
    "recognize --model=student --format=vtt --out=elsewhere rain1.wav": (
        "elsewhere/rain1.vtt is there already; give another --out, or remove it"
    ),
    "recognize --model=student --format=vtt --out=file rain1.wav": (
        "file: cannot be made a folder ("
    ),
    "recognize --model=student --segments=new rain1.wav": (
        "--segments=DIR and --segment_label=NAME belong together"
    ),
    "recognize --model=student --segment_label=rain rain1.wav": (
        "--segments=DIR and --segment_label=NAME belong together"
    ),
    "recognize --model=student --segments=elsewhere --segment_label=rain rain1.wav": (
        "elsewhere has files already; give a new folder, or remove them"
    ),
    "recognize --model=student --segments=gs://b/new --segment_label=rain rain1.wav": (
        "segments is gs://b/new; give a local folder"
    ),
    "recognize --model=student --segments=file --segment_label=rain rain1.wav": (
        "file: cannot be made a folder ("
    ),
    "recognize --model=student a.wav b.wav": "no such media file: a.wav, b.wav",
    "reproduce --table=layers --eval_data=nowhere --model=student --out=new": "nowhere: no such",
    f"{MODALITIES} --videos_manifest=nowhere": "nowhere: no such manifest",
    f"{LOSS} --data=empty {TEACHER} {PLACES}": "empty is not a prepared folder",
    "demo --videos=nowhere": "nowhere: no such folder, pattern, video or list",
    "benchmark --videos=empty --out=new": "empty: no videos found",
    "report --run=nowhere --out=new": "--run=nowhere has no run.json; give a folder that bin/train",
    "report --run=elsewhere --model=student --out=new": "a report is about one network: give --run",
    "report --model=student --inputs=nowhere --out=new": "nowhere: no such folder, pattern, media",
    "report --model=student --evaluation=empty --out=new": "--evaluation=empty has no results.json",
    "report --labels=sounds.csv --out=new": "name these by --inputs, or leave the others out",
    "report --model=student --inputs=rain1.wav --imagenet_teacher=keras:No --out=new": "no 'No'",
    "report --model=student --out=file": "file: cannot be made a folder (",
    "visualize units --inputs=nowhere --out=new": "nowhere: no such folder, pattern, media file",
    "visualize units --labels=nowhere --out=new": "nowhere: no such manifest",
    "visualize units --data=empty --out=new": "empty is not a prepared folder: it has no",
    "visualize units --out=new": "give either recordings, by --inputs or --labels or both, or",
    f"{UNITS} --data=shards --out=new": "give either recordings, by --inputs or --labels or both",
    f"{UNITS} --dataset=esc10 --out=new": "dataset is esc10; name its folder by --labels",
    f"{UNITS} --units=3,-1 --out=new": "units is 3,-1; give numbers from 0, such as 3,17, or all",
    f"{UNITS} --out=gs://bucket/new": "out is gs://bucket/new; give a local folder",
    "visualize filters --out=new.jpg": "out is new.jpg; give a local file that ends in .png or",
    "visualize filter --out=new.png": "there is no 'filter'; begin with one of filters, ",
    # Networks.
    "visualize filters --model=nowhere --out=new.png": f"nowhere {STUDENT}",
    f"{UNITS.replace('=student', '=nowhere')} --out=new": f"nowhere {STUDENT}",
    f"{UNITS} --layer=objects --out=new": "no layer objects in soundnet8 or soundnet5; choose of",
    f"{TRAIN} {TEACHER} --init_from=nowhere": f"nowhere {STUDENT}",
    "finetune --manifest=sounds.csv --model=nowhere --out=new": f"nowhere {STUDENT}",
    f"{FINETUNE} --layers=pool5,pool9": "no layer pool9 in soundnet8 or soundnet5; choose of conv1",
    "finetune --manifest=sounds.csv --model=soundnet5 --layers=conv6 --out=new": (
        "no layer conv6 in soundnet5; choose of conv1, pool1, conv2, pool2, conv3, pool3, conv4\n"
    ),
    "export --run=nowhere --out=new": f"nowhere/last {STUDENT}",
    "export --weights=empty --out=new": f"empty {STUDENT}",
    "export --weights=nowhere.npy --out=new": "there is no file nowhere.npy",
    "extract --inputs=rain1.wav --model=nowhere --out=new.npz": f"nowhere {STUDENT}",
    f"{EXTRACT} --layer=pool9 --out=new.npz": "no layer pool9 in soundnet8 or soundnet5",
    "evaluate --data=sounds.csv --model=nowhere --out=new": f"nowhere {STUDENT}",
    f"{EVALUATE} --layer=pool9": "no layer pool9 in soundnet8 or soundnet5",
    f"{EVALUATE} --modalities=sound --layer=all": "no layer all in soundnet8 or soundnet5",
    "recognize --model=nowhere rain1.wav": f"nowhere {STUDENT}",
    "recognize --model=run rain1.wav": "run is a whole run, not a network; give run/last\n",
    LAYERS.replace("=student", "=nowhere"): f"nowhere {STUDENT}",
    # Teachers.
    TRAIN: "no teacher was given",
    f"{TRAIN} --imagenet_teacher=keras:VGG17": "Keras Applications has no 'VGG17'; it has ConvNeXt",
    f"{TRAIN} --imagenet_teacher=keras:VGG16@nowhere": NO_FILE,
    f"{TRAIN} --places_teacher=places:vgg19@film.mp4": "no teacher 'places:vgg19@film.mp4'; specs",
    f"{TRAIN} --places_teacher=places:vgg16": "there is no teacher 'places:vgg16'; specs look like",
    f"{TRAIN} --targets=cached --places_teacher=file:nowhere": NO_FILE,
    "label --data=shards --imagenet_teacher=hup:x": "there is no teacher 'hup:x'; specs look like",
    "label --data=shards --imagenet_teacher=pypi:x": "no teacher 'pypi:x', only pypi:efficientnet",
    f"{EVALUATE} --modalities=vision --teacher=file:film.mp4": "film.mp4 is neither a .keras file",
    f"{LOSS} --data=shards {TEACHER} --places_teacher=file:nowhere": NO_FILE,
    "reproduce --table=modalities --imagenet_teacher=file:nowhere --model=student "
    "--videos_manifest=sounds.csv --out=new": NO_FILE,
    "demo --videos=film.mp4 --imagenet_teacher=nothing": "there is no teacher 'nothing'; specs",
    # Beam.
    "prepare --videos=film.mp4 --out=new --runner=DirectRunner --pipeline_options=--nonsense=1": (
        "Beam 2.77.0 does not know --nonsense=1; such as --pipeline_options='--direct_running_mode="
    ),
    f"{LABEL_ON_BEAM} --pipeline_options=--direct_num_workers=x": (
        "pipeline_options: argument --direct_num_workers: invalid int value: 'x'"
    ),
    "prepare --videos=film.mp4 --out=new --runner=DirectRunner --pipeline_options=--runner=Prism": (
        "pipeline_options has --runner; that is a flag of this command"
    ),
    "prepare --videos=film.mp4 --out=new --pipeline_options=--direct_num_workers=2": (
        "pipeline_options are Beam's; give them with --runner, one of DirectRunner, FlinkRunner"
    ),
    # An --out that is something else.
    "prepare --videos=film.mp4 --out=file": "file: cannot be made a folder (",
    "prepare --videos=film.mp4 --out=file/new": "file/new: cannot be made a folder (",
    "prepare --videos=film.mp4 --out=elsewhere": "elsewhere was made with other settings (",
    f"train --data=shards {TEACHER} --out=file": "file: cannot be made a folder (",
    f"train --data=shards {TEACHER} --out=elsewhere": "elsewhere was made with other settings (",
    FINETUNE.replace("new", "file"): "file: cannot be made a folder (",
    FINETUNE.replace("new", "elsewhere"): "elsewhere was made with other settings (",
    EVALUATE.replace("new", "file"): "file: cannot be made a folder (",
    "export --weights=student --out=file": "file: cannot be made a folder (",
    f"{EXTRACT} --out=odd.npz": "odd.npz is no whole file of features",
    f"{EXTRACT} --out=file/new.npz": "file: cannot be made a folder (",
    LAYERS.replace("new", "file"): "file: cannot be made a folder (",
    "demo --videos=film.mp4 --imagenet_teacher= --out=file": "file: cannot be made a folder (",
    f"{UNITS} --out=file": "file: cannot be made a folder (",
    "visualize filters --model=student --out=file/x.png": "file: cannot be made a folder (",
    "benchmark --out=file": "file is no JSON",
    "benchmark --out=nowhere/new": "nowhere/new: there is no folder nowhere; make it first",
}


@pytest.mark.parametrize("command", CASES)
def test_what_is_wrong_is_said_without_tensorflow(folder, command):
    before = sorted(folder.iterdir())
    said = run(folder, *command.split())
    assert said.count("\n") == 1 and said.startswith(f"{command.split()[0]}.py: ")
    assert CASES[command] in said
    assert sorted(folder.iterdir()) == before, "nothing was made"


RIGHT = [
    f"{TRAIN} {TEACHER} --init_from=student",
    f"label --data=shards {TEACHER}",
    f"{LABEL_ON_BEAM} --pipeline_options=--direct_num_workers=2",
    "export --weights=student --out=new",
    "inspect --data=shards --out=new",
    FINETUNE,
    EVALUATE,
    f"{EXTRACT} --out=new.npz",
    "recognize --model=student nothing.wav rain1.wav",
    LAYERS,
    f"{MODALITIES} --videos_manifest=sounds.csv",
    f"{UNITS} --labels=sounds.csv --out=new",
    "visualize filters --model=student --out=new.png",
    "report --model=student --inputs=film.mp4 --evaluation=evaluated --out=new",
]


@pytest.mark.parametrize("command", RIGHT)
def test_what_may_be_right_comes_to_tensorflow(folder, command):
    """With nothing to find fault with, so that the errors above are of what they name."""
    said = run(folder, *command.split())
    assert "import of tensorflow halted" in said or "import of keras halted" in said


STOPPED_AT_TENSORFLOW = """
import os, runpy, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            sys.exit("oneDNN " + os.environ.get("TF_ENABLE_ONEDNN_OPTS", "as it is"))
sys.meta_path.insert(0, Stop())
runpy.run_module("soundnet_tf.bin." + sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("command", RIGHT[:7])
def test_a_binary_turns_onednn_on_before_tensorflow_reads_of_it(folder, command, monkeypatch):
    """Without AVX-512 TensorFlow leaves it off. What the user has set stays."""
    for given, expected in ((None, "1"), ("0", "0")):
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
        if given:
            monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given)
        arguments = [sys.executable, "-c", STOPPED_AT_TENSORFLOW, *command.split()]
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
        assert done.stderr.strip().endswith(f"oneDNN {expected}")
