"""Ablations: what is run, what is run again and what is not, and settings that are refused."""

import json
import os
import pathlib
import re
import types

import pytest

from soundnet_tf.ablations import run as reproduce
from soundnet_tf.ablations import tables, work
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.evaluation import multimodal

TEACHERS = {"objects": "keras:VGG16", "scenes": "places:vgg16@vgg16.h5"}


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


@pytest.fixture
def calls(monkeypatch):
    """Commands that were run but for the floors', by a double that writes what binaries would."""
    made = []

    def call(command, log_file):
        binary, *flags = command
        values = dict(flag.lstrip("-").split("=", 1) for flag in flags if "=" in flag)
        if pathlib.Path(values["out"]).parts[-2] != "floors":
            made.append(command)
        if values.get("imagenet_teacher") == "broken":
            raise RuntimeError(f"{binary} ended with 1, see {log_file}: no such teacher")
        folder = pathlib.Path(values["out"])
        folder.mkdir(parents=True, exist_ok=True)
        if binary == "train":
            settings = {"passes": 3, "pipeline": {"batch_size": 4}}  # 162 clips, 40 steps an epoch
            run = {"clips": {"train": 54}, "settings": settings}
            (folder / "run.json").write_text(json.dumps(run))
            (folder / "history.csv").write_text("epoch,val_kl_scenes\n0,9.5\n1,2.25\n")
        if binary == "evaluate":
            (folder / "results.json").write_text(json.dumps(EVALUATED))
        if binary == "finetune":
            (folder / "results.json").write_text(json.dumps(FINETUNED))

    monkeypatch.setattr(work.commands, "call", call)
    clips = [types.SimpleNamespace(path="ESC/x.wav")] * 400
    labelled_set = types.SimpleNamespace(test_folds=("1", "2"), clips=clips)
    monkeypatch.setattr(reproduce.esc_dcase, "load", lambda dataset, path: labelled_set)
    return made


FINETUNED = {
    "accuracy": 0.75,
    "epochs": 4,
    "best_epoch": 2,
    "clips": {"train": 10, "validation": 2, "test": 3},
}
FIGURES = {"accuracy_mean": 0.25, "accuracy_std": 0.5}
EVALUATED = FIGURES | {
    "details": [{"converged": True}],
    "layer": "pool5",
    "settings": {"model": "published"},
    "baselines": {
        "untrained": {"accuracy_mean": 0.125, "accuracy_std": 0.25},
        "mfcc": {"accuracy_mean": 0.375, "accuracy_std": 0.0},
        "chance": 0.1,
    },
}


def test_rows_are_run_in_turn_and_written(calls, tmp_path):
    """Two epochs of 54 // 4 = 13 steps of 4 clips."""
    content = reproduce.reproduce(config(tmp_path, seeds=(1,)))
    assert [command[0] for command in calls] == ["train", "export", "evaluate"] * 2
    assert json.loads((tmp_path / "loss.json").read_text()) == json.loads(json.dumps(content))
    assert (tmp_path / "loss.md").read_text() == tables.markdown(content)
    assert content["notes"] == [
        "By the same probe, pool5: published 25.0 ± 50.0, an untrained network 12.5 ± 25.0. "
        "MFCC 37.5 ± 0.0, most frequent class 10.0."
    ]
    for row, flagfile in zip(content["rows"], ("loss_l2", "soundnet8_both"), strict=True):
        assert (row["accuracy_mean"], row["accuracy_std"], row["seeds"]) == (0.25, 0.5, [1])
        assert (row["steps"], row["clips_seen"], row["held_out_kl"]) == (80, 320, {"scenes": 2.25})
        assert row["error"] is None and row["hours"] > 0
        train, _, _ = row["commands"]
        assert train.startswith("python -m soundnet_tf.bin.train --flagfile=")
        assert f"{flagfile}.flags --data=PREPARED" in train and train.endswith("seed1/run")


