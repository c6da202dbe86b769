"""Videos, looked at in worker processes: first what they are made of, then clip after clip.

This module runs in spawned worker processes and therefore never imports TensorFlow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from soundnet_tf import media
from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import clips, planning, reasons
from soundnet_tf.data.clips import LeftOut, Run, Video
from soundnet_tf.data.reasons import NO_FRAME
from soundnet_tf.data.settings import SHORTEST_VIDEO_SECS, Cutting
from soundnet_tf.inspection.facts import Facts, facts_of
from soundnet_tf.inspection.look import SHORT_SIDE, Look, look


@dataclass(frozen=True)
class Planned:
    """A video's facts, none of one that cannot be read, and its tasks."""

    facts: Facts
    runs: tuple[Run, ...]


def plan(video: Video, cutting: Cutting) -> Planned:
    """As `planning.plan`, whose problems are those for which `prepare` skips a video."""
    runs = planning.plan(video, cutting)
    try:
        facts = facts_of(
            video.path, cutting.audio_stream, cutting.video_stream, cutting.limits.most_pixels
        )
    except (media.MediaError, OSError) as error:
        problem = reasons.reason(error, video.path, video.id)
        return Planned({}, (Run(video, (), last=True, problem=problem),))
    return Planned(facts, runs)


def plan_failed(video: Video, why: str) -> Planned:
    """What stands for `plan` if the video takes the process down."""
    return Planned({}, planning.plan_failed(video, why))


def runs_of(video: Video, starts_secs: Sequence[float], cutting: Cutting) -> Iterator[Run]:
    """Tasks of `planning.RUN_SECS` each for the clips that begin there."""
    size = max(1, int(planning.RUN_SECS // cutting.clip_secs))
    for first in range(0, len(starts_secs), size):
        of_run = tuple(starts_secs[first : first + size])
        yield Run(video, of_run, last=first + size >= len(starts_secs))


def look_at(
    run: Run, cutting: Cutting, still_levels: float, silent_dbfs: float
) -> tuple[Look | LeftOut, ...]:
    """What is found in each clip of the run, or why it cannot be looked at."""

    def clip(film: media.Film, start_secs: float) -> Look | LeftOut:
        read = film.clip(
            start_secs,
            duration_secs=run.video.clip_secs(start_secs, cutting),
            frame_every_secs=cutting.frame_every_secs,
            short_side=SHORT_SIDE,
            channel=cutting.channel,
        )
        sound_secs = len(read.waveform) / SAMPLE_RATE
        if sound_secs < SHORTEST_VIDEO_SECS:
            return LeftOut(start_secs, reasons.too_short(sound_secs))
        if not read.frames:
            return LeftOut(start_secs, NO_FRAME)
        found = look(read.waveform, read.frames, read.frame_secs, still_levels, silent_dbfs)
        found.row["is_cancelled"] = read.is_cancelled
        return found

    return clips.each_clip(run, cutting, clip)


def look_failed(run: Run, why: str) -> tuple[LeftOut, ...]:
    """What stands for `look_at` if the run takes the process down."""
    return clips.clips_failed(run, why)
