"""The paper's ablations: every row is a flagfile, whose commands are run and whose figures stand
beside the paper's.

    OUT/TABLE.md, OUT/TABLE.json              the table, written anew after every row
    OUT/FLAGFILE/seed0/{run,model,evaluation} what train, export and evaluate wrote
    OUT/FLAGFILE/seed0/fold1 …                what finetune wrote, of rows that learn from labels
    OUT/FLAGFILE/seed0/log.txt                what they said
    OUT/FLAGFILE/seed0/results.json           the row's figures, once it is finished
    OUT/floors                                what stands below every table that trains

Rows of several tables that are the same experiment share a flagfile, and with the same OUT it is
trained once. Where nothing is trained there are no seeds, and one run gives all rows. Tables of
what is learned from few clips are not the paper's: see `learning`.
"""

import functools
import pathlib
from collections.abc import Mapping
from dataclasses import asdict

from soundnet_tf import constants
from soundnet_tf.ablations import (
    learning,
    learning_table,
    recipe,
    scaling,
    simulated,
    tables,
    work,
)
from soundnet_tf.ablations.run_results import FOLD_FOLDER, read_results
from soundnet_tf.ablations.settings import ReproduceConfig, teacher_flag
from soundnet_tf.ablations.tables import Row
from soundnet_tf.ablations.work import Note, Run
from soundnet_tf.evaluation import multimodal
from soundnet_tf.files import atomic, identity, lock
from soundnet_tf.sounds import esc_dcase, labelled_set
from soundnet_tf.version import __version__


def reproduce(config: ReproduceConfig) -> dict:
    """Runs what is not finished, and writes `OUT/TABLE.md` and `OUT/TABLE.json` after every run.

    A run that fails is noted in its row, and the others go on. Runs are finished that left their
    results by the same commands; training goes on where it was left. The floors of tables that
    train come first: what is wrong with the labelled set is then known before anything is trained.

    Returns:
        What the JSON holds: `rows` as of `tables.rows`, `title`, `notes`, `settings`, `version`.

    Raises:
        RuntimeError: the floors could not be measured.
        HeldError: another run is writing to `out`.
    """
    with lock.hold_folder(config.out, "reproduce"):
        if config.table in tables.LEARNING:
            module = {"simulated": simulated, "scaling": scaling, "recipe": recipe}[config.table]
            return learning.reproduce(config, module.entries(config))
        return _reproduce(config)


def markdown(content: Mapping) -> str:
    """A table that `reproduce` gave, as it stands in its file."""
    layout = learning_table if content["table"] in tables.LEARNING else tables
    return layout.markdown(content)


def _reproduce(config: ReproduceConfig) -> dict:
    recordings = _recordings(config)
    measure = functools.partial(_measure, config)
    notes = [*tables.NOTES.get(config.table, [])]
    if config.is_trained:
        floors = _floors(config)
        known = work.finished(floors, recordings) or work.carry_out(floors, recordings, measure)
        notes.append(tables.floors_note(known))
    everything = runs(config)

    def write(found, errors):
        of_rows = {
            row.name: errors[run.folder]
            for run in everything
            if run.folder in errors
            for row in run.rows
        }
        return _write(config, found, of_rows, notes)

    return work.work_off(
        everything,
        recordings,
        measure,
        write,
        lambda run: any(config.is_wanted(row.name) for row in run.rows),
    )


def runs(config: ReproduceConfig) -> list[Run]:
    """All runs of a table for which there are teachers."""
    rows = tables.TABLES[config.table]
    if config.is_trained:
        known = [row for row in rows if set(row.heads) <= config.teachers.keys()]
        return [
            _training(config, row, seed) if row.heads else _from_labels(config, row, seed)
            for row in known
            for seed in config.seeds
        ]
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
    teachers = [f"--{teacher_flag(head)}={config.teachers[head]}" for head in row.heads]
    lengths = {"steps": config.steps, "batch_size": config.batch_size}
    overrides = [f"--{name}={value}" for name, value in lengths.items() if value]
    train = [f"--flagfile={row.flagfile_path}", f"--data={config.data}", *teachers, *overrides]
    model = f"--model={folder / 'model'}"
    commands = (
        ("train", *train, f"--seed={seed}", f"--out={folder / 'run'}"),
        # The last student, as in the paper; not the one that did best on the held-out clips.
        ("export", f"--run={folder / 'run'}", "--which=last", f"--out={folder / 'model'}"),
        ("evaluate", model, *_probe(row.layer), "--nobaselines", *_evaluation(config, folder)),
    )
    return Run((row,), folder, commands, seed)


