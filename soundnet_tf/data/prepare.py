"""Videos become shards of clip records; run again, it does only what is not yet done."""

import importlib.metadata
import os
import shlex
from collections.abc import Iterable, Mapping, Set
from functools import partial

from absl import logging

import soundnet_tf
from soundnet_tf.data import audio_ops, claimed, clips, shard_json, shards, videos
from soundnet_tf.data.clips import ClipRecord, Video
from soundnet_tf.data.kept import Kept, kept_of
from soundnet_tf.data.manifest import (
    LABELLING_NAME,
    MANIFEST_NAME,
    Manifest,
    Shard,
    Skipped,
    Split,
    Taken,
    write_manifest,
)
from soundnet_tf.data.settings import PrepareConfig
from soundnet_tf.data.shards import Results, ShardPlan
from soundnet_tf.data.videos import TRAIN, VAL
from soundnet_tf.data.workers import Workers
from soundnet_tf.files import find, lock, storage
from soundnet_tf.files.progress import Bar, progress_bar

_MOST_LINES = 20  # of skipped videos that a summary names


def prepare(config: PrepareConfig, progress: bool = True) -> Manifest:
    """Cuts videos into clips and writes them as shards, with a manifest at the end.

    Shards that are finished (same settings, same videos, none changed since) are left untouched; of
    others the clips of videos that have not changed are taken as they are, without posteriors.
    The same videos and settings give the same bytes, wherever and with however many workers.

    Args:
        config: what to prepare and how.
        progress: whether to show progress on stderr.

    Returns:
        The manifest that was written.

    Raises:
        FileNotFoundError: if there are no videos.
        ValueError: if the codec cannot be decoded here, if the folder holds shards of other
            settings, if no video gave a clip, or, with `strict`, at the first video that cannot be
            used.
        HeldError: another run is writing there.
    """
    audio_ops.check_decodable(config.audio_codec)  # rather now than when they are read
    with lock.hold_folder(config.out, "prepare"):
        return _prepare(config, progress)


def _prepare(config: PrepareConfig, progress: bool) -> Manifest:
    found = videos.find_videos(config.videos, config.checksum, progress)
    plans = shard_plans(found, config)
    settings = config.settings()
    shard_json.settle(config.out)
    claimed.refuse_other_settings(config)
    finished = [shards.finished(config.out, plan, settings) for plan in plans]
    if config.strict:
        _refuse_problems_found(filter(None, finished))
    # Of a labelling that was interrupted: what its shards hold, the new manifest tells.
    storage.remove(os.path.join(config.out, LABELLING_NAME))
    todo = [plan for plan, content in zip(plans, finished, strict=True) if content is None]
    if todo:
        kept = {plan.name: kept_of(config.out, plan.name, plan.videos, settings) for plan in todo}
        if config.strict:
            _refuse_problems_found(shard.problems() for shard in kept.values())
        _announce_lost(config, todo, kept, {video.id for video in found})
        storage.remove(os.path.join(config.out, MANIFEST_NAME))  # no longer complete
        _write_shards(config, todo, kept, progress)
    manifest = _summary(config, plans)
    if not any(split.clips for split in manifest.splits.values()):
        examples = "; ".join(f"{s.video_id}: {s.reason}" for s in manifest.skipped[:3])
        raise ValueError(f"none of {len(manifest.skipped)} videos gave a clip ({examples})")
    write_manifest(manifest)
    return manifest


def shard_plans(found: Iterable[Video], config: PrepareConfig) -> tuple[ShardPlan, ...]:
    """Every shard of every split with its videos, some perhaps with none."""
    val_shards = max(1, round(config.num_shards * config.val_fraction))
    counts = {TRAIN: config.num_shards, VAL: val_shards if config.val_fraction else 0}
    members = {(split, index): [] for split, count in counts.items() for index in range(count)}
    for video in found:
        members[videos.split_and_shard(video.id, config.val_fraction, counts)].append(video)
    return tuple(
        ShardPlan(f"{split}-{index:05d}-of-{counts[split]:05d}.tfrecord", split, tuple(chosen))
        for (split, index), chosen in members.items()
    )


def _announce_lost(
    config: PrepareConfig, todo: list[ShardPlan], kept: Mapping[str, Kept], found: Set[str]
) -> None:
    """Says what was in the shards and will not be."""
    before = [kept[plan.name] for plan in todo]
    gone = sorted(id for shard in before for id in shard.known if id not in found)
    if gone:
        logging.warning(
            "%s has no more %d videos that were prepared; their clips go: %s",
            find.printable(config.videos),
            len(gone),
            ", ".join(gone[:_MOST_LINES]) + (" …" if len(gone) > _MOST_LINES else ""),
        )
    heads = sorted({head for shard in before for head in shard.heads})
    if heads:
        labelled = sum(bool(shard.heads) for shard in before)
        logging.warning(
            "%d shards are written anew, their posteriors of %s go; bin/label.py writes them again",
            labelled,
            " and ".join(heads),
        )
    old = sum(
        known.modified_ns is None and known.bytes > 0
        for shard in before
        for known in shard.known.values()
    )
    if old:
        logging.warning(
            "%d videos were prepared by a version that did not note when they were last changed, "
            "so that nobody knows whether they are the same; they are cut again",
            old,
        )


