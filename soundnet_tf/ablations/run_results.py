"""What the commands of one run of an ablation left in its folder."""

import csv
import json
import os
import statistics
from collections.abc import Mapping, Sequence

from soundnet_tf.ablations import tables
from soundnet_tf.files import storage

FOLD_FOLDER = "fold"  # and the fold's name: bin/finetune.py's run with that fold left out


def read_results(
    rows: Sequence[tables.Row], folder: str, seed: int | None, folds: Sequence[str] = ()
) -> dict:
    """What the commands of a run left in `folder`, for the function `rows`; of a run without rows
    for `floors_note`. Of one that learned from labels these folds count, whatever others are there.

    Raises:
        FileNotFoundError: they left nothing.
        ValueError: a network with other layers than the paper's table.
    """
    if seed is not None and not rows[0].heads:
        found = [_json(os.path.join(folder, FOLD_FOLDER + fold, "results.json")) for fold in folds]
        return {
            "figures": {rows[0].key: _over_folds(found)},
            "seed": seed,
            "folds": list(folds),
            **_label_facts(found),
        }
    content = _json(os.path.join(folder, "evaluation", "results.json"))
    if not rows:
        named = {"model": content["settings"]["model"], "layer": content["layer"]}
        return {"floors": content["baselines"], **named, **_accuracy(content)}
    if seed is not None:
        return {
            "figures": {rows[0].key: _accuracy(content)},
            "seed": seed,
            **_training_facts(os.path.join(folder, "run")),
        }
    scale = content["input_scale"]
    layers = {row["layer"]: row for row in content["rows"] if row["input_scale"] == scale}
    expected = [row.name for row in rows]
    if [*layers] != expected:
        raise ValueError(f"the model has the layers {[*layers]}, the paper's table {expected}")
    return {"figures": {name: _accuracy(row) for name, row in layers.items()}}


def _accuracy(figures: Mapping) -> dict:
    """And whether the SVM came to its minimum in every fold."""
    named = {name: figures[name] for name in ("accuracy_mean", "accuracy_std")}
    return named | {"converged": all(fold["converged"] for fold in figures["details"])}


def _training_facts(folder: str) -> dict:
    """Steps, clips and the last held-out KL of what bin/train.py wrote."""
    run = _json(os.path.join(folder, "run.json"))
    with storage.open_file(os.path.join(folder, "history.csv")) as file:
        epochs = list(csv.DictReader(file))
    batch_size = run["settings"]["pipeline"]["batch_size"]
    clips = run["clips"]["train"] * run["settings"].get("passes", 1)
    steps = len(epochs) * (clips // batch_size)
    prefix = "val_kl_"
    last = {k.removeprefix(prefix): float(v) for k, v in epochs[-1].items() if k.startswith(prefix)}
    return {"steps": steps, "clips_seen": steps * batch_size, "held_out_kl": last}


def _over_folds(folds: Sequence[Mapping]) -> dict:
    """Of networks that classify themselves, one a fold."""
    accuracies = [found["accuracy"] for found in folds]
    return {
        "accuracy_mean": statistics.fmean(accuracies),
        "accuracy_std": statistics.pstdev(accuracies),
    }


def _label_facts(folds: Sequence[Mapping]) -> dict:
    """Clips that a fold's two trainings saw, the mean over folds."""
    seen = [
        found["epochs"] * found["clips"]["train"]
        + found["best_epoch"] * (found["clips"]["train"] + found["clips"]["validation"])
        for found in folds
    ]
    return {"steps": None, "clips_seen": round(statistics.fmean(seen)), "held_out_kl": {}}


def _json(path: str) -> dict:
    with storage.open_file(path) as file:
        return json.load(file)
