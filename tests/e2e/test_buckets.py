"""All stages one after the other with every path in a bucket, each killed once in the middle,
against a real S3 server on loopback; what comes out is what comes out locally, undisturbed."""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import colour_teacher
import commands
import numpy as np
import pytest
import s3_server
import tone_films

from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.files import atomic, remote, storage
from soundnet_tf.models import pretrained
from soundnet_tf.serving.extraction import feature_file
from soundnet_tf.training.monitor import read_history

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
PREPARE = ("--clip_seconds=8", "--frame_every=1", "--num_shards=4", "--val_fraction=0.1")
TRAIN = ("--model=soundnet5", "--epochs=1", "--batch_size=2", "--crop_seconds=4")

pytestmark = pytest.mark.slow


def run(binary, *flags):
    done = commands.completed(binary, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def digest(path):
    return hashlib.sha256(storage.read_bytes(path)).hexdigest()


def films(folder) -> pathlib.Path:
    """Eight of 8 s for clips, and a labelled set of twelve of a second."""
    for k in range(8):
        colour = (tone_films.RED, tone_films.BLUE)[k % 2]
        tone_films.write_film(folder / f"film{k}.mkv", colour, 200 + 100 * k, 8.0, 8.0)
    (folder / "labelled").mkdir()
    tone_films.write_manifest(folder / "labelled")
    return folder


def killed(address, bucket, sign, binary, *flags):
    """Runs a command, and kills it once the bucket has a key that begins so. It stands still while
    a busy server lists its keys, or it would end meanwhile."""
    before = set(s3_server.keys(address, bucket))
    command = [sys.executable, str(BIN / f"{binary}.py"), *flags]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            if any(key.startswith(sign) for key in {*s3_server.keys(address, bucket)} - before):
                break
            process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL, f"{binary} ended before it could be killed"


def test_every_stage_gives_in_a_bucket_what_it_gives_locally(s3_address, bucket, tmp_path):
    (tmp_path / "films").mkdir()
    source, far = films(tmp_path / "films"), f"s3://{bucket}"
    spec = colour_teacher.write_colour_teacher(
        tmp_path / "t.keras", [tone_films.RED, tone_films.BLUE]
    )
    for path in (*storage.files_below(str(source)), *map(str, tmp_path.glob("t.keras*"))):
        remote.upload(path, f"{far}/{os.path.relpath(path, tmp_path)}")
    left = set()

    def stage(place, sign, *command):
        """Runs it; in the bucket it is killed first, when it has begun to write."""
        if place == far:
            killed(s3_address, bucket, sign, *command)
            left.update(k for k in s3_server.keys(s3_address, bucket) if k.endswith(".tfrecord"))
        run(*command)

    places = {str(tmp_path): spec, far: f"file:{far}/t.keras"}
    for place, teacher in places.items():
        videos, data = f"--videos={place}/films/*.mkv", f"{place}/shards"
        prepare = ("prepare", videos, f"--out={data}", *PREPARE, "--workers=1")
        stage(place, "shards/train-", *prepare)
        label = ("label", f"--data={data}", f"--imagenet_teacher={teacher}", "--batch_frames=4")
        stage(place, "shards/teachers/", *label)
        train = ("train", f"--data={data}", f"--out={place}/run", "--targets=cached", *TRAIN)
        stage(place, "run/backup/", *train, "--checkpoint_every=1")
        stage(place, "exported", "export", f"--run={place}/run", f"--out={place}/exported")
        model, inputs = f"--model={place}/exported", f"--inputs={place}/films/*.mkv"
        extract = ("extract", inputs, model, f"--out={place}/features.npz", "--layer=conv4")
        stage(place, "features.npz", *extract)
        (labelled,) = [n for n in storage.list_folder(f"{place}/films/labelled") if "csv" in n]
        evaluate = ("evaluate", "--dataset=csv", f"--data={place}/films/labelled/{labelled}", model,
                    "--protocol=linear", "--layer=conv4", "--nobaselines")  # fmt: skip
        stage(place, "evaluation", *evaluate, f"--out={place}/evaluation")
        heard = run("recognize", model, f"{place}/films/film0.mkv")
        assert "colour" in heard

    near, there = load_manifest(f"{tmp_path}/shards"), load_manifest(f"{far}/shards")
    assert near.splits == there.splits  # with the hashes of all shards
    shards = {key for key in left if key.startswith("shards/")}
    assert shards and all(digest(f"{far}/{key}") == digest(f"{tmp_path}/{key}") for key in shards)
    histories = [read_history(f"{place}/run/history.csv") for place in places]
    for name, value in histories[0][0].items():
        assert float(histories[1][0][name]) == pytest.approx(float(value), rel=1e-5, nan_ok=True)
    boards = [storage.list_folder(f"{place}/run/logs/board") for place in places]
    shown = [{name for name in board if "tfevents" not in name} for board in boards]
    files = {"clips.tsv", "frames.png", "projector_config.pbtxt"}
    assert files < shown[0] == shown[1]
    (one, labels), (two, _) = (pretrained.load(f"{place}/exported") for place in places)
    assert labels == {"objects": ("colour 0", "colour 1")}
    for ours, theirs in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    first, second = (feature_file.load_features(f"{place}/features.npz") for place in places)
    assert first.names == second.names == [f"film{k}.mkv" for k in range(8)]
    np.testing.assert_allclose(first.embeddings, second.embeddings, rtol=1e-3, atol=1e-5)
    results = [atomic.read_json(f"{place}/evaluation/results.json") for place in places]
    assert [row["per_fold"] for row in results[0]["rows"]] == [
        row["per_fold"] for row in results[1]["rows"]
    ]
    assert not any(
        ".partial" in key or ".lock" in key for key in s3_server.keys(s3_address, bucket)
    )
