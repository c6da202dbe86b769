"""How the figures of a table of `learning` are laid out, drawn, and said in words."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from soundnet_tf.ablations import tables, verdict
from soundnet_tf.evaluation import plots, results

_WHAT = {
    "simulated": "what a network learns from teachers that are made up",
    "scaling": "what more clips are worth",
    "recipe": "what matters when there are few clips",
}
_CONTROLS = {"untrained": "the untrained network", "shuffled": "shuffled pairs"}


def row(name: str, kind: str, found: Sequence[Mapping], errors: Sequence[str]) -> dict:
    """One row.

    Args:
        name, kind: of the row.
        found: of its finished runs, what `learning` measured: `layers`, `best` (shares of 1),
            `seed`, `seconds`, `commands`, and of trained ones `clips`, `held_out_kl`,
            `constant_kl` and `hears`.
        errors: of runs that failed.

    Returns:
        A dict; `best` and `clips` are lists, one of each run, `layers` and KLs means over them.
    """
    trained = [run for run in found if "clips" in run]
    return {
        "row": name,
        "kind": kind,
        "error": "; ".join(errors) or None,
        "seeds": [run["seed"] for run in found if run["seed"] is not None],
        "clips": [run["clips"] for run in trained],
        "best": [run["best"] for run in found],
        "layers": _means(run["layers"] for run in found),
        "held_out_kl": _means(run["held_out_kl"] for run in trained),
        "constant_kl": _means(run["constant_kl"] for run in trained),
        "hears": _means(run["hears"] for run in trained),
        "hours": sum(run["seconds"] for run in found) / 3600 if found else None,
        "commands": [command for run in found for command in run["commands"]],
    }


def title(table: str, dataset: str) -> str:
    """A table's first line."""
    return (
        f"Table {table}, {_WHAT[table]}: accuracy in % on {dataset} by the linear probe, the best "
        "layer of each network and every layer, means over seeds."
    )


def notes(rows: Sequence[Mapping]) -> list[str]:
    """What the figures say, as far as they are there."""
    figures = {row["kind"]: _percent(row) for row in rows if row["best"]}  # of sizes the largest
    found = []
    for kind in ("simulated", "clips", tables.RECIPE):
        if kind in figures:
            named = {row["kind"]: row["row"] for row in rows if row["best"]}[kind]
            for control in _CONTROLS:
                if control in figures:
                    beside = (named, figures[kind], _CONTROLS[control], figures[control])
                    found.append(verdict.compare(*beside))
    if {"simulated", "labels", "untrained"} <= figures.keys():
        found.append(_share_of_ceiling(figures))
    learned = [row for row in rows if row["kind"] == "clips"]
    points = [pair for row in learned for pair in zip(row["clips"], _percent(row), strict=True)]
    if len({clips for clips, _ in points}) >= 3:
        found.append(verdict.promise(verdict.fit(*zip(*points, strict=True))))
    return found


def _share_of_ceiling(figures: Mapping[str, Sequence[float]]) -> str:
    untrained, simulated, labels = (
        statistics.fmean(figures[kind]) for kind in ("untrained", "simulated", "labels")
    )
    told = (
        f"Labels alone, by the same path, get {labels:.1f} %, {labels - untrained:+.1f} points "
        "beside the untrained network"
    )
    if labels <= untrained:
        return f"{told}: this way teaches nothing yet, with any teacher."
    share = (simulated - untrained) / (labels - untrained)
    return f"{told}; the noisy teacher brings {share:.0%} of that."


def markdown(content: Mapping) -> str:
    """A table with its title above and its notes and errors below.

    Args:
        content: `title`, `rows` of `row`, `notes`.
    """
    failed = [f"{row['row']} failed: {row['error']}" for row in content["rows"] if row["error"]]
    table = results.markdown([_cells(row) for row in content["rows"]])
    below = [f"{note}\n" for note in (*content["notes"], *failed)]
    return "\n".join([f"{content['title']}\n", table, *below])


def _cells(row: Mapping) -> dict:
    best = _percent(row)
    named = f"{statistics.fmean(best):.1f}" if best else None
    if len(best) > 1:
        named = f"{named} ({', '.join(f'{value:.1f}' for value in best)})"
    layers = {
        layer: f"{100 * row['layers'][layer]:.1f}" if layer in row["layers"] else None
        for layer in tables.LAYERS
    }
    kls = row["held_out_kl"].items()
    return {
        "row": row["row"],
        "clips": ", ".join(map(str, dict.fromkeys(row["clips"]))),
        "best layer": named,
        **layers,
        "seeds": ", ".join(map(str, row["seeds"])),
        "hears": ", ".join(f"{head} {row['hears'][head]:.1f}" for head in row["hears"]),
        "hours": None if row["hours"] is None else f"{row['hours']:.2f}",
        "held-out KL (constant)": ", ".join(
            f"{head} {kl:.2f} ({row['constant_kl'][head]:.2f})" for head, kl in kls
        ),
    }


def draw(content: Mapping, path: str) -> None:
    """Writes the curve as PNG: accuracy and held-out KL against the number of clips; of tables
    without one, nothing."""
    learned = [row for row in content["rows"] if row["kind"] == "clips" and row["best"]]
    if learned:
        plots.write(curve(content["rows"]), path)


def curve(rows: Sequence[Mapping]) -> Figure:
    """Every run a dot, their means a line; what did not learn from clips in pairs as lines."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    accuracy, divergence = figure.subplots(1, 2)
    learned = [row for row in rows if row["kind"] == "clips" and row["best"]]
    clips = [statistics.fmean(row["clips"]) for row in learned]
    accuracy.plot(clips, [statistics.fmean(_percent(row)) for row in learned], label="best layer")
    for row in learned:
        accuracy.plot(row["clips"], _percent(row), "o", color="C0")
    for layer in ("conv5", "conv7"):
        shares = [100 * row["layers"].get(layer, float("nan")) for row in learned]
        accuracy.plot(clips, shares, linewidth=0.8, label=layer)
    others = [row for row in rows if row["kind"] != "clips" and row["best"]]
    for i, other in enumerate(others):
        level = statistics.fmean(_percent(other))
        accuracy.axhline(level, linestyle="--", color=f"C{i + 3}", label=other["row"])
    accuracy.set_ylabel("accuracy in %, linear probe")
    for i, head in enumerate(learned[0]["held_out_kl"]):
        for key, style in (("held_out_kl", "o-"), ("constant_kl", "--")):
            label = f"{head}, constant answer" if key == "constant_kl" else head
            divergence.plot(
                clips, [r[key][head] for r in learned], style, color=f"C{i}", label=label
            )
    divergence.set_ylabel("held-out KL in nats a step")
    for axes in (accuracy, divergence):
        axes.set_xscale("log", base=2)
        axes.set_xticks(clips, [f"{size:.0f}" for size in clips], minor=False)
        axes.set_xlabel("clips learned from")
        axes.legend(fontsize="small")
    return figure


def _percent(row: Mapping) -> list[float]:
    return [100 * share for share in row["best"]]


def _means(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """By name, over all mappings."""
    all_found = list(found)
    return {
        name: statistics.fmean(values[name] for values in all_found)
        for name in (all_found[0] if all_found else ())
    }
