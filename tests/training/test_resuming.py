"""A run that is killed or asked to end anywhere goes on as if nothing had been."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
import types

import cached_records as cached
import ended_training
import event_files
import numpy as np
import pytest
import tensorflow as tf
import worker_processes

from soundnet_tf.data import folder
from soundnet_tf.models import checkpoint
from soundnet_tf.training import cluster, events, resuming
from soundnet_tf.training.stopping import RUN_AGAIN

FLAGS = [
    "--model=soundnet5",
    "--batch_size=4",
    "--crop_seconds=4",
    "--steps=12",
    "--validate_every=6",
    "--ema_momentum=0.9",
    "--mix_share=0.5",
    "--gain_db=3",
    "--seed=3",
    "--board_every=1",
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of 21 clips with posteriors, three held out."""

    def clip(number):
        seen = np.random.default_rng(number).dirichlet([1.0] * 3)
        return cached.clip(number, 4.5, {"objects": seen, "scenes": [0.3, 0.7]})

    out = str(tmp_path_factory.mktemp("prepared") / "P")
    shards = {f"train-{i:05d}-of-00003.tfrecord": map(clip, range(i, 18, 3)) for i in range(3)}
    shards["val-00000-of-00001.tfrecord"] = map(clip, range(100, 103))
    folder.write_folder(out, shards, {"frame_every_secs": cached.EVERY_SECS}, "", cached.TEACHERS)
    return out


@pytest.fixture(scope="module")
def unbroken(prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "R"
    subprocess.run([sys.executable, *command(prepared, out)], check=True)
    return out


def steps_in(run):
    """Steps of which TensorBoard has a point, in the order in which they stand there."""
    found = []
    for path in sorted(run.glob("logs/train/events*"), key=os.path.getmtime):
        for serialized in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(serialized)
            found += [event.step for v in event.summary.value if v.tag == "loss"]
    return found


def assert_equal(run, other):
    """Weights to the bit, history, and each step once in TensorBoard."""
    for name in ("last", "best"):
        ours, theirs = (checkpoint.load_student(str(r / name))[0] for r in (run, other))
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    histories = [(r / "history.csv").read_text() for r in (run, other)]
    assert histories[0] == histories[1] and len(list(csv.DictReader(histories[0].split()))) == 2
    assert steps_in(run) == steps_in(other) == [*range(1, 13)]
    looked_at = [event_files.steps(r / "logs" / "board") for r in (run, other)]
    assert looked_at[0] == looked_at[1] and looked_at[0]["filters"] == [6, 12]


def command(prepared, out, *flags, ended=()):
    """Of a run; `ended`: the signal that it sends itself, and after how many steps."""
    run = (ended_training.__file__, *map(str, ended)) if ended else ("-m", "soundnet_tf.bin.train")
    return [*run, *FLAGS, f"--data={prepared}", f"--out={out}", *flags]


def started(*arguments, **keywords):
    return worker_processes.started([command(*arguments, **keywords)])


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 9])
def test_a_killed_run_gives_what_an_unbroken_one_gives(prepared, unbroken, tmp_path, steps):
    """SIGKILL after so many steps, of the first epoch and of the second, with a checkpoint every
    two."""
    out = tmp_path / "R"
    ended = ("SIGKILL", steps)
    with started(prepared, out, "--checkpoint_every=2", ended=ended) as (process,):
        assert process.wait() == -signal.SIGKILL
    assert not (out / "verdict.json").exists()
    with started(prepared, out, "--checkpoint_every=2") as processes:
        worker_processes.finish(processes)
    assert_equal(out, unbroken)


def of_workers(commands):
    """The same, of workers of one cluster."""
    hosts = worker_processes.hosts(len(commands))
    return [[*one, f"--hosts={hosts}", f"--task={task}"] for task, one in enumerate(commands)]


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_keeps_all_and_says_so(prepared, unbroken, tmp_path):
    """It keeps no other checkpoint within an epoch. The exit code says that it is to be started
    again."""
    out = tmp_path / "R"
    with started(prepared, out, ended=("SIGTERM", 8)) as (process,):
        output, _ = process.communicate(timeout=120)
    assert process.returncode == RUN_AGAIN == 75 and "the same command goes on" in output
    assert steps_in(out) == [*range(1, 10)]  # the next one asks
    with started(prepared, out) as processes:
        worker_processes.finish(processes)
    assert_equal(out, unbroken)