def _from_labels(config: ReproduceConfig, row: Row, seed: int) -> Run:
    """One network a fold, which learns from the other folds' labels."""
    folder = pathlib.Path(config.out, row.flagfile, f"seed{seed}")
    data = esc_dcase.load(config.dataset, config.eval_data)
    source = [f"--dataset={config.dataset}", f"--data={config.eval_data}"]
    if config.dataset == "csv":
        source = [f"--manifest={config.eval_data}"]
    overrides = [f"--batch_size={config.batch_size}"] if config.batch_size else []
    if config.steps:
        clips = config.steps * (config.batch_size or constants.BATCH_SIZE)
        overrides.append(f"--epochs={-(-clips // len(data.clips))}")
    flags = [f"--flagfile={row.flagfile_path}", *source, *overrides, f"--seed={seed}"]
    folds = tuple(fold for fold in data.test_folds if not config.folds or fold in config.folds)
    commands = [
        ("finetune", *flags, f"--test_fold={fold}", f"--out={folder / (FOLD_FOLDER + fold)}")
        for fold in folds
    ]
    return Run((row,), folder, tuple(commands), seed, folds)


def _floors(config: ReproduceConfig) -> Run:
    folder = pathlib.Path(config.out, "floors")
    flags = [f"--model={config.model}", *_probe("pool5"), *_evaluation(config, folder)]
    return Run((), folder, (("evaluate", *flags),))


def _probe(layer: str) -> list[str]:
    return [f"--layer={layer}", "--input_scale=1"]  # the scale is that of training


def _evaluation(config: ReproduceConfig, folder: pathlib.Path) -> list[str]:
    out = folder / "evaluation"
    return [f"--dataset={config.dataset}", f"--data={config.eval_data}", f"--out={out}"]


def _recordings(config: ReproduceConfig) -> Note | None:
    """What to note of the recordings or videos that all runs are measured on; None if they are not
    (all) there, which the runs that need them will tell."""
    try:
        if config.table == "modalities":
            data = labelled_set.from_manifest(config.videos_manifest)
        else:
            data = esc_dcase.load(config.dataset, config.eval_data)
    except (ValueError, OSError):
        return None
    return identity.note_of([clip.path for clip in data.clips], config.checksum, progress=True)


def _measure(config: ReproduceConfig, run: Run) -> dict:
    """What a run gives, see `tables.rows`."""
    if config.table == "modalities":
        return _measure_modalities(config)
    work.call_commands(run, config.checksum)
    return read_results(run.rows, str(run.folder), run.seed, run.folds)


def _measure_modalities(config: ReproduceConfig) -> dict:
    data = labelled_set.from_manifest(config.videos_manifest)
    content = multimodal.evaluate(data, config.model, config.teachers["objects"])
    return {"figures": content["modalities"]}


def _write(
    config: ReproduceConfig, found: Mapping, errors: Mapping[str, str], notes: list[str]
) -> dict:
    on_what = config.videos_manifest if config.table == "modalities" else config.dataset
    content = {
        "table": config.table,
        "title": tables.title(config.table, on_what, config.steps, config.batch_size, config.folds),
        "rows": tables.rows(config.table, config.dataset, [*found.values()], errors),
        "notes": notes,
        "settings": asdict(config),
        "version": __version__,
    }
    pathlib.Path(config.out).mkdir(parents=True, exist_ok=True)
    path = str(pathlib.Path(config.out, config.table))
    atomic.write_json(f"{path}.json", content)
    atomic.write_text(f"{path}.md", tables.markdown(content))
    return content
