"""The paper's tables of ablations: which flagfile each row is, and how figures are laid out."""

import importlib.util
import pathlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.evaluation import paper_results, results, settings
from soundnet_tf.models.architecture import ARCHITECTURES

BOTH_HEADS = ("objects", "scenes")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: of the row, as in `paper_results`.
        flagfile: its file in `flags/ablations`, without the suffix. Rows that are the same
            experiment have the same one.
        heads: of the student that is trained, each with a teacher; none if it learns from labels,
            or nothing is trained.
        architecture: that is trained.
    """

    name: str
    flagfile: str
    heads: tuple[str, ...] = ()
    architecture: str = "soundnet8"

    @property
    def flagfile_path(self) -> pathlib.Path:
        """Where the flagfile is."""
        return flag_folder() / "ablations" / f"{self.flagfile}.flags"

    @property
    def key(self) -> str:
        """Under which a run keeps its figures: of trained ones the flagfile, as rows of several
        tables share it."""
        return self.flagfile if self.heads else self.name

    @property
    def layer(self) -> str:
        """The layer of the trained student that the SVM hears."""
        return ARCHITECTURES[self.architecture].embedding


def flag_folder() -> pathlib.Path:
    """`flags`, which stands beside `bin`, in a checkout and in a wheel."""
    binaries = pathlib.Path(importlib.util.find_spec("soundnet_tf.bin").origin).parent
    return binaries.parent / "flags"


TABLES = {
    "loss": (Row("l2", "loss_l2", BOTH_HEADS), Row("kl", "soundnet8_both", BOTH_HEADS)),
    "teachers": (
        Row("imagenet", "teachers_imagenet", ("objects",)),
        Row("places", "teachers_places", ("scenes",)),
        Row("both", "soundnet8_both", BOTH_HEADS),
    ),
    "depth": (
        Row("soundnet5_labels", "depth_soundnet5_labels", architecture="soundnet5"),
        Row("soundnet8_labels", "depth_soundnet8_labels"),
        Row("soundnet5_video", "depth_soundnet5_video", BOTH_HEADS, "soundnet5"),
        Row("soundnet8_video", "soundnet8_both", BOTH_HEADS),
    ),
    "layers": tuple(Row(name, "layers_published") for name in paper_results.LAYERS["esc50"]),
    "modalities": tuple(Row(name, "modalities_published") for name in paper_results.MODALITIES),
}
TRAINED = ("loss", "teachers", "depth")  # a run for every row; one run gives all rows of others
RECIPE = "scratch_small"  # by which all networks of these tables are trained
RECIPE_ROWS = ("paper_rate", "unmixed", "augmented", "softened", "short", "large_batches")
# Tables of what is learned from few clips, see `learning`: kinds of rows, by name.
LEARNING = {
    "simulated": ("untrained", "simulated", "shuffled", "labels", "published"),
    "scaling": ("untrained", "clips", "shuffled", "published"),
    "recipe": ("untrained", RECIPE, *RECIPE_ROWS, "shuffled", "published"),
}
LAYERS = settings.LAYERS["soundnet8"]
NOTES = {
    "depth": [
        "From labels alone: a network of random weights for each fold, which classifies itself."
    ],
    "modalities": ["The paper's figures are of videos of its own, which are not published."],
}

_PAPER = {
    "loss": paper_results.LOSSES,
    "teachers": paper_results.TEACHERS,
    "depth": paper_results.DEPTHS,
    "layers": paper_results.LAYERS,
}


def names(table: str) -> tuple[str, ...]:
    """Of a table's rows, or kinds of rows."""
    return LEARNING[table] if table in LEARNING else tuple(row.name for row in TABLES[table])


def paper(table: str, dataset: str, row: str) -> float | None:
    """The paper's figure in percent, if it has one. Its modalities have a set of their own."""
    if table == "modalities":
        return paper_results.MODALITIES[row]
    return _PAPER[table].get(dataset, {}).get(row)


