"""Tables of what is learned from few clips: each row beside an untrained network, the control whose
pairs are shuffled, and the published one, all by the linear probe.

    OUT/TABLE.md, OUT/TABLE.json, OUT/TABLE.png           the table; of scaling the curve
    OUT/TABLE/ROW/seed0/{run,model,evaluation,log.txt}    what the commands wrote
    OUT/TABLE/ROW/seed0/results.json                      figures, once a run is finished
    OUT/TABLE/data/...                                    what was made to train on

`simulated`, `scaling` and `recipe` say which rows there are; here they are run. A row's accuracy is
that of the best of a network's layers, the same choice for all rows.
"""

import csv
import functools
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from soundnet_tf.ablations import learning_table, tables, untrained, work
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.ablations.work import Run
from soundnet_tf.constants import PUBLISHED
from soundnet_tf.files import atomic, identity, storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.version import __version__

UNTRAINED, SHUFFLED = "untrained", "shuffled"  # and PUBLISHED: kinds of rows of all these tables
SHUFFLE = "--shuffled_pairs"


@dataclass(frozen=True)
class Entry:
    """A row, and how it comes about.

    Attributes:
        name: of the row.
        kind: of `tables.LEARNING`; several sizes are of one.
        runs: one a seed.
        prepare: makes what the runs are trained on, unless it is there; given the seed, it returns
            how many clips, each counted once, that is.
    """

    name: str
    kind: str
    runs: tuple[Run, ...]
    prepare: Callable[[int], int] | None = None


def reproduce(config: ReproduceConfig, entries: Sequence[Entry]) -> dict:
    """Runs what is not finished, and writes the table after every run.

    Returns:
        What the JSON holds: `title`, `rows` as of `learning_table.rows`, `notes`, `settings`,
        `version`.

    Raises:
        ValueError, OSError: the labelled set cannot be used.
    """
    data = esc_dcase.load(config.dataset, config.eval_data)
    paths = [clip.path for clip in data.clips]
    by_folder = {run.folder: entry for entry in entries for run in entry.runs}
    return work.work_off(
        [run for entry in entries for run in entry.runs],
        identity.note_of(paths, config.checksum, progress=True),
        lambda run: _measure(config, by_folder[run.folder], run),
        functools.partial(_write, config, entries),
        lambda run: config.is_wanted(by_folder[run.folder].kind),
    )


def folder_of(config: ReproduceConfig, *parts: str) -> pathlib.Path:
    return pathlib.Path(config.out, config.table, *parts)


def training(
    config: ReproduceConfig,
    name: str,
    seed: int,
    data: str,
    *more: str,
    flagfile: str = tables.RECIPE,
) -> Run:
    """A network of random weights that learns from a prepared folder with posteriors, and the
    probe.

    Args:
        config: of the table.
        name: of the row, as a folder.
        seed: of weights and order.
        data: the prepared folder.
        more: flags of bin/train.py.
        flagfile: in `flags`, without its suffix.
    """
    folder = folder_of(config, name, f"seed{seed}")
    lengths = {"steps": config.steps, "batch_size": config.batch_size}
    overrides = [f"--{name}={value}" for name, value in lengths.items() if value]
    path = tables.flag_folder() / f"{flagfile}.flags"
    train = ["train", f"--flagfile={path}", f"--data={data}", "--targets=cached", *overrides]
    export = ["export", f"--run={folder / 'run'}", "--which=last", f"--out={folder / 'model'}"]
    commands = (
        (*train, *more, f"--seed={seed}", f"--out={folder / 'run'}"),
        tuple(export),
        _probe(config, str(folder / "model"), folder),
    )
    return Run((), folder, commands, seed)


def untrained_and_published(config: ReproduceConfig) -> tuple[Entry, Entry | None]:
    """What stands above and below every table; the published network only if it is installed."""
    floors = []
    for seed in config.seeds:
        flags = [f"--table={config.table}", f"--only={UNTRAINED}", f"--seeds={seed}"]
        flags += [f"--dataset={config.dataset}", f"--eval_data={config.eval_data}"]
        command = ("reproduce", *flags, f"--out={config.out}")
        floors.append(Run((), folder_of(config, UNTRAINED, f"seed{seed}"), (command,), seed))
    floor = Entry("untrained", UNTRAINED, tuple(floors))
    try:
        check_student(config.model)
    except FileNotFoundError:
        return floor, None
    folder = folder_of(config, PUBLISHED)
    run = Run((), folder, (_probe(config, config.model, folder),))
    return floor, Entry(config.model, PUBLISHED, (run,))


def _probe(config: ReproduceConfig, model: str, folder: pathlib.Path) -> tuple[str, ...]:
    flags = [f"--model={model}", "--protocol=linear", "--layer=all", "--input_scale=1"]
    data = [f"--dataset={config.dataset}", f"--data={config.eval_data}"]
    return ("evaluate", *flags, "--nobaselines", *data, f"--out={folder / 'evaluation'}")


def _measure(config: ReproduceConfig, entry: Entry, run: Run) -> dict:
    """What a run gives: `layers` (shares of 1), `best`, and of trained ones more."""
    clips = None if entry.prepare is None else entry.prepare(run.seed)
    if entry.kind == UNTRAINED:
        layers = untrained.accuracies(config.dataset, config.eval_data, tables.LAYERS, run.seed)
    else:
        work.call_commands(run, config.checksum)
        content = atomic.read_json(str(run.folder / "evaluation" / "results.json"))
        layers = {row["layer"]: row["accuracy_mean"] for row in content["rows"]}
    layers = {layer: share for layer, share in layers.items() if layer in tables.LAYERS}
    facts = {} if clips is None else {"clips": clips, **_training_facts(str(run.folder / "run"))}
    return {"layers": layers, "best": max(layers.values()), "seed": run.seed, **facts}


def _training_facts(folder: str) -> dict:
    """Of the last network the held-out KL, nats a step, and by how many standard errors a held-out
    sound fits its own video better than others (`training.pairs`); KL of the constant answer."""
    with storage.open_file(os.path.join(folder, "history.csv")) as file:
        epochs = list(csv.DictReader(file))
    baselines = atomic.read_json(os.path.join(folder, "baselines.json"))
    heads = [name.removeprefix("kl_") for name in baselines["constant"] if name.startswith("kl_")]
    return {
        "held_out_kl": {head: float(epochs[-1][f"val_kl_{head}"]) for head in heads},
        "hears": {head: float(epochs[-1][f"val_hears_{head}"]) for head in heads},
        "constant_kl": {head: baselines["constant"][f"kl_{head}"] for head in heads},
    }


def _write(
    config: ReproduceConfig, entries: Sequence[Entry], found: work.Found, errors: work.Errors
) -> dict:
    rows = [
        learning_table.row(
            entry.name,
            entry.kind,
            [found[run.folder] for run in entry.runs if run.folder in found],
            [errors[run.folder] for run in entry.runs if run.folder in errors],
        )
        for entry in entries
    ]
    content: Mapping = {
        "table": config.table,
        "title": learning_table.title(config.table, config.dataset),
        "rows": rows,
        "notes": learning_table.notes(rows),
        "settings": asdict(config),
        "version": __version__,
    }
    path = str(pathlib.Path(config.out, config.table))
    atomic.write_json(f"{path}.json", content)
    atomic.write_text(f"{path}.md", learning_table.markdown(content))
    learning_table.draw(content, f"{path}.png")
    return dict(content)