@pytest.mark.slow
@pytest.mark.parametrize(("killed", "step", "then"), [(1, 5, 1), (0, 9, 2)])
def test_one_of_two_workers_is_killed_and_the_run_goes_on(
    prepared, unbroken, tmp_path, killed, step, then
):
    """The second one, and the first goes on alone; or the first, which writes, and both are started
    again. The other one ends by itself, with an error."""
    out = tmp_path / "R"
    unharmed = command(prepared, out, "--checkpoint_every=4")
    commands = [unharmed, unharmed]
    commands[killed] = command(prepared, out, "--checkpoint_every=4", ended=("SIGKILL", step))
    with worker_processes.started(of_workers(commands)) as processes:
        assert processes.pop(killed).wait() == -signal.SIGKILL
        output, _ = processes[0].communicate(timeout=120)
        assert processes[0].returncode == 1, output
    again = of_workers([unharmed, unharmed]) if then == 2 else [unharmed]
    with worker_processes.started(again) as processes:
        worker_processes.finish(processes)
    assert steps_in(out) == [*range(1, 13)]
    for name in ("last", "best"):
        ours, theirs = (checkpoint.load_student(str(r / name))[0] for r in (out, unbroken))
        flat = [np.concatenate([w.ravel() for w in n.get_weights()]) for n in (ours, theirs)]
        assert np.linalg.norm(flat[0] - flat[1]) < 1e-3 * np.linalg.norm(flat[1])


def test_what_was_written_of_later_steps_is_forgotten(tmp_path):
    """Also of a file whose last record was not finished; others stay as they are."""
    paths = []
    for name, steps in (("train", (1, 2, 3, 4)), ("early", (2,)), ("validation", (2, 4))):
        writer = tf.summary.create_file_writer(str(tmp_path / name))
        with writer.as_default():
            for step in steps:
                tf.summary.scalar("loss", float(step), step=step)
        writer.close()
        paths += list((tmp_path / name).iterdir())
    with open(paths[0], "ab") as file:
        file.write(b"half")
    untouched = paths[1].read_bytes()
    events.forget_after(str(tmp_path), 2)
    for path, expected in ((paths[0], [1, 2]), (paths[2], [2])):
        kept = [
            tf.compat.v1.Event.FromString(record)
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        ]
        assert [event.step for event in kept if event.summary.value] == expected
    assert paths[1].read_bytes() == untouched


@pytest.mark.slow
def test_workers_that_were_started_otherwise_are_refused(prepared, tmp_path):
    """One has another seed, so that its halves of the batches are not the other ones'."""
    commands = of_workers([command(prepared, tmp_path / "R")] * 2)
    commands[1].append("--seed=4")
    with worker_processes.started(commands) as processes:
        outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [1, 1], outputs
    assert "do not have the same settings and clips" in outputs[1] and "this one" in outputs[1]


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_before_its_first_step_says_the_same(prepared, tmp_path):
    """Once it has claimed its folder, long before the baselines are measured."""
    out = tmp_path / "R"
    with started(prepared, out) as (process,):
        while not (out / "flags.txt").exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == RUN_AGAIN and "the same command goes on" in output, output


@pytest.mark.slow
def test_a_checkpoint_that_is_cut_short_is_named(prepared, unbroken, tmp_path):
    out = shutil.copytree(unbroken, tmp_path / "R")
    path = out / "backup" / "latest.weights.h5"
    os.truncate(path, 100_000)
    with started(prepared, out) as (process,):
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"train: {path} is damaged" in output.replace("train.py:", "train:"), output


def test_logs_are_sent_before_a_checkpoint_is_written(tmp_path):
    """Else a bucket would have a checkpoint of steps that its logs never show."""
    done = []
    model = types.SimpleNamespace(
        keep_means=lambda: done.append("means"),
        save_weights=lambda path: (done.append("weights"), open(path, "wb").close()),
    )
    backup = resuming.Backup(str(tmp_path / "backup"), 6, cluster.alone())
    backup.before_keeping = lambda: done.append("logs")
    backup.set_model(model)
    backup.keep()
    assert done == ["means", "logs", "weights"]