def rows(
    table: str, dataset: str, found: Sequence[Mapping], errors: Mapping[str, str]
) -> list[dict]:
    """A table's rows with all that was found.

    Args:
        table: one of TABLES.
        dataset: whose figures of the paper stand beside.
        found: one mapping a run: `figures` (key of a row to `accuracy_mean` and `accuracy_std`,
            shares of 1, and if it is known `converged`), `commands`, `seconds`, and of trained
            ones `seed`, `steps`, `clips_seen` and `held_out_kl` (head to nats a step); of those
            that learned from labels `folds`.
        errors: row to why it failed.

    Returns:
        For each row a dict; what was not run is None or empty. Figures are means over the seeds,
        `hours` a sum, `clips_seen` those of one seed.
    """
    return [
        {"row": row.name, "paper": paper(table, dataset, row.name), "error": errors.get(row.name)}
        | _figures(row.key, [run for run in found if row.key in run["figures"]])
        for row in TABLES[table]
    ]


def _figures(key: str, runs: Sequence[Mapping]) -> dict:
    trained = [run for run in runs if "seed" in run]
    heads = trained[0]["held_out_kl"] if trained else ()
    return {
        "accuracy_mean": _mean(run["figures"][key]["accuracy_mean"] for run in runs),
        "accuracy_std": _mean(run["figures"][key]["accuracy_std"] for run in runs),
        "seeds": [run["seed"] for run in trained],
        "folds": trained[0].get("folds") if trained else None,
        "steps": trained[0]["steps"] if trained else None,
        "clips_seen": trained[0]["clips_seen"] if trained else None,
        "hours": sum(run["seconds"] for run in runs) / 3600 if runs else None,
        "held_out_kl": {head: _mean(run["held_out_kl"][head] for run in trained) for head in heads},
        "svm_stopped": any(run["figures"][key].get("converged") is False for run in runs),
        "commands": [command for run in runs for command in run["commands"]],
    }


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return statistics.fmean(values) if values else None


def floors_note(found: Mapping) -> str:
    """The line below a table that says what little and what much is.

    Args:
        found: `read_results` of a run without rows.
    """
    floors = found["floors"]
    untrained, mfcc = (results.percent(floors[name]) for name in ("untrained", "mfcc"))
    return (
        f"By the same probe, {found['layer']}: {found['model']} {results.percent(found)}, an "
        f"untrained network {untrained}. MFCC {mfcc}, "
        f"most frequent class {100 * floors['chance']:.1f}."
    )


def title(
    table: str,
    on_what: str,
    steps: int | None,
    batch_size: int | None,
    folds: Sequence[str] = (),
) -> str:
    """A table's first line. If it trains, and for less than the paper did, or is measured on some
    folds only, it says so.

    Args:
        table: one of TABLES.
        on_what: the labelled set.
        steps, batch_size: if they are not the flagfiles'.
        folds: of rows that learn from labels, if they are not all.
    """
    named = f"Table {table}, {on_what}: accuracy, mean ± deviation over folds, beside the paper's."
    if folds:
        named += f" Rows that learn from labels: folds {', '.join(folds)} only."
    steps = steps or constants.TRAINING_STEPS
    clips = steps * (batch_size or constants.BATCH_SIZE)
    paper_clips = constants.TRAINING_STEPS * constants.BATCH_SIZE
    if table not in TRAINED or clips >= paper_clips:
        return named
    return (
        "This shows that the machinery works, it is not the paper's experiment: "
        f"{steps} of {constants.TRAINING_STEPS} steps, {clips} of {paper_clips} clips.\n\n{named}"
    )


def markdown(content: Mapping) -> str:
    """A table with its title above and its notes and errors below.

    Args:
        content: `title`, `rows` as of `rows`, `notes`.
    """
    failed = [f"{row['row']} failed: {row['error']}" for row in content["rows"] if row["error"]]
    if stopped := [row["row"] for row in content["rows"] if row["svm_stopped"]]:
        failed.append(f"The SVM stopped at its limit, short of its minimum: {', '.join(stopped)}.")
    table = results.markdown([_cells(row) for row in content["rows"]])
    below = [f"{note}\n" for note in (*content["notes"], *failed)]
    return "\n".join([f"{content['title']}\n", table, *below])


def _cells(row: Mapping) -> dict:
    was_run = row["accuracy_mean"] is not None
    return {
        "row": row["row"],
        "ours %": results.percent(row) if was_run else None,
        "paper %": row["paper"],
        "seeds": ", ".join(map(str, row["seeds"])),
        "clips seen": row["clips_seen"],
        "hours": f"{row['hours']:.2f}" if was_run else None,
        "held-out KL": ", ".join(f"{h} {kl:.3f}" for h, kl in row["held_out_kl"].items()),
    }