def _write_shards(
    config: PrepareConfig, todo: list[ShardPlan], kept: Mapping[str, Kept], progress: bool
) -> None:
    sources = [
        video for plan in todo for video in plan.videos if video.id not in kept[plan.name].videos
    ]
    with Workers(config.workers or os.cpu_count()) as workers:
        plan_video = partial(clips.plan, cutting=config.cutting)
        planned = workers.map(plan_video, sources, clips.plan_crashed)
        planned = progress_bar(len(sources), "planning", "video", progress, items=planned)
        runs = [run for _, runs_of_video in planned for run in runs_of_video]
        cut = partial(clips.cut, cutting=config.cutting, audio_codec=config.audio_codec)
        results = workers.map(cut, runs, clips.cut_crashed)
        if config.strict:
            results = _strictly(results)
        total = sum(len(run.starts_secs) for run in runs)
        with progress_bar(total, "cutting", "clip", progress) as bar:
            results = _counted(results, bar)
            for plan in todo:
                shards.write_shard(config.out, plan, config.settings(), results, kept[plan.name])


def _counted(results: Results, bar: Bar) -> Results:
    for run, outcomes in results:
        bar.update(len(run.starts_secs))
        yield run, outcomes


def _strictly(results: Results) -> Results:
    used = False  # whether the video has given a clip so far
    for run, outcomes in results:
        for outcome in outcomes:
            if isinstance(outcome, ClipRecord):
                used = True
            elif outcome.damaged:
                raise _strict_error(run.video.id, outcome.reason)
        if run.last and not used:
            raise _strict_error(run.video.id, outcomes[-1].reason)
        used = used and not run.last
        yield run, outcomes


def _refuse_problems_found(finished: Iterable[dict]) -> None:
    for content in finished:
        damaged = [clip for clip in content["left_out"] if clip["damaged"]]
        for problem in [*content["skipped"], *damaged]:
            raise _strict_error(problem["video_id"], problem["reason"])


def _strict_error(video_id: str, reason: str) -> ValueError:
    return ValueError(f"{video_id}: {reason} (strict: repair or remove it, or go on without)")


def _summary(config: PrepareConfig, plans: tuple[ShardPlan, ...]) -> Manifest:
    finished = [shards.finished(config.out, plan, config.settings()) for plan in plans]
    of_split = {
        split: [c["shard"] for p, c in zip(plans, finished, strict=True) if p.split == split]
        for split in (TRAIN, VAL)
    }
    return Manifest(
        directory=config.out,
        version=_version(),
        videos=find.printable(config.videos),
        settings=config.settings(),
        splits={k: Split.of(tuple(Shard(**shard) for shard in v)) for k, v in of_split.items()},
        skipped=tuple(Skipped(**skipped) for c in finished for skipped in c["skipped"]),
        streams=tuple(Taken(**taken) for c in finished for taken in c.get("streams", ())),
    )


def summary(manifest: Manifest) -> str:
    """What was written, what was skipped and why, and what to run next."""
    lines = [f"{'split':<7}{'shards':>8}{'videos':>8}{'clips':>8}{'hours':>9}{'MB':>10}"]
    for name, split in manifest.splits.items():
        counts = f"{len(split.shards):>8}{split.videos:>8}{split.clips:>8}"
        lines.append(f"{name:<7}{counts}{split.seconds / 3600:>9.2f}{split.bytes / 1e6:>10.1f}")
    if manifest.skipped:
        lines.append(f"{len(manifest.skipped)} skipped:")
    lines += [f"  {skip.video_id}: {skip.reason}" for skip in manifest.skipped[:_MOST_LINES]]
    if len(manifest.skipped) > _MOST_LINES:
        lines.append(f"  and {len(manifest.skipped) - _MOST_LINES} more in manifest.json")
    teacher = "--imagenet_teacher=pypi:efficientnet_lite0"
    data = f"--data={shlex.quote(manifest.directory)}"
    lines.append(f"Next: bin/train.py {data} --out=RUN {teacher}")
    return "\n".join(lines)


def _version() -> str:
    try:
        return importlib.metadata.version("soundnet-tf")
    except importlib.metadata.PackageNotFoundError:  # used from a checkout
        return soundnet_tf.__version__
