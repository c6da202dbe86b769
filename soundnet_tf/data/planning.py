"""Which clips a video is cut into, before any of it is decoded.

This module runs in spawned worker processes and therefore never imports TensorFlow.
"""

import numpy as np

from soundnet_tf import media
from soundnet_tf.data.clips import LeftOut, Run, Streams, Video
from soundnet_tf.data.reasons import BEYOND, NO_PICTURES, NO_SOUND, reason, too_short
from soundnet_tf.data.settings import SHORTEST_VIDEO_SECS, Cutting

RUN_SECS = 100.0  # what one task cuts: about 6 MB of records, and a film occupies every core


def clip_starts(duration_secs: float, cutting: Cutting) -> tuple[float, ...]:
    """Starts (seconds) of the consecutive clips that a video is cut into.

    The remainder counts if it is at least one frame interval long or the only clip. A video
    shorter than SHORTEST_VIDEO_SECS has no clips.
    """
    whole = int(duration_secs // cutting.clip_secs)
    remainder_secs = duration_secs - whole * cutting.clip_secs
    shortest_secs = cutting.frame_every_secs if whole else SHORTEST_VIDEO_SECS
    count = whole + (remainder_secs >= shortest_secs)
    return tuple(i * cutting.clip_secs for i in range(count))


def span_starts(
    video: Video, duration_secs: float, cutting: Cutting
) -> tuple[tuple[float, ...], tuple[LeftOut, ...]]:
    """Starts (seconds) of a video's clips, each span cut as a video of its own that ends where the
    film does if that is earlier; and the spans in which there is none."""
    if not video.spans:
        return clip_starts(duration_secs, cutting), ()
    starts_secs: list[float] = []
    left_out = []
    for span in video.spans:
        secs = round(min(span.end_secs, duration_secs) - span.start_secs, 6)
        of_span = clip_starts(secs, cutting) if secs > 0 else ()
        starts_secs += (span.start_secs + start_secs for start_secs in of_span)
        if not of_span:
            end = f"{BEYOND} of the film at {duration_secs:.2f} s"
            left_out.append(LeftOut(span.start_secs, end if secs <= 0 else too_short(secs)))
    return tuple(starts_secs), tuple(left_out)


def plan(video: Video, cutting: Cutting) -> tuple[Run, ...]:
    """Tasks for a video, at least one; a file that cannot be used gives one with its problem."""
    try:
        info = media.probe(
            video.path, cutting.audio_stream, cutting.video_stream, cutting.limits.most_pixels
        )
    except (media.MediaError, OSError) as error:
        problem, is_far = reason(error, video.path, video.id), isinstance(error, OSError)
        return (Run(video, (), last=True, problem=problem, out_of_reach=is_far),)
    starts_secs, left_out = span_starts(video, info.duration_secs, cutting)
    clips_per_run = max(1, int(RUN_SECS // cutting.clip_secs))
    problem = None
    if info.audio_codec is None:
        problem = NO_SOUND
    elif info.width is None:
        problem = NO_PICTURES
    elif len(starts_secs) > clips_per_run:
        starts_secs, silent = _without_pauses(video, starts_secs, cutting)
        left_out += silent
    if not (problem or starts_secs):
        reasons = dict.fromkeys(span.reason for span in left_out)
        problem = "; ".join(reasons) or too_short(info.duration_secs)
    if problem:
        return (Run(video, (), last=True, problem=problem),)
    runs = [starts_secs[i : i + clips_per_run] for i in range(0, len(starts_secs), clips_per_run)]
    has_choice = len(info.audio_streams) > 1 or len(info.video_streams) > 1
    streams = Streams(info.audio_stream, info.video_stream) if has_choice else None
    return tuple(
        Run(video, run, run is runs[-1], None, streams, () if i else left_out)
        for i, run in enumerate(runs)
    )


def _without_pauses(
    video: Video, starts_secs: tuple[float, ...], cutting: Cutting
) -> tuple[tuple[float, ...], tuple[LeftOut, ...]]:
    """The starts of clips that may have sound, and a line for each stretch that has none: a small
    file may say that it lasts for weeks, and each clip costs a look."""
    ends_secs = tuple(secs + video.clip_secs(secs, cutting) for secs in starts_secs)
    begins = np.array(starts_secs)
    may_sound = media.has_sound(video.path, begins, np.array(ends_secs), cutting.audio_stream)
    left_out = []
    turns = np.flatnonzero(np.diff(may_sound)) + 1
    for of_stretch in np.split(np.arange(len(may_sound)), turns):
        first, last = of_stretch[[0, -1]]
        if not may_sound[first]:
            between = f"from {starts_secs[first]:.2f} to {ends_secs[last]:.2f} s"
            left_out.append(LeftOut(starts_secs[first], f"{NO_SOUND} {between}"))
    return tuple(begins[may_sound].tolist()), tuple(left_out)


def plan_failed(video: Video, why: str) -> tuple[Run, ...]:
    """What stands for `plan` if the video takes the process down, see `Workers.map`."""
    return (Run(video, (), last=True, problem=why),)
