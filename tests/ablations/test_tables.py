"""Tables of ablations: ours beside the paper's, blanks, and the flagfile behind each row."""

import json
import pathlib

import pytest

from soundnet_tf.ablations import run_results, tables

FLAGS = pathlib.Path(__file__).resolve().parents[2] / "flags"


def run_of(flagfile, mean, std=0.0, seconds=1800.0, **facts):
    """What a finished run of a flagfile says."""
    figures = {flagfile: {"accuracy_mean": mean, "accuracy_std": std}}
    return {"figures": figures, "seconds": seconds, "commands": [f"train {flagfile}"], **facts}


def test_a_table_has_ours_and_the_papers():
    """Two seeds: mean of 0.5 and 0.6, of 0.02 and 0.04; half an hour each; KL (2 + 3) / 2."""
    facts = {"steps": 13, "clips_seen": 52}
    found = [
        run_of(
            "soundnet8_both",
            0.5,
            0.02,
            seed=0,
            held_out_kl={"objects": 2.0, "scenes": 1.25},
            **facts,
        ),
        run_of(
            "soundnet8_both",
            0.6,
            0.04,
            seed=7,
            held_out_kl={"objects": 3.0, "scenes": 1.75},
            **facts,
        ),
    ]
    rows = tables.rows("loss", "esc50", found, {"l2": "train ended with 1"})
    assert tables.markdown({"title": "Title", "rows": rows, "notes": ["Note"]}) == (
        "Title\n\n"
        "| row | ours % | paper % | seeds | clips seen | hours | held-out KL |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| l2 |  | 47.8 |  |  |  |  |\n"
        "| kl | 55.0 ± 3.0 | 72.9 | 0, 7 | 52 | 1.00 | objects 2.500, scenes 1.500 |\n"
        "\nNote\n\nl2 failed: train ended with 1\n"
    )
    assert rows[0] == {
        "row": "l2", "paper": 47.8, "error": "train ended with 1", "accuracy_mean": None,
        "accuracy_std": None, "seeds": [], "steps": None, "clips_seen": None, "hours": None,
        "held_out_kl": {}, "svm_stopped": False, "commands": [], "folds": None,
    }  # fmt: skip
    assert rows[1]["commands"] == ["train soundnet8_both"] * 2 and rows[1]["steps"] == 13


def test_an_svm_that_did_not_come_to_its_minimum_is_told_of():
    """Of three runs one says that it did, one that it did not, and one nothing."""
    figures = {"accuracy_mean": 0.5, "accuracy_std": 0.0}
    found = [
        {"figures": {"conv4": figures | {"converged": False}}, "seconds": 1.0, "commands": []},
        {"figures": {"conv5": figures | {"converged": True}}, "seconds": 1.0, "commands": []},
        {"figures": {"pool5": figures}, "seconds": 1.0, "commands": []},
    ]
    rows = tables.rows("layers", "esc50", found, {})
    assert [row["row"] for row in rows if row["svm_stopped"]] == ["conv4"]
    text = tables.markdown({"title": "Title", "rows": rows, "notes": []})
    assert text.endswith("\nThe SVM stopped at its limit, short of its minimum: conv4.\n")


@pytest.mark.parametrize(
    "table, dataset, figures",
    [
        ("loss", "esc50", {"l2": 47.8, "kl": 72.9}),
        ("loss", "esc10", {"l2": 81.5, "kl": 92.2}),
        ("teachers", "esc50", {"imagenet": 69.5, "places": 71.1, "both": 72.9}),
        ("teachers", "esc10", {"imagenet": 89.8, "places": 89.5, "both": 92.2}),
        (
            "depth",
            "esc50",
            {
                "soundnet5_labels": 65.0,
                "soundnet8_labels": 51.1,
                "soundnet5_video": 66.1,
                "soundnet8_video": 72.9,
            },
        ),
        (
            "layers",
            "esc50",
            {
                "conv4": 66.0,
                "conv5": 69.3,
                "pool5": 72.9,
                "conv6": 73.3,
                "conv7": 59.8,
                "conv8": 43.7,
            },
        ),
        ("modalities", "esc50", {"sound": 32.4, "vision": 49.4, "both": 51.4}),
        ("loss", "csv", {"l2": None, "kl": None}),
    ],
)
def test_the_papers_figures(table, dataset, figures):
    assert {row["row"]: row["paper"] for row in tables.rows(table, dataset, [], {})} == figures


