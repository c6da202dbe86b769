"""Binaries end to end on small films: prepare, train, a kill, resume, export, plain TensorFlow."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import synthetic_media
from colour_teacher import write_colour_teacher

from soundnet_tf.models import checkpoint, student

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
PALETTE = [synthetic_media.colour_of_second(second) for second in range(8)]
EPOCHS = 3


def run(binary, *flags, check=True, cwd=None):
    command = [sys.executable, str(BIN / binary), *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    if check and done.returncode:
        pytest.fail(f"{binary} ended with {done.returncode}:\n{done.stderr}")
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
    done = run(
        "prepare.py", f"--videos={films}", f"--out={out}", "--clip_seconds=8", "--frame_every=1",
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
    done = run("train.py", *train_flags, f"--out={out}")
    return out, done.stdout


def history(out):
    with open(out / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_what_it_promises(unbroken, train_flags):
    out, printed = unbroken
    rows = history(out)
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    for column in (
        "loss",
        "kl_objects",
        "kl_scenes",
        "val_loss",
        "val_kl_objects",
        "val_kl_scenes",
    ):
        assert all(np.isfinite(float(row[column])) for row in rows)
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
    _, printed = unbroken
    lines = printed.splitlines()
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == EPOCHS
    for line in epochs:
        assert line.count("constant") == line.count("before training") == line.count("KL ") == 2
    table = printed[printed.index("held-out clips") :]
    for row in ("constant answer", "before training", "best, epoch", "last, epoch 3"):
        assert row in table
    assert "bin/export.py" in printed


def test_tensorboard_has_every_figure_from_the_first_step(unbroken):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out, _ = unbroken
    events = EventAccumulator(str(out / "logs" / "train"))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {
        "loss", "kl_objects", "kl_scenes", "agreement_objects", "agreement_scenes",
        "gradient_norm", "learning_rate", "clips_per_second", "waiting_share",
    }  # fmt: skip
    steps = [event.step for event in events.Tensors("loss")]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= EPOCHS
    for event in events.Tensors("waiting_share"):
        assert (
            0
            <= float(np.frombuffer(event.tensor_proto.tensor_content or b"", np.float32).sum())
            <= 1
        )


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
    run("train.py", *train_flags, f"--out={broken}")
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
    again = run("train.py", *train_flags, f"--out={out}")
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert again.stdout[again.stdout.index("held-out clips") :] in printed


def test_a_run_starts_from_an_earlier_ones_student(train_flags, unbroken, tmp_path):
    out, _ = unbroken
    flags = [flag for flag in train_flags if not flag.startswith("--epochs")]
    done = run(
        "train.py", *flags, f"--init_from={out}/last", "--epochs=1", f"--out={tmp_path / 'run'}"
    )
    assert "objects: 8 of 8 classes started from trained rows" in done.stdout
    before = json.loads((tmp_path / "run" / "baselines.json").read_text())["start"]["kl_objects"]
    assert before == pytest.approx(float(history(out)[-1]["val_kl_objects"]), rel=1e-4)


def test_another_runs_folder_is_refused(train_flags, unbroken):
    out, _ = unbroken
    done = run("train.py", *train_flags, "--temperature=2", f"--out={out}", check=False)
    assert done.returncode == 1
    assert "distill.temperature was 1.0, is 2.0" in done.stderr


def test_decoding_on_the_fly_trains_too(films, train_flags, tmp_path):
    flags = [flag for flag in train_flags if not flag.startswith(("--data", "--epochs"))]
    flags += [
        f"--videos={films}",
        "--val_fraction=0.1",
        "--workers=1",
        "--epochs=1",
        "--frame_every=1",
    ]
    out = tmp_path / "run"
    run("train.py", *flags, f"--out={out}")
    assert len(history(out)) == 1


def test_export_loads_in_plain_tensorflow(unbroken, tmp_path):
    out, _ = unbroken
    saved = tmp_path / "saved"
    run("export.py", f"--run={out}", f"--out={saved}", "--format=savedmodel,keras")
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
    done = run("train.py", *small, *given, f"--out={tmp_path / 'run'}", check=False)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_export_of_nothing_names_what_is_missing(tmp_path):
    done = run("export.py", f"--run={tmp_path}", f"--out={tmp_path / 'out'}", check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/best is no trained SoundNet" in done.stderr
    assert not os.path.exists(tmp_path / "out")