@pytest.mark.parametrize("checksum", [False, True])
def test_rows_of_other_recordings_are_run_again(calls, tmp_path, monkeypatch, checksum):
    """Another of the same size, and one that was only touched. A results.json that says nothing of
    recordings is of nobody knows which."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("ESC").mkdir()
    recording = pathlib.Path("ESC/x.wav")
    recording.write_bytes(b"abc")

    def runs():
        calls.clear()
        reproduce.reproduce(config("out", only=("kl",), checksum=checksum))
        return len(calls)

    assert (runs(), runs()) == (3, 0)
    recording.write_bytes(b"abd")
    os.utime(recording, ns=(1, 1))
    assert (runs(), runs()) == (3, 0)
    os.utime(recording, ns=(2, 2))
    assert runs() == (0 if checksum else 3)
    (results,) = pathlib.Path("out").glob("*/seed0/results.json")
    content = json.loads(results.read_text())
    del content["recordings"]
    results.write_text(json.dumps(content))
    assert runs() == 3
    monkeypatch.setattr(reproduce.esc_dcase, "load", lambda *_: os.stat("nowhere"))
    assert runs() == 0  # what is finished is shown without it


def test_finished_rows_are_not_run_again_unless_their_commands_change(calls, tmp_path):
    only_kl = reproduce.reproduce(config(tmp_path, only=("kl",)))
    assert len(calls) == 3 and only_kl["rows"][0]["accuracy_mean"] is None
    both = reproduce.reproduce(config(tmp_path))
    assert len(calls) == 6 and "loss_l2" in calls[3][1]
    assert both["rows"][1] == only_kl["rows"][1]
    assert reproduce.reproduce(config(tmp_path))["rows"] == both["rows"]
    assert reproduce.reproduce(config(tmp_path, only=("l2",)))["rows"] == both["rows"]
    assert len(calls) == 6
    reproduce.reproduce(config(tmp_path, steps=12, only=("l2",)))
    assert len(calls) == 9 and "--steps=12" in calls[6]
    reproduce.reproduce(config(tmp_path, seeds=(0, 1)))
    assert [command[0] for command in calls[9:]] == ["train", "export", "evaluate"] * 3


def test_what_is_finished_in_one_table_is_in_the_others(calls, tmp_path):
    for table, row, trained in (("loss", "kl", 2), ("teachers", "both", 4), ("depth", None, 5)):
        content = reproduce.reproduce(config(tmp_path, table=table))
        assert sum(command[0] == "train" for command in calls) == trained
        ours = {row["row"]: row["accuracy_mean"] for row in content["rows"]}
        assert ours[row or "soundnet8_video"] == 0.25
    assert ours == {
        "soundnet5_labels": 0.75, "soundnet8_labels": 0.75,
        "soundnet5_video": 0.25, "soundnet8_video": 0.25,
    }  # fmt: skip


def test_rows_that_learn_from_labels_train_once_a_fold_and_need_no_videos(calls, tmp_path):
    """20 steps of 64 clips are 1280 clips, of 400 in the set 3.2 epochs, so 4."""
    only = config(
        tmp_path, table="depth", only=("soundnet5_labels",), teachers={}, data=None, steps=20
    )
    content = reproduce.reproduce(only)
    assert [command[0] for command in calls] == ["finetune"] * 2
    for fold, (_, flagfile, *flags) in zip("12", calls, strict=True):
        assert flagfile.endswith("flags/ablations/depth_soundnet5_labels.flags")
        out = tmp_path / "depth_soundnet5_labels" / "seed0" / f"fold{fold}"
        assert flags == [
            "--dataset=esc10", "--data=ESC", "--epochs=4", "--seed=0",
            f"--test_fold={fold}", f"--out={out}",
        ]  # fmt: skip
    labels, *others = content["rows"]
    assert (labels["accuracy_mean"], labels["clips_seen"], labels["seeds"]) == (0.75, 64, [0])
    assert all(row["accuracy_mean"] is None for row in others)
    manifest = config(tmp_path, table="depth", only=("soundnet8_labels",), dataset="csv")
    assert "--manifest=ESC" in reproduce.runs(manifest)[0].commands[0]


def test_some_folds_are_trained_and_later_all_with_those_taken_over(calls, tmp_path):
    """The first line says that it is some; what `finetune` finished it leaves alone itself."""
    settings = {"table": "depth", "only": ("soundnet5_labels",), "teachers": {}, "data": None}
    content = reproduce.reproduce(config(tmp_path, folds=("2",), **settings))
    assert "--test_fold=2" in calls[0] and len(calls) == 1
    assert "folds 2 only" in content["title"] and content["rows"][0]["folds"] == ["2"]
    content = reproduce.reproduce(config(tmp_path, **settings))
    assert len(calls) == 3 and content["rows"][0]["folds"] == ["1", "2"]
    assert "only" not in content["title"]


def test_a_fold_that_the_set_does_not_have_is_refused_before_anything_is_trained(tmp_path):
    rows = [f"{label}{fold}.wav,{label},{fold}" for label in "ab" for fold in (1, 2)]
    for row in rows:
        (tmp_path / row.split(",")[0]).touch()
    (tmp_path / "set.csv").write_text("\n".join(["path,label,fold", *rows]))
    sounds = {"dataset": "csv", "eval_data": str(tmp_path / "set.csv")}
    settings = config(
        tmp_path / "out", table="depth", only=("soundnet5_labels",), folds=("3",), **sounds
    )
    with pytest.raises(ValueError, match="test fold '3': set.csv can be tested on 1, 2"):
        settings.check_inputs()


def test_floors_that_fail_stop_everything_before_it_is_trained(monkeypatch, tmp_path):
    def call(command, log_file):
        raise RuntimeError(f"{command[0]} ended with 1: no such set")

    monkeypatch.setattr(work.commands, "call", call)
    with pytest.raises(RuntimeError, match="^evaluate ended with 1: no such set$"):
        reproduce.reproduce(config(tmp_path))


def test_a_row_that_fails_is_told_of_and_the_others_go_on(calls, tmp_path):
    teachers = {"objects": "broken", "scenes": "sound"}
    for attempt in (1, 2):
        content = reproduce.reproduce(config(tmp_path, table="teachers", teachers=teachers))
        imagenet, places, both = content["rows"]
        for row in (imagenet, both):
            assert row["accuracy_mean"] is None and row["hours"] is None
            assert re.fullmatch("train ended with 1, see .*log.txt: no such teacher", row["error"])
        assert places["accuracy_mean"] == 0.25 and places["error"] is None
        assert "imagenet failed: train ended with 1" in (tmp_path / "teachers.md").read_text()
        assert len(calls) == {1: 1 + 3 + 1, 2: 5 + 1 + 1}[attempt]


def test_hours_of_attempts_add_up(tmp_path):
    assert work.add_seconds(tmp_path / "seconds.json", 1.5) == 1.5
    assert work.add_seconds(tmp_path / "seconds.json", 2.0) == 3.5


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"table": "colours"}, "table 'colours' is unknown"),
        ({"data": None}, "table loss needs data; give"),
        ({"eval_data": None, "table": "layers"}, "table layers needs eval_data; give"),
        ({"teachers": {}}, "needs imagenet_teacher and places_teacher"),
        ({"table": "teachers", "teachers": {}, "only": ("places",)}, "needs places_teacher; give"),
        ({"table": "modalities"}, "needs videos_manifest"),
        ({"only": ("l1",)}, r"only has \['l1'\]; table loss trains \['l2', 'kl'\]"),
        ({"table": "depth", "data": None}, "needs data; give"),
        ({"table": "layers", "only": ("pool5",)}, "one run gives all rows of table layers"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "each once"),
        ({"folds": ("1",)}, "folds 1: no wanted row of table loss learns from labels"),
        ({"table": "layers", "folds": ("1", "2")}, "folds 1,2: no wanted row of table layers"),
        (
            {"table": "depth", "only": ("soundnet8_video",), "folds": ("1",)},
            "no wanted row of table depth learns from labels",
        ),
        ({"table": "depth", "folds": ("1", "1")}, "folds 1,1; give each once"),
    ],
)
def test_unfit_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)


def test_a_row_without_its_teacher_is_left_blank():
    runs = reproduce.runs(
        config(table="teachers", teachers={"scenes": "T"}, only=("places",), seeds=(0,))
    )
    assert [run.rows[0].name for run in runs] == ["places"]


def test_modalities_come_from_one_run(monkeypatch, tmp_path):
    figures = {
        name: {"accuracy_mean": k / 10, "accuracy_std": 0.0, "confusion": []}
        for k, name in enumerate(("sound", "vision", "both"))
    }
    asked = []

    def evaluate(*arguments):
        asked.append(arguments)
        return {"modalities": figures}

    monkeypatch.setattr(multimodal, "evaluate", evaluate)
    films = types.SimpleNamespace(clips=())
    monkeypatch.setattr(reproduce.labelled_set, "from_manifest", {"V.csv": films}.get)
    settings = config(tmp_path, table="modalities", videos_manifest="V.csv")
    for _ in range(2):
        rows = reproduce.reproduce(settings)["rows"]
        assert [(row["row"], row["accuracy_mean"], row["paper"]) for row in rows] == [
            ("sound", 0.0, 32.4), ("vision", 0.1, 49.4), ("both", 0.2, 51.4),
        ]  # fmt: skip
    assert asked == [(films, "published", "keras:VGG16")]
