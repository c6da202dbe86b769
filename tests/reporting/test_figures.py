"""Curves, the probe and evaluations as the page shows them: the numbers of the files."""

import pytest

from soundnet_tf.reporting import about, curves, evaluations, probes

HISTORY = [
    {"epoch": "0", "loss": "2.5", "val_loss": "2.75", "kl_objects": "1.5", "val_kl_objects": "1.75",
     "val_shuffled_objects": "1.875", "agreement_objects": "0.25", "gradient_norm": "3"},
    {"epoch": "1", "loss": "1.5", "val_loss": "2.25", "kl_objects": "1", "val_kl_objects": "1.25",
     "val_shuffled_objects": "", "agreement_objects": "nan", "gradient_norm": "2"},
]  # fmt: skip
BASELINES = {
    "constant": {"kl_objects": 1.5, "agreement_objects": 0.125},
    "start": {"kl_objects": 2.0, "agreement_objects": 0.0},
}


def points(chart):
    return {(row["of"], row["epoch"]): row["value"] for row in chart["data"]["values"]}


def test_curves_are_those_of_the_history_beside_their_baselines():
    found = curves.content(HISTORY, BASELINES)
    assert list(found["charts"]) == ["loss", "kl_objects", "agreement_objects"]
    assert points(found["charts"]["kl_objects"]) == {
        ("training clips", 1): 1.5,
        ("training clips", 2): 1.0,
        ("held-out clips", 1): 1.75,
        ("held-out clips", 2): 1.25,
        ("with other videos' pictures", 1): 1.875,
    }
    lines, rules = found["charts"]["kl_objects"]["layer"]
    assert rules["data"]["values"] == [
        {"of": "constant answer", "value": 1.5},
        {"of": "before training", "value": 2.0},
    ]
    assert lines["encoding"]["color"]["scale"]["domain"][-2:] == [
        *("constant answer", "before training")
    ]
    assert lines["encoding"]["x"]["axis"]["values"] == [1, 2]  # Vega's own are 1, 1.5 and 2
    assert len(found["charts"]["loss"]["layer"]) == 1
    heights = {k: c["layer"][0]["encoding"]["y"]["title"] for k, c in found["charts"].items()}
    assert heights == {
        "loss": "loss",
        "kl_objects": "objects: KL (nats)",
        "agreement_objects": "objects: agreement",
    }
    assert points(found["charts"]["agreement_objects"]) == {("training clips", 1): 0.25}


def test_the_table_of_epochs_counts_from_one():
    found = curves.content(HISTORY, BASELINES)
    assert found["columns"] == list(HISTORY[0])
    assert found["rows"][1] == ["2", "1.5", "2.25", "1", "1.25", "", "nan", "2"]


def test_before_the_first_epoch_there_are_no_curves():
    assert curves.content([], {})["charts"] == {}
    assert curves.held_out(curves.of_student("last", [], {}), BASELINES) == []
    assert curves.of_student("best", [], {}) is None


def test_of_many_epochs_the_table_has_the_last():
    history = [{"epoch": str(i), "loss": "1"} for i in range(510)]
    found = curves.content(history, {})
    assert (len(found["rows"]), found["rows"][-1][0], found["left_out"]) == (500, "510", 10)
    assert "values" not in found["charts"]["loss"]["layer"][0]["encoding"]["x"]["axis"]
    assert not found["charts"]["loss"]["layer"][0]["mark"]["point"]


def test_held_out_figures_are_of_the_epoch():
    assert curves.held_out(HISTORY[-1], BASELINES) == [
        {
            "head": "objects",
            "figures": {
                "this network": 1.25,
                "constant answer": 1.5,
                "before training": 2.0,
            },
        }
    ]
    assert curves.held_out(HISTORY[0], {})[0]["figures"] == {
        "this network": 1.75,
        "other videos' pictures": 1.875,
    }


def test_figures_are_of_the_student_that_is_shown():
    """The held-out loss is lowest after the second epoch (and again after the fourth, which is not
    saved for that), the probe best after the third; "last" is the fifth."""
    losses = ["nan", "1.0", "2.0", "1.0", "3.0"]
    history = [{"epoch": str(i), "val_loss": loss} for i, loss in enumerate(losses)]
    accuracies = {
        1: {"conv4": 0.5, "pool5": 0.6},
        3: {"conv4": 0.9, "pool5": 0.2},
        5: {"conv4": 0.9},
    }
    rows = [{"epoch": 0, "accuracy": {}}]
    rows += [{"epoch": epoch, "accuracy": of} for epoch, of in accuracies.items()]
    found = {
        which: curves.of_student(which, history, {"rows": rows})["epoch"]
        for which in ("last", "best", "best_probe")
    }
    assert found == {"last": "4", "best": "1", "best_probe": "2"}
    started = [{"epoch": 0, "accuracy": {"conv4": 0.95}}, *rows[1:]]
    assert curves.of_student("best_probe", history, {"rows": started}) is None


