"""Tables of what is learned from few clips: which commands each row has, what stands in it, and
what is said of it. Commands are doubles that leave what binaries would."""

import json
import pathlib
import shutil

import pytest
from subset_material import write_folder
from tone_manifest import write_tones

from soundnet_tf.ablations import (
    learning,
    learning_table,
    recipe,
    scaling,
    simulated,
    tables,
    work,
)
from soundnet_tf.ablations import run as reproduce
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.sounds import labelled_set

VIDEOS = ["aabcdefg", "hijjklmn"]  # 14 videos of 16 clips


def config(out, **changes):
    given = {"dataset": "csv", "steps": 5, "batch_size": 2, "model": "published"}
    return ReproduceConfig(out=str(out), **given | changes)


@pytest.fixture
def tones(tmp_path):
    """Two labelled sets: what is learned from, and what is heard."""
    folders = [tmp_path / name for name in ("learned", "heard")]
    for made in folders:
        made.mkdir()
    return [write_tones(made, folds=2, per_class=2, seed=i) for i, made in enumerate(folders)]


@pytest.fixture
def calls(monkeypatch):
    """Commands that were run; accuracy is that of ACCURACIES by the row's folder."""
    made = []

    def call(command, log_file):
        binary, *flags = command
        made.append(command)
        values = dict(flag.lstrip("-").split("=", 1) for flag in flags if "=" in flag)
        out = pathlib.Path(values["out"])
        out.mkdir(parents=True, exist_ok=True)
        if binary == "train":
            load_manifest(values["data"])  # it is there
            (out / "history.csv").write_text(
                "epoch,val_kl_scenes,val_hears_scenes\n0,9.5,1\n1,2.25,3.5\n"
            )
            (out / "baselines.json").write_text('{"constant": {"kl_scenes": 3.0}}')
        if binary == "evaluate":
            row = out.parents[1].name if out.parent.name.startswith("seed") else out.parent.name
            found = ACCURACIES[row]
            rows = [("conv4", found), ("conv7", found - 0.125), ("conv8", 0.99)]
            rows = [{"layer": layer, "accuracy_mean": share} for layer, share in rows]
            (out / "results.json").write_text(json.dumps({"rows": rows}))

    monkeypatch.setattr(work.commands, "call", call)
    monkeypatch.setattr(learning, "check_student", lambda model: None)
    monkeypatch.setattr(learning.untrained, "accuracies", lambda *_: {"conv4": 0.5, "conv7": 0.25})
    return made


ACCURACIES = {
    "published": 0.875, "shuffled": 0.5, "simulated": 0.625, "labels": 0.75,
    "clips2": 0.5, "clips4": 0.625, "clips8": 0.75, "clips16": 0.875,
}  # fmt: skip


def test_the_table_of_simulated_teachers(calls, tones, tmp_path):
    """Films of 4 recordings a class to learn from, one film a round and kind, so 2 x 4."""
    settings = config(tmp_path / "OUT", table="simulated", sounds=tones[0], eval_data=tones[1])
    content = reproduce.reproduce(settings)
    assert [command[0] for command in calls] == ["train", "export", "evaluate"] * 3 + ["evaluate"]
    found = {row["row"]: row for row in content["rows"]}
    assert {name: row["best"] for name, row in found.items()} == {
        "untrained": [0.5], "simulated": [0.625], "shuffled": [0.5], "labels": [0.75],
        "published": [0.875],
    }  # fmt: skip
    assert found["simulated"]["layers"] == {"conv4": 0.625, "conv7": 0.5}
    assert found["simulated"]["held_out_kl"] == {"scenes": 2.25}
    assert found["simulated"]["hears"] == {"scenes": 3.5}
    assert found["simulated"]["constant_kl"] == {"scenes": 3.0}
    assert [found[name]["clips"] for name in ("labels", "untrained")] == [[8], []]
    teachers = {
        name: load_manifest(str(tmp_path / "OUT" / "simulated" / "data" / name)).settings["teacher"]
        for name in ("noisy", "exact")
    }
    assert teachers == {"noisy": "noisy", "exact": "exact"}
    trained = {tuple(c[-1].split("/")[-3:-1]): c for c in calls if c[0] == "train"}
    for name, data in (("simulated", "noisy"), ("shuffled", "noisy"), ("labels", "exact")):
        command = trained[name, "seed0"]
        assert f"--data={tmp_path}/OUT/simulated/data/{data}" in command
        assert ("--shuffled_pairs" in command) == (name == "shuffled")
        assert {"--targets=cached", "--steps=5", "--batch_size=2", "--seed=0"} < {*command}
    text = (tmp_path / "OUT" / "simulated.md").read_text()
    assert text == reproduce.markdown(content)
    assert (
        "Labels alone, by the same path, get 75.0 %, +25.0 points beside the untrained network; "
        "the noisy teacher brings 50% of that."
    ) in text
    assert "simulated 62.5 %, shuffled pairs 50.0 %: 12.5 points above." in text
    assert not (tmp_path / "OUT" / "simulated.png").exists()


