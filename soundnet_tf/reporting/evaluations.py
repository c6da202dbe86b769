"""What evaluations measured: accuracies beside their floors, and what is taken for what."""

from collections.abc import Mapping
from typing import Any

from soundnet_tf.evaluation import paper_results, results
from soundnet_tf.files.find import printable

_MFCC_OF_PAPER = "SVM on MFCC"
_PROTOCOLS = {
    "paper": "the paper's protocol (windows of 1 s, a linear SVM)",
    "modern": "the modern protocol (layers and classifier chosen inside the training folds)",
    "linear": "the linear protocol (mean and deviation over time, logistic regression)",
}
_SETS = {"esc10": "ESC-10", "esc50": "ESC-50", "dcase": "DCASE 2013"}


def content(found: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """What the page shows of a `results.json` that `evaluate` or `multimodal` wrote.

    Returns:
        Its `title`, `how` it was measured, of what `model`, `rows` (name, accuracy in percent with
        its standard deviation over folds, and the paper's), the `best` of them, the floors by name
        in percent, and the confusion of classes, or None.

    Raises:
        ValueError: it holds something else.
    """
    try:
        return _of_modalities(found) if "modalities" in found else _of_layers(found)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{folder}: results.json is not of bin/evaluate.py ({error!r}); name its --out"
        ) from error


def _of_layers(found: Mapping[str, Any]) -> dict[str, Any]:
    dataset, baselines = found["dataset"], found["baselines"]
    scales = _scales(found)
    rows = [
        _row(_layer(row, scales), row, row["paper"], row["accuracy_mean"]) for row in found["rows"]
    ]
    others = paper_results.OTHERS.get(dataset, {})
    floors = {f"untrained network, {row['layer']}": row for row in found["untrained"]}
    if "mfcc" in baselines:
        floors["MFCC"] = baselines["mfcc"]
    papers = {"MFCC": others.get(_MFCC_OF_PAPER)}
    told = [_row(name, row, papers.get(name), row["accuracy_mean"]) for name, row in floors.items()]
    told.append(_row("most frequent class", None, None, baselines["chance"]))
    best = max(rows, key=lambda row: row["share"])
    return {
        "title": _SETS.get(dataset, dataset),
        "how": _PROTOCOLS.get(found["protocol"], found["protocol"]),
        "model": printable(found["settings"]["model"]),
        "rows": rows,
        "floors": told,
        "others": [{"name": n, "paper": f"{p:.1f}"} for n, p in others.items()],
        "best": best,
        "confusion": _confusion(found),
    }


def _of_modalities(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        _row(name, row, paper_results.MODALITIES.get(name), row["accuracy_mean"])
        for name, row in found["modalities"].items()
    ]
    return {
        "title": f"sound and vision, {found['dataset']}",
        "how": f"a linear SVM on {found['layer']} and on what {found['teacher']} sees",
        "model": printable(found["model"]),
        "rows": rows,
        "floors": [_row("most frequent class", None, None, found["chance"])],
        "others": [],
        "best": max(rows, key=lambda row: row["share"]),
        "confusion": None,
    }


def _scales(found: Mapping[str, Any]) -> set[float]:
    return {row["input_scale"] for row in found["rows"]}


def _layer(row: Mapping[str, Any], scales: set[float]) -> str:
    layer, scale = row["layer"], row["input_scale"]
    return layer if len(scales) == 1 else f"{layer}, sound times {scale:g}"


def _row(
    name: str, figures: Mapping[str, Any] | None, paper: float | None, share: float
) -> dict[str, Any]:
    return {
        "name": name,
        "accuracy": f"{100 * share:.1f}" if figures is None else results.percent(figures),
        "paper": "" if paper is None else f"{paper:.1f}",
        "share": share,
    }


def _confusion(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of the best row: counts, and what share of the true class each is."""
    best = max(found["rows"], key=lambda row: row["accuracy_mean"])
    classes, counts = found["classes"], best["confusion"]
    rows = []
    for name, row in zip(classes, counts, strict=True):
        total = max(1, sum(row))
        cells = [{"count": count, "share": f"{100 * count / total:.0f}"} for count in row]
        rows.append({"name": name, "cells": cells})
    return {"by": _layer(best, _scales(found)), "classes": classes, "rows": rows}
