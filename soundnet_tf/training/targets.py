"""Whose posteriors a student learns: of teachers in the step, or of those that did the shards."""

import dataclasses
from collections.abc import Mapping

from soundnet_tf.data.batch_settings import AUTO, CACHED, ONLINE
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.sources import Source
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher
from soundnet_tf.training.settings import TrainConfig, check_given


def choose(config: TrainConfig, training: Source, validation: Source) -> TrainConfig:
    """The settings with "auto" targets decided: cached if all clips hold posteriors of every head
    that is to be trained, and frames are shown as they are; else online."""
    if config.pipeline.targets != AUTO:
        return config
    held = training.teachers.keys() & validation.teachers.keys()
    is_labelled = bool(held) and held >= config.teachers.keys()
    targets = CACHED if is_labelled and not config.pipeline.flip else ONLINE
    pipeline = dataclasses.replace(config.pipeline, targets=targets)
    return dataclasses.replace(config, pipeline=pipeline)


def online_teachers(specs: Mapping[str, str]) -> dict[str, Teacher]:
    """Teachers that look at the frames of every batch.

    Args:
        specs: head to a teacher's spec, see `models.teachers.teacher`.

    Raises:
        ValueError, FileNotFoundError: as `load_teacher`; ValueError if there are no specs.
    """
    check_given(specs)
    return {head: load_teacher(spec) for head, spec in specs.items()}


def cached_teachers(
    specs: Mapping[str, str], training: Source, validation: Source
) -> dict[str, CachedTeacher]:
    """Teachers that labelled all the clips.

    Args:
        specs: head to a teacher's spec: the heads to train, and whose posteriors they have to be.
            None: all heads that the clips have posteriors of.
        training, validation: the clips.

    Raises:
        ValueError: clips without posteriors of a head, or of another teacher than the spec's, or
            training and validation clips of different teachers.
        FileNotFoundError: as `load_teacher`.
    """
    heads = sorted(specs or training.teachers)
    if not heads:
        raise ValueError(_lacking("training", "", training))
    for head in heads:
        for name, source in {"training": training, "validation": validation}.items():
            if head not in source.teachers:
                raise ValueError(_lacking(name, f"{head} ", source))
        ours, theirs = training.teachers[head], validation.teachers[head]
        if ours != theirs:
            raise ValueError(
                f"{head} posteriors are of {ours} in the training clips and of {theirs} in the "
                "validation clips; label them with one teacher (bin/label.py)"
            )
        if head in specs and (given := load_teacher(specs[head])).fingerprint != ours.fingerprint:
            raise ValueError(
                f"the {head} posteriors in the shards are of {ours}, but {specs[head]} is "
                f"{given.name} ({given.fingerprint}); label them again with that teacher "
                "(bin/label.py), give the other one or none, or let that teacher look at every "
                "frame in every step (--targets=online)"
            )
    return {head: training.teachers[head] for head in heads}


def _lacking(name: str, head: str, source: Source) -> str:
    return (
        f"not all {name} clips have {head}posteriors of one teacher (they have those of heads "
        f"{sorted(source.teachers)}); write them into the shards with bin/label.py (clips of "
        "--videos have to be prepared first)"
    )
