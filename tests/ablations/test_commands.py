"""The commands of ablations: binaries understand them, and equal experiments have equal ones."""

import json
import os
import signal
import subprocess
import sys
import types

import pytest

from soundnet_tf.ablations import commands, tables
from soundnet_tf.ablations import run as reproduce
from soundnet_tf.ablations.settings import ReproduceConfig

TEACHERS = {"objects": "keras:VGG16", "scenes": "places:vgg16@vgg16.h5"}
PARSE = """
import json, runpy, sys
from absl import app, flags
binary = sys.argv.pop()
app.run = lambda main, argv: None  # flags are defined, the stage is not begun
runpy.run_module(binary, run_name="__main__")
for command in json.load(sys.stdin):
    flags.FLAGS.unparse_flags()
    rest = flags.FLAGS(["binary", *command])
    print(json.dumps(flags.FLAGS.flag_values_dict() | {"rest": rest[1:]}))
"""


def config(out="OUT", **changes):
    settings = {
        "table": "loss",
        "out": str(out),
        "data": "PREPARED",
        "eval_data": "ESC",
        "dataset": "esc10",
        "teachers": TEACHERS,
    }
    return ReproduceConfig(**settings | changes)


@pytest.fixture(autouse=True)
def labelled_set(monkeypatch):
    """In place of a set that is on disk."""
    found = types.SimpleNamespace(test_folds=("1", "2"), clips=range(400))
    monkeypatch.setattr(reproduce.esc_dcase, "load", lambda dataset, path: found)


def parsed(binary, commands):
    """The values of all flags after a binary has read each of the commands."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE, f"soundnet_tf.bin.{binary}"],
        input=json.dumps([list(command) for command in commands]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_training_commands_are_understood_by_the_binaries():
    """Flags after the flagfile win; a row gives only the teachers that it is about."""
    runs = [
        run
        for table in tables.TRAINED
        for run in reproduce.runs(
            config(table=table, steps=12, batch_size=4, seeds=(0, 3), dataset="esc10")
        )
        if run.rows[0].heads
    ]
    assert len(runs) == 2 * 7
    train, export, evaluate = zip(*(run.commands for run in runs), strict=True)
    assert {t[0] for t in train} == {"train"} and {e[0] for e in evaluate} == {"evaluate"}
    trained = parsed("train", [command[1:] for command in train])
    exported = parsed("export", [command[1:] for command in export])
    evaluated = parsed("evaluate", [command[1:] for command in evaluate])
    for run, t, x, e in zip(runs, trained, exported, evaluated, strict=True):
        (row,) = run.rows
        assert not t["rest"] and not x["rest"] and not e["rest"]
        assert (t["data"], t["steps"], t["batch_size"], t["seed"]) == ("PREPARED", 12, 4, run.seed)
        given = {"objects": t["imagenet_teacher"], "scenes": t["places_teacher"]}
        assert given == {h: TEACHERS[h] if h in row.heads else None for h in TEACHERS}
        assert t["loss"] == ("l2" if row.name == "l2" else "kl")
        assert t["model"] == row.architecture and t["crop_seconds"] == 20
        assert (x["run"], x["which"], x["out"]) == (t["out"], "last", e["model"])
        assert (e["dataset"], e["data"], e["protocol"]) == ("esc10", "ESC", "paper")
        assert (e["input_scale"], e["baselines"]) == (["1"], False)
        assert e["layer"] == {"soundnet8": "pool5", "soundnet5": "conv4"}[row.architecture]
        assert e["out"] == os.path.join("OUT", row.flagfile, f"seed{run.seed}", "evaluation")


def test_the_same_experiment_is_the_same_run_in_every_table():
    """Loss has two, teachers three, depth four, of which three are one."""
    runs = [run for table in tables.TRAINED for run in reproduce.runs(config(table=table))]
    names = {"kl", "both", "soundnet8_video"}
    shared = [run for run in runs if run.rows[0].name in names]
    assert len(shared) == 3 and len({(run.folder, run.commands) for run in shared}) == 1
    assert len({run.folder for run in runs}) == len({run.commands for run in runs}) == 9 - 2


def test_the_command_of_the_floors_is_understood():
    floors = reproduce._floors(config(model="MODEL"))
    ((binary, *flags),) = floors.commands
    (values,) = parsed(binary, [flags])
    assert (binary, values["model"], values["layer"]) == ("evaluate", "MODEL", "pool5")
    assert (values["dataset"], values["data"], values["input_scale"]) == ("esc10", "ESC", ["1"])
    assert values["baselines"] and values["out"] == os.path.join("OUT", "floors", "evaluation")


def test_without_overrides_the_papers_length_stands():
    runs = [run for run in reproduce.runs(config(table="depth")) if run.rows[0].heads]
    assert len(runs) == 2
    for values in parsed("train", [run.commands[0][1:] for run in runs]):
        assert (values["steps"], values["batch_size"], values["seed"]) == (100_000, 64, 0)


def test_commands_that_learn_from_labels_are_understood():
    runs = reproduce.runs(config(table="depth", steps=12, batch_size=4))
    for run, name in zip(runs, ("soundnet5", "soundnet8"), strict=False):
        found = parsed("finetune", [command[1:] for command in run.commands])
        assert [values["test_fold"] for values in found] == ["1", "2"]
        for values in found:
            assert (values["model"], values["epochs"], values["batch_size"]) == (name, 1, 4)
            assert (values["dataset"], values["data"], values["rest"]) == ("esc10", "ESC", [])


def test_measuring_commands_are_understood_by_the_binaries():
    (run,) = reproduce.runs(config(table="layers", model="MODEL"))
    (command,) = run.commands
    (values,) = parsed("evaluate", [command[1:]])
    assert command[0] == "evaluate" and values["layer"] == "all" and values["model"] == "MODEL"
    assert (values["dataset"], values["data"], values["input_scale"]) == ("esc10", "ESC", ["1"])
    modalities = config(table="modalities", model="MODEL", videos_manifest="V.csv")
    (run,) = reproduce.runs(modalities)
    (command,) = run.commands
    (values,) = parsed("reproduce", [command[1:]])
    assert command[0] == "reproduce" and values["table"] == "modalities"
    named = [values[n] for n in ("model", "videos_manifest", "imagenet_teacher", "out")]
    assert named == ["MODEL", "V.csv", "keras:VGG16", "OUT"]


def test_what_was_just_started_does_not_outlive_ctrl_c(monkeypatch, tmp_path):
    """Which comes when the process is there and nobody knows of it yet."""
    started, popen = [], subprocess.Popen

    def interrupted(arguments, **options):
        started.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(commands.subprocess, "Popen", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            commands.call(("train", "--out=R"), tmp_path / "log.txt")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
        is_gone = started[0].poll() is not None
        started[0].kill()
    assert is_gone
