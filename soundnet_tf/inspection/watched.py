"""Films that are looked at: which there are, what is known of them, and what is to be done."""

from functools import partial

from soundnet_tf.data import videos
from soundnet_tf.data.clips import Video
from soundnet_tf.data.videos import TRAIN, VAL
from soundnet_tf.data.workers import Workers
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.inspection import films, pieces
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.rows import Rows
from soundnet_tf.inspection.settings import InspectConfig


def gather(config: InspectConfig, progress: bool) -> list[Seen]:
    """Every video with its clips, in the order of their ids; what is new is looked at now.

    Raises:
        FileNotFoundError, ValueError: as of `videos.find_videos`; rows of other settings.
    """
    found = videos.find_videos(config.videos)
    known = {video.id: video.identity for video in found}
    settings = config.of_rows()
    with (
        Rows(config.out, settings, known) as rows,
        Workers(pieces.workers(config), config.limits) as workers,
    ):
        _plan(config, found, rows, workers, progress)
        _look(config, found, rows, workers, progress)
    return [
        Seen(
            id=video.id,
            path=video.path,
            split=videos.split_and_shard(video.id, config.val_fraction, {TRAIN: 1, VAL: 1})[0],
            bytes=video.identity.bytes,
            row=rows.videos[video.id],
            clips=pieces.in_order(rows, video.id),
            spans=video.spans,
        )
        for video in found
    ]


def _plan(
    config: InspectConfig, found: tuple[Video, ...], rows: Rows, workers: Workers, progress: bool
) -> None:
    new = [video for video in found if video.id not in rows.videos]
    plan = partial(films.plan, cutting=config.cutting())
    planned = workers.map(plan, new, films.plan_failed)
    bar = progress_bar(
        len(found), "planning", "video", progress, len(found) - len(new), items=planned
    )
    for video, of_video in bar:
        starts_secs = [secs for run in of_video.runs for secs in run.starts_secs]
        problem = next((run.problem for run in of_video.runs if run.problem), None)
        row = {"video_id": video.id, "problem": problem, "facts": of_video.facts}
        rows.add_video(row | {"starts_secs": starts_secs, **video.identity.as_fields()})


def _look(
    config: InspectConfig, found: tuple[Video, ...], rows: Rows, workers: Workers, progress: bool
) -> None:
    runs, total, done = [], 0, 0
    for video in found:
        starts_secs = rows.videos[video.id]["starts_secs"]
        known = rows.clips.get(video.id, {})
        missing = [secs for secs in starts_secs if secs not in known]
        runs += films.runs_of(video, missing, config.cutting())
        total, done = total + len(starts_secs), done + len(starts_secs) - len(missing)
    look = partial(
        films.look_at,
        cutting=config.cutting(),
        still_levels=config.still_levels,
        silent_dbfs=config.silent_dbfs,
    )
    with progress_bar(total, "looking", "clip", progress, done) as bar:
        for run, outcomes in workers.map(look, runs, films.look_failed):
            for start_secs, outcome in zip(run.starts_secs, outcomes, strict=True):
                pieces.add(config.out, rows, run.video.id, start_secs, outcome)
                bar.update()