def test_the_probe_stands_beside_the_untrained_network():
    probed = {
        "set": "ESC-10",
        "recordings": 400,
        "untrained": {"epoch": None, "accuracy": {"conv4": 0.5, "pool5": 0.25}},
        "rows": [
            {"epoch": 0, "accuracy": {}, "effective_rank": 3.0},
            {"epoch": 5, "accuracy": {"conv4": 0.75, "pool5": 0.8}, "effective_rank": 12.34},
        ],
    }
    probed["untrained"]["effective_rank"] = None
    found = probes.content(probed)
    assert found["rows"] == [
        {"name": "untrained network", "cells": ["50.0", "25.0", ""]},
        {"name": "epoch 5", "cells": ["75.0", "80.0", "12.3"]},
    ]
    chart = found["charts"]["probe"]
    assert points(chart) == {("conv4", 5): 75.0, ("pool5", 5): 80.0}
    assert chart["layer"][1]["data"]["values"] == [{"of": "untrained network, conv4", "value": 50}]
    assert probes.content({}) is None
    assert probes.content(probed | {"rows": probed["rows"][:1]}) is None


def row(layer, accuracy, confusion, scale=1.0, paper=None):
    return {
        "layer": layer,
        "input_scale": scale,
        "accuracy_mean": accuracy,
        "accuracy_std": 0.015,
        "confusion": confusion,
        "paper": paper,
    }


RESULTS = {
    "dataset": "esc10",
    "protocol": "paper",
    "settings": {"model": "published"},
    "classes": ["rain", "dog"],
    "rows": [
        row("conv4", 0.5, [[1, 3], [1, 3]]),
        row("pool5", 0.875, [[4, 0], [1, 3]], paper=92.2),
    ],
    "untrained": [row("conv4", 0.375, [[0, 4], [4, 0]])],
    "baselines": {"chance": 0.5, "mfcc": {"accuracy_mean": 0.625, "accuracy_std": 0.0}},
}  # fmt: skip


def test_an_evaluation_stands_beside_its_floors_and_shows_the_best_rows_confusion():
    found = evaluations.content(RESULTS, "OUT")
    assert (found["title"], found["best"]["name"]) == ("ESC-10", "pool5")
    assert [(r["name"], r["accuracy"], r["paper"]) for r in found["rows"] + found["floors"]] == [
        ("conv4", "50.0 ± 1.5", ""),
        ("pool5", "87.5 ± 1.5", "92.2"),
        ("untrained network, conv4", "37.5 ± 1.5", ""),
        ("MFCC", "62.5 ± 0.0", "67.5"),
        ("most frequent class", "50.0", ""),
    ]
    assert found["confusion"]["by"] == "pool5"
    assert found["confusion"]["rows"][1] == {
        "name": "dog",
        "cells": [{"count": 1, "share": "25"}, {"count": 3, "share": "75"}],
    }


def test_rows_of_several_scales_say_which():
    rows = [row("pool5", 0.5, [[1]]), row("pool5", 0.75, [[1]], scale=2.0)]
    found = evaluations.content(RESULTS | {"classes": ["rain"], "rows": rows}, "OUT")
    assert [r["name"] for r in found["rows"]] == ["pool5, sound times 1", "pool5, sound times 2"]


def test_modalities_have_a_table_too():
    found = evaluations.content(
        {
            "dataset": "films",
            "model": "published",
            "layer": "conv7",
            "teacher": "keras:VGG16",
            "chance": 0.25,
            "modalities": {"sound": {"accuracy_mean": 0.5, "accuracy_std": 0.25}},
        },
        "OUT",
    )
    assert [(r["name"], r["accuracy"], r["paper"]) for r in found["rows"]] == [
        ("sound", "50.0 ± 25.0", "32.4")
    ]
    assert found["floors"][0]["accuracy"] == "25.0"


@pytest.mark.parametrize("content", [{}, [], None, {"dataset": "esc10"}, RESULTS | {"rows": [{}]}])
def test_results_of_something_else_are_refused(content):
    with pytest.raises(ValueError, match=r"OUT: results.json is not of bin/evaluate.py"):
        evaluations.content(content, "OUT")


def test_facts_of_a_run_are_flat_and_begin_with_versions():
    run = {
        "settings": {"epochs": 3, "distill": {"weights": {"objects": 1.0}}, "init_from": None},
        "clips": {"train": 27},
        "keras": "3.15.1",
        "soundnet_tf": "0.1.0",
    }
    assert about.facts(run) == [
        ("soundnet_tf", "0.1.0"),
        ("keras", "3.15.1"),
        ("clips.train", "27"),
        ("epochs", "3"),
        ("distill.weights.objects", "1.0"),
        ("init_from", "none"),
    ]
