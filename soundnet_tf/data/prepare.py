"""Videos become shards of clip records; run again, it does only what is not yet done."""

import importlib.metadata
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Set

from absl import logging

import soundnet_tf
from soundnet_tf.data import audio_ops, claimed, cut_shards, reasons, shard_json, shards, videos
from soundnet_tf.data.clips import Video
from soundnet_tf.data.kept import Kept, noted_of
from soundnet_tf.data.manifest import (
    LABELLING_NAME,
    PLANS_NAME,
    Manifest,
    Shard,
    Skipped,
    Split,
    Taken,
    no_clips,
    withdraw,
    write_manifest,
)
from soundnet_tf.data.settings import LOCAL, PrepareConfig
from soundnet_tf.data.shards import ShardPlan
from soundnet_tf.data.videos import TRAIN, VAL
from soundnet_tf.files import find, lock, storage
from soundnet_tf.files.skipped import MOST_LINES, skipped_lines


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
        RuntimeError: Beam's pipeline failed.
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
        cut_shards.refuse_problems(filter(None, finished))
    # Of a labelling that was interrupted (what its shards hold, the new manifest tells), or of a
    # pipeline.
    for name in (LABELLING_NAME, PLANS_NAME):
        storage.remove(os.path.join(config.out, name))
    todo = [
        plan
        for plan, content in zip(plans, finished, strict=True)
        if content is None or content.get("unsure")
    ]
    if todo:
        noted = [noted_of(config.out, plan.name, plan.videos, settings) for plan in todo]
        if config.strict:
            cut_shards.refuse_problems(shard.problems() for shard in noted)
        _announce_lost(config, noted, {video.id for video in found})
        withdraw(config.out)
        _make(config, todo, progress)
    manifest = _summary(config, plans)
    if not any(split.clips for split in manifest.splits.values()):
        examples = "; ".join(f"{s.video_id}: {s.reason}" for s in manifest.skipped[:3])
        raise ValueError(f"none of {len(manifest.skipped)} videos gave a clip ({examples})")
    write_manifest(manifest)
    return manifest


def _make(config: PrepareConfig, todo: list[ShardPlan], progress: bool) -> None:
    if config.beam.runner == LOCAL:
        cut_shards.cut_shards(config, todo, progress)
    else:
        from soundnet_tf.data import on_beam

        on_beam.cut_shards(config, todo)


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


def _announce_lost(config: PrepareConfig, before: list[Kept], found: Set[str]) -> None:
    """Says what was in the shards and will not be."""
    gone = sorted(id for shard in before for id in shard.known if id not in found)
    if gone:
        logging.warning(
            "%s has no more %d videos that were prepared; their clips go: %s",
            find.printable(config.videos),
            len(gone),
            ", ".join(gone[:MOST_LINES]) + (" …" if len(gone) > MOST_LINES else ""),
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


def _summary(config: PrepareConfig, plans: tuple[ShardPlan, ...]) -> Manifest:
    finished = [shards.finished(config.out, plan, config.settings()) for plan in plans]
    if undone := [plan.name for plan, c in zip(plans, finished, strict=True) if c is None]:
        raise RuntimeError(
            f"{len(undone)} shards were written but are not in {config.out}, {undone[0]} for one; "
            "do all workers see that folder? Give a bucket, or a folder that all share"
        )
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
        kinds = Counter(reasons.kind_of_reason(skip.reason) for skip in manifest.skipped)
        by_count = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        counts = ", ".join(f"{count} {kind}" for kind, count in by_count)
        lines.append(f"{len(manifest.skipped)} skipped ({counts}):")
    of_videos = {skip.video_id: skip.reason for skip in manifest.skipped}
    lines += skipped_lines(of_videos, "in manifest.json")
    if problem := no_clips(manifest):
        return "\n".join([*lines, f"Not enough to train on: {problem}"])
    teacher = "--imagenet_teacher=pypi:efficientnet_lite0"
    data = f"--data={shlex.quote(manifest.directory)}"
    lines.append(f"Next: bin/train.py {data} --out=RUN {teacher}")
    return "\n".join(lines)


def _version() -> str:
    try:
        return importlib.metadata.version("soundnet-tf")
    except importlib.metadata.PackageNotFoundError:  # used from a checkout
        return soundnet_tf.__version__
