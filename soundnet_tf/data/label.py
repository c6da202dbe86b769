"""Teachers look at every frame of a prepared folder once; what they say goes into its shards.

Shard by shard: a new file with the posteriors takes the place of the old one, then its JSON says
who labelled it. So a killed run goes on at the next shard, and `prepare` still finds its shards
finished.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from absl import logging

from soundnet_tf.data import cached, manifest, panel, shard_json, shards
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.manifest import Manifest, Shard
from soundnet_tf.data.panel import Panel
from soundnet_tf.data.settings import LOCAL, LabelConfig
from soundnet_tf.files import lock
from soundnet_tf.files.progress import progress_bar


@dataclass(frozen=True)
class Labelled:
    """What a run did: shards `written`, those of its part that were labelled `already`, those that
    are `left` to other parts."""

    teachers: dict[str, CachedTeacher]
    written: int
    already: int
    left: int


def label(config: LabelConfig, progress: bool = True) -> Labelled:
    """Writes the teachers' posteriors into the shards of a prepared folder.

    Frames are decoded as for training. Shards that hold a teacher's posteriors already are left
    untouched. The same teachers, machine and `batch_frames` give the same bytes, however often a
    run was killed. Until all shards are labelled the folder has no manifest and cannot be trained
    on; shards without clips need no label.

    Raises:
        FileNotFoundError: the folder is not prepared, or a teacher's file is not there.
        ValueError: a teacher that cannot be loaded or gives numbers that are not finite, or a
            damaged shard.
        HeldError: another run is writing there, other than one that labels another of `parts`.
        RuntimeError: Beam's pipeline failed.
    """
    manifest.load_for_labelling(config.data)  # there is nothing to hold where there is none
    with lock.hold_folder(config.data, "label", (config.part, config.parts)):
        return _label(config, progress)


def _label(config: LabelConfig, progress: bool) -> Labelled:
    known = manifest.load_for_labelling(config.data)
    shard_json.settle(config.data, {shard.name for shard in _mine(known, config)})
    known = shards.refreshed(known)
    looking = Panel(config.teachers, config.precision)
    teachers = looking.teachers
    mine = _mine(known, config)
    todo = [shard for shard in mine if panel.lacking(shard, teachers)]
    _announce_replaced(todo, teachers)
    for teacher in teachers.values():
        cached.write_teacher(config.data, teacher)
    if todo:
        manifest.begin_labelling(known)
        _look(config, todo, looking, progress)
    known = shards.refreshed(known)
    _check_done(config, [shard for shard in _mine(known, config) if panel.lacking(shard, teachers)])
    left = sum(bool(panel.lacking(shard, teachers)) for shard in _shards(known))
    if not left:
        manifest.end_labelling(known)
    return Labelled(teachers, len(todo), len(mine) - len(todo), left)


def _look(config: LabelConfig, todo: list[Shard], looking: Panel, progress: bool) -> None:
    if config.beam.runner != LOCAL:
        from soundnet_tf.data import on_beam

        on_beam.label_shards(config, [shard.name for shard in todo], looking.teachers)
        return
    clips = sum(shard.clips for shard in todo)
    with progress_bar(clips, "labelling", "clip", progress) as bar:
        for shard in todo:
            panel.label_shard(config, shard, looking, bar.update)


def _check_done(config: LabelConfig, undone: list[Shard]) -> None:
    if undone:
        raise RuntimeError(
            f"{len(undone)} shards were labelled but have no posteriors, {undone[0].name} for "
            f"one; do all workers see {config.data}? Give a bucket, or a folder that all share"
        )


def summary(data: str, labelled: Labelled) -> str:
    """Who labelled what in the folder `data`, and what to run next."""
    lines = [f"{'head':<10}{'classes':>8}  {'fingerprint':<18}teacher"]
    for head, teacher in labelled.teachers.items():
        lines.append(f"{head:<10}{teacher.classes:>8}  {teacher.fingerprint:<18}{teacher.name}")
    lines.append(f"{labelled.written} shards labelled, {labelled.already} were already")
    if labelled.left:
        lines.append(
            f"{labelled.left} shards are left to the other parts; then the folder is complete"
        )
    else:
        lines.append(f"Next: bin/train.py --data={shlex.quote(data)} --out=RUN")
    return "\n".join(lines)


def _shards(known: Manifest) -> list[Shard]:
    return [shard for split in known.splits.values() for shard in split.shards if shard.clips]


def _mine(known: Manifest, config: LabelConfig) -> list[Shard]:
    return _shards(known)[config.part :: config.parts]


def _announce_replaced(todo: list[Shard], teachers: Mapping[str, CachedTeacher]) -> None:
    for head, teacher in teachers.items():
        others = [shard.teachers[head] for shard in todo if head in shard.teachers]
        others = {t["fingerprint"]: t["teacher"] for t in others if t != teacher.labelling}
        for fingerprint, name in others.items():
            logging.warning("%s of %s (%s) give way to %s.", head, name, fingerprint, teacher)
