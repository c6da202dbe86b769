"""Binaries end to end on small films: prepare, train, a kill, resume, export, plain TensorFlow."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import commands
import keras
import numpy as np
import pytest
import synthetic_media
import tensorflow as tf
from colour_teacher import write_colour_teacher

from soundnet_tf.models import checkpoint, student
from soundnet_tf.training import report

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
PALETTE = [synthetic_media.colour_of_second(second) for second in range(8)]
EPOCHS = 3


def start(binary, *flags):
    """A process, as a user starts it."""
    command = [sys.executable, str(BIN / f"{binary}.py"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def run(binary, *flags, code=0):
    """The same in this process, which has TensorFlow already."""
    done = commands.completed(binary, *flags)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Eight films of 8 s, half of which a fraction of 0.1 happens to hold out."""
    folder = tmp_path_factory.mktemp("films")
    for k in range(8):
        synthetic_media.write_clock_video(folder / f"film{k}.mp4", 8, width=64, height=64)
    return folder


@pytest.fixture(scope="module")
def prepared(films, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "shards"
    done = start(
        "prepare", f"--videos={films}", f"--out={out}", "--clip_seconds=8", "--frame_every=1",
        "--num_shards=2", "--val_fraction=0.1", "--workers=1",
    )  # fmt: skip
    assert "bin/train.py" in done.stdout
    return out


@pytest.fixture(scope="module")
def train_flags(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    return [
        f"--data={prepared}", "--model=soundnet5", "--batch_size=2", "--crop_seconds=4",
        f"--epochs={EPOCHS}", "--schedule=cosine", "--gain_db=3", "--ema_momentum=0.9",
        "--imagenet_teacher=" + write_colour_teacher(folder / "objects.keras", PALETTE, 1e-3),
        "--places_teacher=" + write_colour_teacher(folder / "scenes.keras", PALETTE[:3], 1e-3),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def unbroken(train_flags, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    done = start("train", *train_flags, f"--out={out}")
    return out, done.stdout


def history(out):
    with open(out / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def figures(out):
    return [{name: float(value) for name, value in row.items()} for row in history(out)]


def baselines_of(out):
    return json.loads((out / "baselines.json").read_text())


def test_a_run_writes_what_it_promises(unbroken, train_flags):
    """Losses are the sums of both heads'; agreement counts the one output step of 4 crops."""
    out, _ = unbroken
    rows = figures(out)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    for row in [*rows, {f"val_{k}": v for k, v in baselines_of(out)["start"].items()}]:
        for prefix in ("", "val_") if "loss" in row else ("val_",):
            kl = row[f"{prefix}kl_objects"] + row[f"{prefix}kl_scenes"]
            assert row[f"{prefix}loss"] == pytest.approx(kl, rel=1e-4) and kl > 0
            agreement = 4 * np.array([row[f"{prefix}agreement_{h}"] for h in ("objects", "scenes")])
            np.testing.assert_allclose(agreement, np.round(agreement), atol=1e-5)
    settings = json.loads((out / "run.json").read_text())
    assert settings["settings"]["architecture"] == "soundnet5"
    assert set(settings["fingerprints"]) == {"objects", "scenes"}
    given = dict(flag.split("=") for flag in train_flags)
    written = dict(flag.split("=") for flag in (out / "flags.txt").read_text().split())
    assert written == given | {"--crop_seconds": "4.0", "--gain_db": "3.0"}
    assert list((out / "logs" / "train").iterdir()) and list(
        (out / "logs" / "validation").iterdir()
    )
    for name in ("best", "last"):
        model, labels = checkpoint.load_student(str(out / name))
        assert student.heads_of(model) == {"objects": 8, "scenes": 3}
        assert labels["scenes"] == ("colour 0", "colour 1", "colour 2")


def test_every_held_out_figure_stands_beside_its_baselines(unbroken):
    out, printed = unbroken
    rows, baselines = figures(out), baselines_of(out)
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    assert lines == [
        f"epoch {epoch}/{EPOCHS}: loss {row['loss']:.4g}, held-out "
        + "; ".join(
            f"KL {head} {row[f'val_kl_{head}']:.3f} "
            f"(constant {baselines['constant'][f'kl_{head}']:.3f}, "
            f"before training {baselines['start'][f'kl_{head}']:.3f})"
            for head in ("objects", "scenes")
        )
        for epoch, row in enumerate(rows, 1)
    ]
    assert report.table(rows, baselines) in printed
    assert "bin/export.py" in printed


def test_tensorboard_has_every_figure_from_the_first_step(unbroken):
    """Two steps an epoch, the last of which has the epoch's figures; the cosine ends at 0."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out, _ = unbroken
    events = EventAccumulator(str(out / "logs" / "train"))
    events.Reload()
    curves = {
        name: {e.step: float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(name)}
        for name in events.Tags()["tensors"]
    }
    own = ("learning_rate", "waiting_share", "clips_per_second")
    rates, waiting, clips = (curves.pop(name) for name in own)
    cosine = {n: 1e-4 * (1 + np.cos(np.pi * n / 6)) / 2 for n in range(1, 7)}
    assert rates == pytest.approx(cosine, rel=1e-4, abs=1e-9)
    assert all(0 <= share <= 1 for share in waiting.values()) and min(clips.values()) > 0
    for epoch, row in enumerate(figures(out), 1):
        named = {n: v for n, v in row.items() if n != "epoch" and not n.startswith("val_")}
        assert {name: curve[2 * epoch] for name, curve in curves.items()} == pytest.approx(named)


def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(train_flags, unbroken, tmp_path):
    out, _ = unbroken
    broken = tmp_path / "broken"
    command = [sys.executable, str(BIN / "train.py"), *train_flags, f"--out={broken}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    backup = broken / "backup" / "latest.weights.h5"
    while process.poll() is None and not backup.exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert len(history(broken)) < EPOCHS
    start("train", *train_flags, f"--out={broken}")
    for name in ("best", "last"):
        whole, _ = checkpoint.load_student(str(out / name))
        resumed, _ = checkpoint.load_student(str(broken / name))
        for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert history(broken) == history(out)


def test_a_finished_run_trains_no_further(train_flags, unbroken):
    out, printed = unbroken
    said_again = ("run.json", "flags.txt")
    files = [p for p in out.rglob("*") if p.is_file() and p.name not in said_again]
    before = {p: p.stat().st_mtime_ns for p in files}
    again = run("train", *train_flags, f"--out={out}")
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert again.stdout[again.stdout.index("held-out clips") :] in printed


def test_a_run_starts_from_an_earlier_ones_student(train_flags, unbroken, tmp_path):
    out, _ = unbroken
    flags = [flag for flag in train_flags if not flag.startswith("--epochs")]
    done = run(
        "train", *flags, f"--init_from={out}/last", "--epochs=1", f"--out={tmp_path / 'run'}"
    )
    assert "objects: 8 of 8 classes started from trained rows" in done.stdout
    before = json.loads((tmp_path / "run" / "baselines.json").read_text())["start"]["kl_objects"]
    assert before == pytest.approx(float(history(out)[-1]["val_kl_objects"]), rel=1e-4)


def test_another_runs_folder_is_refused(train_flags, unbroken):
    out, _ = unbroken
    done = run("train", *train_flags, "--temperature=2", f"--out={out}", code=1)
    assert "distill.temperature was 1.0, is 2.0" in done.stderr


def test_decoding_on_the_fly_trains_too(films, unbroken, train_flags, tmp_path):
    """On the same clips, divided likewise: the baselines of both runs are equal."""
    flags = [flag for flag in train_flags if not flag.startswith(("--data", "--epochs"))]
    flags += [
        f"--videos={films}",
        "--val_fraction=0.1",
        "--workers=1",
        "--epochs=1",
        "--frame_every=1",
    ]
    out = tmp_path / "run"
    run("train", *flags, f"--out={out}")
    assert len(history(out)) == 1
    runs = [json.loads((folder / "run.json").read_text()) for folder in (out, unbroken[0])]
    assert runs[0]["clips"] == runs[1]["clips"] == {"train": 4, "validation": 4}
    prepared_first = baselines_of(unbroken[0])
    for answer, found in baselines_of(out).items():
        assert found == pytest.approx(prepared_first[answer], rel=1e-3, nan_ok=True), answer


def test_export_loads_in_plain_tensorflow(unbroken, tmp_path):
    out, _ = unbroken
    saved = tmp_path / "saved"
    start("export", f"--run={out}", f"--out={saved}", "--format=savedmodel,keras")
    model, labels = checkpoint.load_student(str(out / "best"))
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 6 * 22050)).astype(np.float32)
    np.save(tmp_path / "waveform.npy", waveform)
    script = (
        "import sys; sys.modules['soundnet_tf'] = None\n"  # importing it would be an error
        "import numpy as np, tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "outputs = model(np.load(sys.argv[2]))\n"
        "np.savez(sys.argv[3], **{name: value.numpy() for name, value in outputs.items()})\n"
    )
    paths = [str(saved / "savedmodel"), str(tmp_path / "waveform.npy"), str(tmp_path / "out.npz")]
    subprocess.run([sys.executable, "-c", script, *paths], check=True, capture_output=True)
    outputs = np.load(paths[2])
    expected = model(waveform)
    for head in ("objects", "scenes"):
        np.testing.assert_allclose(outputs[head], keras.ops.softmax(expected[head]), atol=1e-5)
    again, again_labels = checkpoint.load_student(str(saved / "keras"))
    assert again_labels == labels
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--data=nowhere", "--imagenet_teacher=keras:MobileNetV2"], "nowhere is not a prepared"),
        ([], "either --data, a prepared folder, or --videos"),
        (["--data=DATA"], "no teacher was given"),
        (["--data=DATA", "--imagenet_teacher=oracle:delphi"], "oracle:delphi"),
        (["--data=DATA", "--imagenet_teacher=T", "--batch_size=64"], "set batch_size to at most"),
        (["--data=DATA", "--imagenet_teacher=T", "--model=soundnet8"], "needs at least 9.50 s"),
        (["--data=DATA", "--imagenet_teacher=T", "--init_from=nowhere"], "nowhere is no trained"),
    ],
)
def test_unfit_flags_are_answered_with_one_clear_sentence(
    flags, message, train_flags, prepared, tmp_path
):
    teacher = next(flag for flag in train_flags if flag.startswith("--imagenet_teacher"))
    small = ["--model=soundnet5", "--crop_seconds=4", "--batch_size=2"]
    given = [
        flag.replace("DATA", str(prepared)).replace("--imagenet_teacher=T", teacher)
        for flag in flags
    ]
    done = run("train", *small, *given, f"--out={tmp_path / 'run'}", code=1)
    assert message in done.stderr and "Traceback" not in done.stderr


def test_export_of_nothing_names_what_is_missing(tmp_path):
    done = run("export", f"--run={tmp_path}", f"--out={tmp_path / 'out'}", code=1)
    assert f"{tmp_path}/last is no trained SoundNet" in done.stderr
    assert not os.path.exists(tmp_path / "out")
