"""Shards are cut from their videos: all that are to do, or one of them in a worker of Beam's."""

import os
from collections.abc import Iterable, Sequence
from functools import partial

from soundnet_tf.data import clips, planning, shards
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.kept import kept_of
from soundnet_tf.data.settings import PrepareConfig
from soundnet_tf.data.shards import Results, ShardPlan
from soundnet_tf.data.workers import Workers
from soundnet_tf.files.progress import Bar, progress_bar


def cut_shards(config: PrepareConfig, plans: Sequence[ShardPlan], progress: bool = True) -> None:
    """Writes shards, each whole or not at all, and the JSONs beside them.

    What a shard of before has of videos that have not changed is taken from it. The bytes of a
    shard depend on its videos and the settings alone, not on what else is cut here.

    Args:
        config: how, and with how many processes.
        plans: what each is to hold.
        progress: whether to show progress on stderr.

    Raises:
        ValueError: with `strict`, at the first video that cannot be used.
    """
    settings = config.settings()
    kept = {plan.name: kept_of(config.out, plan.name, plan.videos, settings) for plan in plans}
    sources = [
        video for plan in plans for video in plan.videos if video.id not in kept[plan.name].videos
    ]
    with Workers(config.workers or os.cpu_count(), config.cutting.limits) as workers:
        plan_video = partial(planning.plan, cutting=config.cutting)
        planned = workers.map(plan_video, sources, planning.plan_failed)
        planned = progress_bar(len(sources), "planning", "video", progress, items=planned)
        runs = [run for _, runs_of_video in planned for run in runs_of_video]
        cut = partial(clips.cut, cutting=config.cutting, audio_codec=config.audio_codec)
        results = workers.map(cut, runs, clips.cut_failed)
        if config.strict:
            results = _strictly(results)
        total = sum(len(run.starts_secs) for run in runs)
        with progress_bar(total, "cutting", "clip", progress) as bar:
            results = _counted(results, bar)
            for plan in plans:
                shards.write_shard(config.out, plan, settings, results, kept[plan.name])


def refuse_problems(finished: Iterable[dict]) -> None:
    """The ValueError of `strict` if there is a problem in what shards' JSONs say."""
    for content in finished:
        damaged = [clip for clip in content["left_out"] if clip["damaged"]]
        for problem in [*content["skipped"], *damaged]:
            raise _strict_error(problem["video_id"], problem["reason"])


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


def _strict_error(video_id: str, reason: str) -> ValueError:
    return ValueError(f"{video_id}: {reason} (strict: repair or remove it, or go on without)")