def test_a_short_training_says_so_in_the_first_line():
    first, *_ = tables.title("loss", "esc10", 12, 4).splitlines()
    assert "not the paper's experiment: 12 of 100000 steps, 48 of 6400000 clips" in first
    for full in (tables.title("loss", "esc10", None, None), tables.title("layers", "x", 12, 4)):
        assert full.startswith("Table") and "machinery" not in full
    assert "100000 of 100000 steps, 400000 of" in tables.title("depth", "esc10", None, 4)


def test_some_folds_only_are_told_of_in_the_first_line():
    some = tables.title("depth", "esc50", None, None, ("1", "2"))
    assert some.endswith("beside the paper's. Rows that learn from labels: folds 1, 2 only.")
    assert "only" not in tables.title("depth", "esc50", None, None)


def test_every_flagfile_is_a_row_and_every_row_has_a_flagfile():
    rows = [row for rows in tables.TABLES.values() for row in rows]
    assert {row.flagfile_path for row in rows} == set((FLAGS / "ablations").iterdir())


def test_networks_that_learn_labels_are_tested_themselves(tmp_path):
    """Accuracies of 0.5 and 0.9: mean 0.7, deviation 0.2. Clips seen: 3 epochs of 6 and 2 of 8 are
    34, 5 of 6 and 4 of 8 are 62; on average 48. A fold that is not asked for does not count."""
    for fold, accuracy, epochs, best in (("1", 0.5, 3, 2), ("2", 0.9, 5, 4), ("3", 0.0, 9, 9)):
        (tmp_path / f"fold{fold}").mkdir()
        clips = {"train": 6, "validation": 2, "test": 4}
        found = {"accuracy": accuracy, "epochs": epochs, "best_epoch": best, "clips": clips}
        (tmp_path / f"fold{fold}" / "results.json").write_text(json.dumps(found))
    row = tables.TABLES["depth"][0]
    read = run_results.read_results([row], str(tmp_path), 7, ("1", "2"))
    figures = read["figures"]["soundnet5_labels"]
    assert figures == {"accuracy_mean": pytest.approx(0.7), "accuracy_std": pytest.approx(0.2)}
    assert (read["seed"], read["clips_seen"], read["held_out_kl"]) == (7, 48, {})
    (shown, *_) = tables.rows("depth", "esc10", [read | {"seconds": 1.0, "commands": []}], {})
    assert shown["folds"] == ["1", "2"]
    with pytest.raises(FileNotFoundError):
        run_results.read_results([row], str(tmp_path), 7, ("1", "4"))


@pytest.mark.parametrize("table", tables.TRAINED)
def test_a_flagfile_differs_from_the_papers_run_in_its_ablation_alone(table):
    paper = dict(lines_of(FLAGS / "soundnet8.flags"))
    changes = {"loss_l2": {"--loss": "l2"}, "depth_soundnet5_video": {"--model": "soundnet5"}}
    for row in tables.TABLES[table]:
        if row.heads:
            expected = paper | changes.get(row.flagfile, {})
            assert dict(lines_of(row.flagfile_path)) == expected
            assert f"flags/ablations/{row.flagfile}.flags --data=" in row.flagfile_path.read_text()


def lines_of(path):
    lines = path.read_text().splitlines()
    return [line.partition("=")[::2] for line in lines if not line.startswith("#")]


def write_layers(folder, layers):
    (folder / "evaluation").mkdir()
    rows = [
        {
            "layer": name,
            "input_scale": scale,
            "accuracy_mean": scale / 10 + k,
            "accuracy_std": 0.5,
            "details": [{"converged": True}, {"converged": name != "conv5"}],
        }
        for scale in (1.0, 2.0)
        for k, name in enumerate(layers)
    ]
    (folder / "evaluation" / "results.json").write_text(json.dumps({**rows[0], "rows": rows}))


def test_layers_are_those_of_the_first_input_scale(tmp_path):
    rows = tables.TABLES["layers"]
    write_layers(tmp_path, [row.name for row in rows])
    figures = run_results.read_results(rows, str(tmp_path), None)["figures"]
    assert list(figures) == ["conv4", "conv5", "pool5", "conv6", "conv7", "conv8"]
    assert [f["accuracy_mean"] for f in figures.values()] == [0.1, 1.1, 2.1, 3.1, 4.1, 5.1]
    assert [name for name, f in figures.items() if not f["converged"]] == ["conv5"]


def test_layers_of_another_network_are_refused(tmp_path):
    write_layers(tmp_path, ["conv2", "pool2", "conv3", "pool3", "conv4", "conv8"])
    with pytest.raises(ValueError, match=r"has the layers \['conv2'.* paper's table \['conv4'"):
        run_results.read_results(tables.TABLES["layers"], str(tmp_path), None)
