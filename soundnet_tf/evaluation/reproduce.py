"""The paper's ablations: every row is a flagfile, whose commands are run and whose figures stand
beside the paper's.

    OUT/TABLE.md, OUT/TABLE.json              the table, written anew after every row
    OUT/FLAGFILE/seed0/{run,model,evaluation} what train, export and evaluate wrote
    OUT/FLAGFILE/seed0/log.txt                what they said
    OUT/FLAGFILE/seed0/results.json           the row's figures, once it is finished
    OUT/floors                                what stands below every table that trains

Rows of several tables that are the same experiment share a flagfile, and with the same OUT it is
trained once. Where nothing is trained there are no seeds, and one run gives all rows.
"""

import json
import pathlib
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from soundnet_tf.data import labelled
from soundnet_tf.evaluation import binaries, multimodal, tables
from soundnet_tf.evaluation.tables import Row
from soundnet_tf.models import checkpoint
from soundnet_tf.version import __version__

RESULTS_FILE = "results.json"
LOG_FILE = "log.txt"
_SPENT_FILE = "seconds.json"
_TEACHER_FLAGS = {"objects": "imagenet_teacher", "scenes": "places_teacher"}


@dataclass(frozen=True)
class ReproduceConfig:
    """What to reproduce, and with what.

    Attributes:
        table: one of `tables.TABLES`.
        out: local folder of the table and of all that is made for it.
        data: folder that bin/prepare.py wrote, to train on.
        eval_data: the labelled set, see `data.benchmarks.load`.
        dataset: its kind.
        teachers: head to a teacher's spec; of modalities the one of "objects" looks at the videos.
        seeds: each trains every row once.
        steps, batch_size: instead of the flagfiles'.
        only: the rows to train; none for all. Others are shown if they are finished.
        model: of the tables for which nothing is trained, see `models.pretrained.load`; of the
            others it stands beside the floors.
        videos_manifest: labelled videos for modalities, see `data.labelled.from_manifest`.
    """

    table: str
    out: str
    data: str | None = None
    eval_data: str | None = None
    dataset: str = "esc50"
    teachers: Mapping[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    steps: int | None = None
    batch_size: int | None = None
    only: tuple[str, ...] = ()
    model: str = "published"
    videos_manifest: str | None = None

    def __post_init__(self):
        if self.table not in tables.TABLES:
            raise ValueError(f"table {self.table!r} is unknown; choose one of {[*tables.TABLES]}")
        if self.only and not self.is_trained:
            raise ValueError(f"one run gives all rows of table {self.table}; leave out only")
        names = [row.name for row in tables.TABLES[self.table] if row.flagfile]
        if unknown := set(self.only) - set(names):
            raise ValueError(f"only has {sorted(unknown)}; table {self.table} trains {names}")
        missing = [name for name, value in self._needed().items() if not value]
        if missing:
            raise ValueError(f"table {self.table} needs {' and '.join(missing)}; give it too")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}; give one or more, each once")

    @property
    def is_trained(self) -> bool:
        return self.table in tables.TRAINED

    def is_wanted(self, row: Row) -> bool:
        return not self.only or row.name in self.only

    def _needed(self) -> dict:
        if self.table == "modalities":
            needed, heads = {"videos_manifest": self.videos_manifest}, {"objects"}
        elif self.table == "layers":
            needed, heads = {"eval_data": self.eval_data}, set()
        else:
            needed = {"data": self.data, "eval_data": self.eval_data}
            wanted = [row for row in tables.TABLES[self.table] if self.is_wanted(row)]
            heads = {head for row in wanted for head in row.heads}
        return needed | {_TEACHER_FLAGS[h]: self.teachers.get(h) for h in sorted(heads)}


@dataclass(frozen=True)
class Run:
    """A flagfile with a seed: the rows that it gives, its folder, and its commands, each the name
    of a binary and its flags. One without rows measures the floors."""

    rows: tuple[Row, ...]
    folder: pathlib.Path
    commands: tuple[tuple[str, ...], ...]
    seed: int | None = None

    @property
    def command_lines(self) -> list[str]:
        return [binaries.as_line(command) for command in self.commands]


def reproduce(config: ReproduceConfig) -> dict:
    """Runs what is not finished, and writes `OUT/TABLE.md` and `OUT/TABLE.json` after every run.

    A run that fails is noted in its row, and the others go on. Runs are finished that left their
    results by the same commands; training goes on where it was left. The floors of tables that
    train come first: what is wrong with the labelled set is then known before anything is trained.

    Returns:
        What the JSON holds: `rows` as of `tables.rows`, `title`, `notes`, `settings`, `version`.

    Raises:
        RuntimeError: the floors could not be measured.
    """
    notes = [*tables.NOTES.get(config.table, [])]
    if config.is_trained:
        floors = _floors(config)
        notes.append(tables.floors_note(_finished(floors) or _carry_out(config, floors)))
    everything = runs(config)
    found = {run.folder: results for run in everything if (results := _finished(run))}
    errors = {}
    content = _write(config, found, errors, notes)
    for run in everything:
        if run.folder in found or not any(map(config.is_wanted, run.rows)):
            continue
        try:
            found[run.folder] = _carry_out(config, run)
        except (ValueError, OSError, RuntimeError) as error:
            print(f"{run.folder}: {error}", file=sys.stderr)
            errors |= {row.name: str(error) for row in run.rows}
        content = _write(config, found, errors, notes)
    return content


