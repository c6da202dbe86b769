"""How well labelled sounds are told apart by the layers of a run's networks, epoch by epoch."""

from collections.abc import Mapping
from typing import Any

from soundnet_tf.reporting import curves

CHART = "probe"


def content(probed: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page shows of `probe.json`.

    Returns:
        The `set` of sounds, how many `recordings` it has, `layers`, `rows` (whose it is, accuracies
        in percent, effective rank; the untrained network first) and `charts`; None of a run that
        was not probed.
    """
    rows = [row for row in probed.get("rows", ()) if row["accuracy"]]
    untrained = probed.get("untrained")
    if not rows:
        return None
    layers = list(rows[0]["accuracy"])
    named = [(f"epoch {row['epoch']}", row) for row in rows]
    floors = {}
    if untrained:
        named.insert(0, ("untrained network", untrained))
        layer = max(untrained["accuracy"], key=untrained["accuracy"].get)
        floors = {f"untrained network, {layer}": 100 * untrained["accuracy"][layer]}
    by_epoch = [
        {"epoch": row["epoch"] - 1, **{name: 100 * row["accuracy"][name] for name in layers}}
        for row in rows
    ]
    series = {name: name for name in layers}
    return {
        "set": probed["set"],
        "recordings": probed["recordings"],
        "layers": layers,
        "rows": [{"name": name, "cells": _cells(row, layers)} for name, row in named],
        "charts": {CHART: curves.lines("right (%)", by_epoch, series, floors)},
    }


def _cells(row: Mapping[str, Any], layers: list[str]) -> list[str]:
    rank = row["effective_rank"]
    accuracies = [f"{100 * row['accuracy'][name]:.1f}" for name in layers]
    return [*accuracies, "" if rank is None else f"{rank:.1f}"]