def test_the_table_of_scaling(calls, tones, tmp_path):
    """16 clips give sizes 2, 4, 8 and 16, which the double makes 12.5 points apart."""
    write_folder(tmp_path / "P", VIDEOS, "xyz")
    given = {"table": "scaling", "data": str(tmp_path / "P"), "eval_data": tones[1]}
    settings = config(tmp_path / "OUT", seeds=(0, 1), **given)
    content = reproduce.reproduce(settings)
    assert [row["row"] for row in content["rows"]] == [
        "untrained", "2 clips", "4 clips", "8 clips", "16 clips", "16 clips, shuffled", "published",
    ]  # fmt: skip
    found = {row["row"]: row for row in content["rows"]}
    assert found["16 clips"]["clips"] == [16, 16] and found["8 clips"]["seeds"] == [0, 1]
    assert all(8 <= clips <= 9 for clips in found["8 clips"]["clips"])
    assert content["notes"][0] == (
        "16 clips 87.5 %, the untrained network 50.0 %: 37.5 points above, and seeds differ by up "
        "to 0.0: it is more than luck."
    )
    assert "promises" in content["notes"][-1] and "by 8 runs" in content["notes"][-1]
    trained = [command for command in calls if command[0] == "train"]
    data = [next(f for f in c if f.startswith("--data=")).split("/")[-1] for c in trained]
    assert data == [
        "clips2-seed0", "clips2-seed1", "clips4-seed0", "clips4-seed1", "clips8-seed0",
        "clips8-seed1", "P", "P", "P", "P",
    ]  # fmt: skip
    assert sum("--shuffled_pairs" in command for command in trained) == 2
    assert all("--steps=5" in command for command in trained)
    assert (tmp_path / "OUT" / "scaling.png").stat().st_size > 1000
    calls.clear()
    assert reproduce.reproduce(settings)["rows"] == content["rows"] and not calls
    more = reproduce.reproduce(config(tmp_path / "OUT", seeds=(0, 2), only=("clips",), **given))
    assert len(calls) == 4 * 3 and {row["row"]: row for row in more["rows"]}["untrained"]["best"]


def test_a_run_that_fails_is_told_of_and_the_others_go_on(calls, tones, tmp_path, monkeypatch):
    call = work.commands.call

    def failing(command, log_file):
        if "--shuffled_pairs" in command:
            raise RuntimeError("train ended with 1: no such flag")
        call(command, log_file)

    monkeypatch.setattr(work.commands, "call", failing)
    settings = config(tmp_path / "OUT", table="simulated", sounds=tones[0], eval_data=tones[1])
    content = reproduce.reproduce(settings)
    failed = {row["row"]: row["error"] for row in content["rows"] if row["error"]}
    assert failed == {"shuffled": "train ended with 1: no such flag"}
    text = reproduce.markdown(content)
    assert "shuffled failed: train ended with 1: no such flag" in text and "| labels | 8 |" in text


@pytest.mark.parametrize("error", [KeyError("val_kl"), StopIteration(), MemoryError()])
def test_any_failure_is_of_its_row(calls, tones, tmp_path, monkeypatch, error):
    """Such as of files that an earlier version wrote, or of shards that are damaged."""
    prepare = simulated._prepare

    def failing(settings, teacher, out, seed):
        if teacher == "exact":
            raise error
        return prepare(settings, teacher, out, seed)

    monkeypatch.setattr(simulated, "_prepare", failing)
    settings = config(tmp_path / "OUT", table="simulated", sounds=tones[0], eval_data=tones[1])
    content = reproduce.reproduce(settings)
    failed = {row["row"]: row["error"] for row in content["rows"] if row["error"]}
    assert failed == {"labels": str(error) or type(error).__name__}


def test_without_the_published_network_its_row_is_left_out(tones, tmp_path, monkeypatch):
    def missing(model):
        raise FileNotFoundError(model)

    monkeypatch.setattr(learning, "check_student", missing)
    settings = config(tmp_path, table="simulated", sounds=tones[0], eval_data=tones[1])
    assert [entry.name for entry in simulated.entries(settings)] == [
        "untrained", "simulated", "shuffled", "labels",
    ]  # fmt: skip


def test_recordings_that_are_heard_are_not_learned_from(tones):
    learned, heard = map(labelled_set.from_manifest, tones)
    simulated.check_apart(learned, heard)
    with pytest.raises(ValueError, match="1-low-0.wav, .* and 5 more would be learned from and"):
        simulated.check_apart(heard, heard)