def runs(config: ReproduceConfig) -> list[Run]:
    """All runs of a table for which there are teachers."""
    rows = [row for row in tables.TABLES[config.table] if row.flagfile]
    if config.is_trained:
        known = [row for row in rows if set(row.heads) <= config.teachers.keys()]
        return [_training(config, row, seed) for row in known for seed in config.seeds]
    folder = pathlib.Path(config.out, rows[0].flagfile)
    flags = [f"--flagfile={rows[0].flagfile_path}", f"--model={config.model}"]
    if config.table == "layers":
        command = ("evaluate", *flags, *_evaluation(config, folder))
    else:
        teacher = f"--imagenet_teacher={config.teachers['objects']}"
        videos = f"--videos_manifest={config.videos_manifest}"
        command = ("reproduce", *flags, teacher, videos, f"--out={config.out}")
    return [Run(tuple(rows), folder, (command,))]


def _training(config: ReproduceConfig, row: Row, seed: int) -> Run:
    folder = pathlib.Path(config.out, row.flagfile, f"seed{seed}")
    teachers = [f"--{_TEACHER_FLAGS[head]}={config.teachers[head]}" for head in row.heads]
    lengths = {"steps": config.steps, "batch_size": config.batch_size}
    overrides = [f"--{name}={value}" for name, value in lengths.items() if value]
    train = [f"--flagfile={row.flagfile_path}", f"--data={config.data}", *teachers, *overrides]
    model = f"--model={folder / 'model'}"
    commands = (
        ("train", *train, f"--seed={seed}", f"--out={folder / 'run'}"),
        # The last student, as in the paper; not the one that did best on the held-out clips.
        ("export", f"--run={folder / 'run'}", "--which=last", f"--out={folder / 'model'}"),
        ("evaluate", model, *_probe(row), "--nobaselines", *_evaluation(config, folder)),
    )
    return Run((row,), folder, commands, seed)


def _floors(config: ReproduceConfig) -> Run:
    folder = pathlib.Path(config.out, "floors")
    flags = [f"--model={config.model}", *_probe(Row("floors")), *_evaluation(config, folder)]
    return Run((), folder, (("evaluate", *flags),))


def _probe(row: Row) -> list[str]:
    return [f"--layer={row.layer}", "--input_scale=1"]  # the scale is that of training


def _evaluation(config: ReproduceConfig, folder: pathlib.Path) -> list[str]:
    out = folder / "evaluation"
    return [f"--dataset={config.dataset}", f"--data={config.eval_data}", f"--out={out}"]


def _finished(run: Run) -> dict | None:
    path = run.folder / RESULTS_FILE
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return results if results.get("commands") == run.command_lines else None


def _carry_out(config: ReproduceConfig, run: Run) -> dict:
    """Runs the commands and writes the run's `results.json`, see `tables.rows`."""
    print(f"\n== {run.folder}", flush=True)
    run.folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        if config.table == "modalities":
            results = _measure_modalities(config)
        else:
            for command in run.commands:
                binaries.call(command, run.folder / LOG_FILE)
            results = tables.read_results(run.rows, str(run.folder), run.seed)
    finally:  # also of a run that failed or was interrupted
        seconds = _add_seconds(run.folder / _SPENT_FILE, time.monotonic() - start)
    results |= {"commands": run.command_lines, "seconds": seconds}
    checkpoint.write_json(str(run.folder / RESULTS_FILE), results)
    return results


def _add_seconds(path: pathlib.Path, seconds: float) -> float:
    """Adds to what earlier attempts took."""
    total = seconds + (json.loads(path.read_text("utf-8")) if path.exists() else 0)
    checkpoint.write_json(str(path), total)
    return total


def _measure_modalities(config: ReproduceConfig) -> dict:
    data = labelled.from_manifest(config.videos_manifest)
    content = multimodal.evaluate(data, config.model, config.teachers["objects"])
    return {"figures": content["modalities"]}


def _write(
    config: ReproduceConfig, found: Mapping, errors: Mapping[str, str], notes: list[str]
) -> dict:
    on_what = config.videos_manifest if config.table == "modalities" else config.dataset
    content = {
        "table": config.table,
        "title": tables.title(config.table, on_what, config.steps, config.batch_size),
        "rows": tables.rows(config.table, config.dataset, [*found.values()], errors),
        "notes": notes,
        "settings": asdict(config),
        "version": __version__,
    }
    pathlib.Path(config.out).mkdir(parents=True, exist_ok=True)
    path = str(pathlib.Path(config.out, config.table))
    checkpoint.write_json(f"{path}.json", content)
    checkpoint.write_atomically(f"{path}.md", tables.markdown(content))
    return content
