"""How a run learned: its figures by epoch, as charts and as a table, beside their controls."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from soundnet_tf.pages.charts import chart
from soundnet_tf.serving.export.settings import BEST, BEST_PROBE
from soundnet_tf.training.probe import best_layer

Row = Mapping[str, float]

_HEIGHT = 220  # pixels
_NAMES = {"constant": "constant answer", "start": "before training"}
_SHUFFLED = "other videos' pictures"
_MOST_TICKS = 10  # of fewer epochs the axis has each, of more those that Vega chooses
_MOST_ROWS = 500  # of the table of epochs
_DIGITS = 4


def content(history: Sequence[Mapping[str, str]], baselines: Mapping[str, Row]) -> dict[str, Any]:
    """What the page shows of `history.csv` and `baselines.json`.

    Args:
        history: rows of `monitor.read_history`; the values may be empty.
        baselines: figures on held-out clips of the "constant" answer and at the "start".

    Returns:
        `charts` (Vega-Lite's specifications by name, in order), `columns` and `rows` of the table
        (texts; of more than _MOST_ROWS epochs the last), and how many `epochs` there are.
    """
    rows = [{k: float(v) for k, v in row.items() if v not in ("", None)} for row in history]
    columns = list(history[0]) if history else []
    return {
        "epochs": len(rows),
        "charts": dict(_charts(rows, columns, baselines)) if rows else {},
        "columns": columns,
        "rows": [[_text(name, row.get(name)) for name in columns] for row in rows[-_MOST_ROWS:]],
        "left_out": max(0, len(rows) - _MOST_ROWS),
    }


def of_student(
    which: str, history: Sequence[Mapping[str, str]], probed: Mapping[str, Any]
) -> Mapping[str, str] | None:
    """The row of the epoch after which a run's student was saved.

    Args:
        which: "last"; "best", the first of the lowest `val_loss`; "best_probe", the first of the
            highest accuracy of any layer.
        history: rows of `monitor.read_history`.
        probed: what `probe.json` holds.

    Returns:
        None if there is no such row, as of a student that was best before its first epoch.
    """
    if which == BEST_PROBE:
        rows = [row for row in probed.get("rows", ()) if row["accuracy"]]
        best = max(rows, key=lambda row: best_layer(row)[1], default={"epoch": 0})
        return next((row for row in history if int(row["epoch"]) + 1 == best["epoch"]), None)
    if which == BEST:
        return min(history, key=_held_out_loss, default=None)
    return history[-1] if history else None


def _held_out_loss(row: Mapping[str, str]) -> tuple[bool, float]:
    value = float(row.get("val_loss") or "nan")
    return math.isnan(value), value  # NaN is of no order beside numbers


def held_out(row: Mapping[str, str] | None, baselines: Mapping[str, Row]) -> list[dict[str, Any]]:
    """KL of each head after an epoch, with what it must be below.

    Args:
        row: of the epoch, see `of_student`.
        baselines: as of `content`.

    Returns:
        Of each head its name and figures by name, in nats; of a run without held-out clips none.
    """
    prefix = "val_kl_"
    found = []
    for name in row or ():
        if not name.startswith(prefix) or not row[name]:
            continue
        head = name.removeprefix(prefix)
        figures = {"this network": float(row[name])}
        for key, title in _NAMES.items():
            if f"kl_{head}" in baselines.get(key, {}):
                figures[title] = float(baselines[key][f"kl_{head}"])
        if row.get(f"val_shuffled_{head}"):
            figures[_SHUFFLED] = float(row[f"val_shuffled_{head}"])
        found.append({"head": head, "figures": figures})
    return found


def _charts(rows: list[dict[str, float]], columns: list[str], baselines: Mapping[str, Row]):
    yield (
        "loss",
        lines("loss", rows, {"loss": "training clips", "val_loss": "held-out clips"}, {}),
    )
    for kind, unit in (("kl", "KL (nats)"), ("agreement", "agreement")):
        for name in columns:
            head = name.removeprefix(f"{kind}_")
            if head == name:
                continue
            series = {name: "training clips", f"val_{name}": "held-out clips"}
            if kind == "kl":
                series[f"val_shuffled_{head}"] = f"with {_SHUFFLED}"
            controls = {
                title: baselines[key][name]
                for key, title in _NAMES.items()
                if name in baselines.get(key, {})
            }
            yield name, lines(f"{head}: {unit}", rows, series, controls)


def lines(
    title: str,
    rows: list[dict[str, float]],
    series: Mapping[str, str],
    controls: Mapping[str, float],
) -> dict[str, Any]:
    """A chart of columns of the history by epoch, with lines across at what does not learn."""
    values = [
        {"epoch": int(row["epoch"]) + 1, "of": name, "value": row[column]}
        for row in rows
        for column, name in series.items()
        if math.isfinite(row.get(column, math.nan))
    ]
    across = [{"of": n, "value": v} for n, v in controls.items() if math.isfinite(v)]
    order = [*series.values(), *controls]
    present = {row["of"] for row in (*values, *across)}
    colour = {"field": "of", "scale": {"domain": [n for n in order if n in present]}}
    colour["legend"] = {"columns": 2, "labelLimit": 0}
    height = {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False}}
    tooltip = [
        {"field": "of", "title": "figure"},
        {"field": "epoch", "type": "quantitative"},
        {"field": "value", "type": "quantitative", "format": f".{_DIGITS}g"},
    ]
    axis: dict[str, Any] = {"tickMinStep": 1, "format": "d", "grid": False}
    if len(rows) <= _MOST_TICKS:  # Vega would put 1.5 between 1 and 2, in spite of tickMinStep
        axis["values"] = [int(row["epoch"]) + 1 for row in rows]
    epochs = {"field": "epoch", "type": "quantitative", "title": "epochs"}
    epochs |= {"axis": axis, "scale": {"zero": False}}
    lines = {
        "mark": {"type": "line", "point": len(rows) <= 50, "strokeWidth": 2},
        "encoding": {"x": epochs, "y": height, "color": colour, "tooltip": tooltip},
    }
    rules = {
        "data": {"values": across},
        "mark": {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.5},
        "encoding": {"y": height, "color": colour, "tooltip": [tooltip[0], tooltip[2]]},
    }
    described = f"{title} by epoch: {', '.join(colour['scale']['domain'])}. The table has it all."
    return chart(described, values, height=_HEIGHT, layer=[lines, rules] if across else [lines])


def _text(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value + 1:.0f}" if column == "epoch" else f"{value:.{_DIGITS}g}"