def test_sounds_that_cannot_be_learned_from_are_told_before_any_row(calls, tones, tmp_path):
    """A copy of what the probe hears, under another name; a class that is in the last fold only."""
    learned, heard = map(pathlib.Path, tones)
    shutil.copy(heard.parent / "1-low-0.wav", learned.parent / "copied.wav")
    lines = learned.read_text().splitlines()
    cases = {
        "copied.wav,low hum,1": "copied.wav would be learned from and tested on",
        "other1.wav,other,2\nother2.wav,other,2": "other",
    }
    for name in ("other1.wav", "other2.wav"):
        (learned.parent / name).write_bytes(name.encode())
    for more, message in cases.items():
        learned.write_text("\n".join([*lines, more]))
        given = {"table": "simulated", "sounds": str(learned), "eval_data": str(heard)}
        with pytest.raises(ValueError, match=message):
            reproduce.reproduce(config(tmp_path / "OUT", **given))
        assert not calls and not (tmp_path / "OUT" / "simulated.md").exists()


@pytest.mark.parametrize("table", ["scaling", "recipe"])
def test_clips_that_cannot_be_learned_from_are_told_before_anything(table, tones, tmp_path):
    known = write_folder(tmp_path / "P", VIDEOS, "xyz")
    given = {"table": table, "data": str(tmp_path / "P"), "eval_data": tones[1]}
    settings = config("OUT", model=str(tmp_path), **given)
    path = tmp_path / "P" / "manifest.json"
    content = json.loads(path.read_text())
    (tmp_path / "student.keras").write_bytes(b"x")
    settings.check_inputs()
    for shard in content["splits"]["train"]["shards"][:1]:
        shard["teachers"] = {}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="not all clips have posteriors of one teacher; write"):
        settings.check_inputs()
    content["splits"]["val"] = {**content["splits"]["val"], "shards": [], "clips": 0}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="has no clips in 'val'"):
        settings.check_inputs()
    assert known.splits["val"].clips == 3


def test_esc50_without_the_classes_of_esc10(monkeypatch):
    clips = [
        labelled_set.LabelledClip(f"{fold}{label}{k}", label, fold)
        for label in ("dog", "cow", "hen")
        for fold in "12"
        for k in range(2)
    ]
    sets = {
        "esc50": labelled_set.LabelledSet("esc50", ("dog", "cow", "hen"), tuple(clips)),
        "esc10": types_of(("dog",)),
    }
    monkeypatch.setattr(simulated.esc_dcase, "load", lambda dataset, path: sets[dataset])
    data = simulated.sounds("ESC-50")
    assert data.classes == ("cow", "hen") and {c.label for c in data.clips} == {"cow", "hen"}
    assert len(data.clips) == 8


def types_of(classes):
    return type("Set", (), {"classes": classes})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"table": "simulated", "eval_data": "E"}, "table simulated needs sounds; give"),
        ({"table": "simulated", "sounds": "S"}, "table simulated needs eval_data; give"),
        ({"table": "scaling", "eval_data": "E"}, "table scaling needs data; give"),
        ({"table": "scaling", "only": ("kl",)}, r"trains \['untrained', 'clips', 'shuffled', 'pub"),
    ],
)
def test_unfit_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        config("OUT", **changes)
    floors = {"table": "simulated", "eval_data": "E", "only": ("untrained",)}
    assert config("OUT", **floors).is_wanted("untrained")  # films are not needed


def test_an_exact_teacher_that_teaches_nothing_is_said_so():
    rows = [
        learning_table.row(kind, kind, [{"best": share, "layers": {}, "seed": 0} | COST], [])
        for kind, share in (("untrained", 0.5), ("simulated", 0.25), ("labels", 0.5))
    ]
    assert learning_table.notes(rows)[-1] == (
        "Labels alone, by the same path, get 50.0 %, +0.0 points beside the untrained network: "
        "this way teaches nothing yet, with any teacher."
    )


COST = {"seconds": 3600.0, "commands": ["train"]}


def test_a_row_says_its_layers_seeds_clips_hours_and_kl():
    """Means of 80 and 82 in conv4, of 70 and 75 in conv7; an hour each."""
    runs = [
        {"best": best, "layers": {"conv4": best, "conv7": conv7}, "seed": seed, "clips": clips}
        | COST | {"held_out_kl": {"objects": kl}, "hears": {"objects": kl}}
        | {"constant_kl": {"objects": 2.5}}
        for seed, best, conv7, clips, kl in ((0, 0.80, 0.70, 30, 2.0), (3, 0.82, 0.75, 31, 3.0))
    ]  # fmt: skip
    rows = [learning_table.row("30 clips", "clips", runs, [])]
    above = "row clips best_layer conv4 conv5 pool5 conv6 conv7 seeds hears hours KL".split()
    cells = [
        "30 clips",
        "30, 31",
        "81.0 (80.0, 82.0)",
        "81.0",
        "",
        "",
        "",
        "72.5",
        "0, 3",
        "objects 2.5",
        "2.00",
    ]
    text = learning_table.markdown({"title": "T", "rows": rows, "notes": []})
    *_, last = lines = text.strip().splitlines()
    assert lines[0] == "T" and len(lines[2].split("|")) == len(above) + 2
    assert last == f"| {' | '.join([*cells, 'objects 2.50 (2.50)'])} |"


