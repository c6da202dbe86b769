"""What is wrong with a bucket is one sentence with exit code 1, said before TensorFlow is imported;
what went well is 0."""

import pathlib
import re
import subprocess
import sys

import pytest
import s3_server

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
STAGES = {
    "prepare": ("--videos={far}/films", "--out={far}/shards"),
    "label": ("--data={far}/shards", "--imagenet_teacher=file:{far}/t.keras"),
    "train": ("--data={far}/shards", "--out={far}/run", "--targets=cached"),
    "export": ("--run={far}/run", "--out={far}/exported"),
    "extract": ("--inputs={far}/films", "--out={far}/x.npz", "--model={far}/exported"),
    "evaluate": ("--dataset=csv", "--data={far}/set.csv", "--out={far}/e", "--model={far}/m"),
    "finetune": ("--manifest={far}/set.csv", "--out={far}/tuned"),
    "recognize": ("--model={far}/exported", "{far}/a.wav"),
    "inspect": ("--videos={far}/films", "--out=report"),
}


def refused(stage, far, folder, **environment):
    """What a stage's process says that ends with 1; it may not have imported TensorFlow."""
    (folder / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    flags = [flag.format(far=far) for flag in STAGES[stage]]
    command = [sys.executable, str(BIN / f"{stage}.py"), *flags]
    environment |= {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{stage}.py: ") and "TensorFlow" not in line
    return line


@pytest.mark.parametrize("stage", STAGES)
def test_a_bucket_that_is_not_there(stage, s3_address, tmp_path):
    said = refused(stage, "s3://vanished", tmp_path, **s3_server.environment(s3_address))
    assert f"there is no bucket vanished at {s3_address}; create it, or correct" in said


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_an_endpoint_where_nobody_is(scheme, tmp_path):
    """Nothing listens on port 1."""
    endpoint = s3_server.environment("http://127.0.0.1:1")
    said = refused("prepare", f"{scheme}://bucket", tmp_path, **endpoint)
    assert "http://127.0.0.1:1 cannot be reached; check the endpoint and the network" in said


def test_credentials_that_are_missing(s3_address, tmp_path):
    endpoint = s3_server.environment(s3_address)
    nobody = {name: value for name, value in endpoint.items() if "KEY" not in name}
    said = refused("prepare", "s3://bucket", tmp_path, **nobody)
    assert re.search(r"there are no credentials .*; set AWS_ACCESS_KEY_ID and", said)


def test_what_is_not_installed(s3_address, tmp_path):
    for name in ("obstore", "boto3"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('no module')")
        said = refused("prepare", "s3://bucket", tmp_path, **s3_server.environment(s3_address))
        assert f"needs {name} (no module): pip install 'soundnet-tf[s3]'" in said
        (tmp_path / f"{name}.py").unlink()


def test_a_bucket_that_goes_away_meanwhile(s3_address, bucket):
    """Each request says so, not only the first."""
    from soundnet_tf.files import atomic, storage

    path = f"s3://{bucket}/x/y.json"
    atomic.write_json(path, 1)
    assert atomic.read_json(path) == 1
    s3_server.remove_bucket(s3_address, bucket)
    for action in (
        lambda: atomic.read_json(path),
        lambda: atomic.write_json(path, 2),
        lambda: storage.exists(path),
        lambda: storage.size(path),
        lambda: storage.list_folder(f"s3://{bucket}/x"),
        lambda: storage.sizes_and_times([path, f"{path}2"]),
        lambda: storage.open_file(path),
    ):
        with pytest.raises(OSError, match="there is no bucket"):
            action()