def test_a_table_that_is_half_done_speaks_of_what_there_is():
    """The largest size that is finished is called by its own number."""
    sizes = [(30, 0.75), (60, 0.75), (120, None)]
    rows = [learning_table.row("untrained", "untrained", [made_run(0.5)], [])]
    for clips, best in sizes:
        runs = [made_run(best, clips=clips, held_out_kl={}, constant_kl={}, hears={})]
        rows.append(learning_table.row(f"{clips} clips", "clips", runs if best else [], []))
    (note,) = learning_table.notes(rows)
    assert note.startswith(
        "60 clips 75.0 %, the untrained network 50.0 %: 25.0 points above. By on"
    )


def made_run(best, **more):
    return {"best": best, "layers": {"conv5": best, "conv7": best}, "seed": 0} | COST | more


def test_the_curve_has_every_run_and_the_lines_beside_it():
    def made(kind, best, **more):
        return learning_table.row(kind, kind, [made_run(best, **more)], [])

    kls = {"held_out_kl": {"scenes": 2.0}, "constant_kl": {"scenes": 2.5}, "hears": {}}
    rows = [made("clips", n / 100, clips=n, **kls) for n in (10, 20, 40)]
    rows += [made("untrained", 0.5), made("published", 0.9)]
    accuracy, divergence = learning_table.curve(rows).axes
    lines = {line.get_label(): line for line in accuracy.get_lines()}
    assert list(lines["best layer"].get_ydata()) == pytest.approx([10, 20, 40])
    assert list(lines["untrained"].get_ydata()) == [50, 50]
    assert list(lines["published"].get_ydata()) == [90, 90]
    kl = {line.get_label(): list(line.get_ydata()) for line in divergence.get_lines()}
    assert kl == {"scenes": [2.0] * 3, "scenes, constant answer": [2.5] * 3}


def test_all_points_train_alike(tmp_path):
    """Whatever the flagfile says, the steps are given; no point has other flags than its data."""
    write_folder(tmp_path / "P", VIDEOS, "xyz")
    settings = ReproduceConfig(
        table="scaling", out="OUT", data=str(tmp_path / "P"), eval_data="E", dataset="esc10"
    )
    runs = [e.runs[0] for e in scaling.entries(settings) if e.kind == "clips"]
    flags = [{f for f in run.commands[0] if "--out" not in f and "--data" not in f} for run in runs]
    assert len(flags) == 4 and all(found == flags[0] for found in flags)
    assert not any(flag.startswith("--steps") for flag in flags[0])
    for run in runs:
        _, export, evaluate = run.commands
        assert "--which=last" in export and "--protocol=linear" in evaluate
        assert f"--model={run.folder / 'model'}" in evaluate and "--layer=all" in evaluate


CHANGED = {
    "paper_rate": {"learning_rate"},
    "unmixed": {"mix_share"},
    "augmented": {"polarity", "resample_semitones", "filter_db", "noise_db", "time_masks"},
    "softened": {"temperature"},
    "short": {"steps"},
    "large_batches": {"batch_size", "learning_rate", "steps"},
}


def test_rows_of_the_recipe_change_one_thing_each(tmp_path):
    """And train by the flagfile of their name, the control by the recipe itself."""
    write_folder(tmp_path / "P", VIDEOS, "xyz")
    settings = ReproduceConfig(
        table="recipe", out="OUT", data=str(tmp_path / "P"), eval_data="E", dataset="esc10"
    )
    entries = {e.kind: e.runs[0].commands[0] for e in recipe.entries(settings)}

    def lines(kind):
        (flag,) = (f for f in entries[kind] if f.startswith("--flagfile="))
        text = pathlib.Path(flag.removeprefix("--flagfile=")).read_text()
        return {line for line in text.splitlines() if line.startswith("--")}

    known = lines("scratch_small")
    for kind, names in CHANGED.items():
        differing = {line.lstrip("-").split("=")[0] for line in known ^ lines(kind)}
        assert differing == names, kind
    assert set(tables.RECIPE_ROWS) == CHANGED.keys()
    assert lines("shuffled") == known and "--shuffled_pairs" in entries["shuffled"]
    assert sum("--shuffled_pairs" in command for command in entries.values()) == 1
