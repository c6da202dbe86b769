"""A video becomes clip records: sound beside a few JPEG frames on the same clock.

This module runs in spawned worker processes and therefore never imports TensorFlow.
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from PIL import Image

from soundnet_tf import media
from soundnet_tf.constants import FRAME_SHORT_SIDE, JPEG_QUALITY, SAMPLE_RATE
from soundnet_tf.data.codecs import encode_sound
from soundnet_tf.data.reasons import CANCELLED, NO_FRAME, SILENT, reason, too_short
from soundnet_tf.data.settings import PCM16, SHORTEST_VIDEO_SECS, Cutting
from soundnet_tf.files.identity import Identity
from soundnet_tf.files.spans import Span
from soundnet_tf.media.waveform import SILENT_PEAK

Outcome = TypeVar("Outcome")  # of one clip


@dataclass(frozen=True)
class Posteriors:
    """What one teacher says about the frames of a clip: float16 [frames, classes] in [0, 1]."""

    teacher: str
    fingerprint: str
    values: np.ndarray


@dataclass(frozen=True)
class ClipRecord:
    """One clip as the shards keep it.

    Attributes:
        id: f"{video_id}@{start_secs:.3f}".
        video_id: the video's path below the folder that was prepared, POSIX slashes.
        start_secs: where the clip starts in the video.
        audio: mono at SAMPLE_RATE, as `codecs.encode_sound` gives it.
        sample_count: samples in `audio`.
        jpegs: encoded RGB frames, the shorter side FRAME_SHORT_SIDE pixels.
        frame_secs: the time of each frame, relative to the clip's start.
        audio_codec: how `audio` is encoded, one of `codecs.CODECS`.
        posteriors: by head ("objects", "scenes"), once a teacher has labelled the clip.
    """

    id: str
    video_id: str
    start_secs: float
    audio: bytes
    sample_count: int
    jpegs: tuple[bytes, ...]
    frame_secs: tuple[float, ...]
    audio_codec: str = PCM16
    posteriors: Mapping[str, Posteriors] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A clip that gives no record, with the reason in one line."""

    start_secs: float
    reason: str
    damaged: bool = False  # the file could not be read, as against one that has nothing there


class OutOfReach(LeftOut):
    """A clip whose file was not there, or gave an error of the disk or network: another time it may
    be read."""


@dataclass(frozen=True)
class Video:
    """A video's name, where it lies (local or remote), and which content it has: all of the file,
    or the spans of it that its identity names."""

    id: str
    path: str
    identity: Identity

    @property
    def spans(self) -> tuple[Span, ...]:
        """Rising, none overlapping; none: all of it."""
        return self.identity.spans

    def clip_secs(self, start_secs: float, cutting: Cutting) -> float:
        """How long the clip may be that starts there: it ends with its span."""
        ends = (span.end_secs for span in self.spans if span.start_secs <= start_secs)
        # In decimals 50.1 - 30.1 is 20; in floats it is not, and a sample would be missing.
        left_secs = round(max(ends, default=math.inf) - start_secs, 6)
        return min(cutting.clip_secs, left_secs)


@dataclass(frozen=True)
class Streams:
    """Which sound and picture stream of a video are taken, where it has several of a kind.

    Numbers count from 0, as `media.probe` shows them.
    """

    audio_stream: int
    video_stream: int


@dataclass(frozen=True)
class Run:
    """One task: consecutive clips of one video, or the `problem` for which it has none."""

    video: Video
    starts_secs: tuple[float, ...]
    last: bool  # whether the video ends with this run
    problem: str | None = None
    streams: Streams | None = None  # if it has several of a kind
    left_out: tuple[LeftOut, ...] = ()  # spans of the video in which there is no clip
    out_of_reach: bool = False  # the problem: it may be read another time


def cut(run: Run, cutting: Cutting, audio_codec: str = PCM16) -> tuple[ClipRecord | LeftOut, ...]:
    """Spans without a clip, then one outcome per start of the run, in order; a run with a problem
    gives just that problem.

    The film is opened once for all clips, and anew after one that cannot be read.

    Args:
        run: what to cut.
        cutting: how.
        audio_codec: of the records, one of `codecs.CODECS`.
    """

    def clip(film: media.Film, start_secs: float) -> ClipRecord | LeftOut:
        return cut_clip(film, run.video, start_secs, cutting, audio_codec)

    return (*run.left_out, *each_clip(run, cutting, clip))


def each_clip(
    run: Run, cutting: Cutting, use: Callable[[media.Film, float], Outcome]
) -> tuple[Outcome | LeftOut, ...]:
    """What `use` makes of the open film and each start of the run, in order; a run with a problem
    gives just that problem."""
    if run.problem:
        kind = OutOfReach if run.out_of_reach else LeftOut
        return (kind(0.0, run.problem, damaged=True),)
    outcomes: list[Outcome | LeftOut] = []
    while len(outcomes) < len(run.starts_secs):
        starts_secs = run.starts_secs[len(outcomes) :]
        try:
            with media.open_film(
                run.video.path,
                starts_secs[0],
                cutting.audio_stream,
                cutting.video_stream,
                cutting.limits.most_pixels,
            ) as film:
                for start_secs in starts_secs:
                    outcomes.append(use(film, start_secs))
        except (media.MediaError, OSError) as error:
            start_secs = run.starts_secs[len(outcomes)]
            kind = OutOfReach if isinstance(error, OSError) else LeftOut
            outcomes.append(
                kind(start_secs, reason(error, run.video.path, run.video.id), damaged=True)
            )
    return tuple(outcomes)


def cut_failed(run: Run, why: str) -> tuple[LeftOut, ...]:
    """What stands for `cut` if the run takes the process down."""
    return (*run.left_out, *clips_failed(run, why))


def clips_failed(run: Run, why: str) -> tuple[LeftOut, ...]:
    """What stands for `each_clip` if the run takes the process down."""
    reason = run.problem or why
    return tuple(LeftOut(secs, reason, damaged=True) for secs in run.starts_secs or (0.0,))


def cut_clip(
    film: media.Film, video: Video, start_secs: float, cutting: Cutting, audio_codec: str = PCM16
) -> ClipRecord | LeftOut:
    """The clip of `video`, open as `film`, at `start_secs`, or why it gives no record.

    Raises:
        MediaError, OSError: it cannot be read.
    """
    clip = film.clip(
        start_secs,
        duration_secs=video.clip_secs(start_secs, cutting),
        frame_every_secs=cutting.frame_every_secs,
        short_side=FRAME_SHORT_SIDE,
        channel=cutting.channel,
    )
    sound_secs = len(clip.waveform) / SAMPLE_RATE
    if sound_secs < SHORTEST_VIDEO_SECS:
        return LeftOut(start_secs, too_short(sound_secs))
    if np.abs(clip.waveform).max() < SILENT_PEAK:
        return LeftOut(start_secs, CANCELLED if clip.is_cancelled else SILENT)
    if not clip.frames:
        return LeftOut(start_secs, NO_FRAME)
    return ClipRecord(
        id=f"{video.id}@{start_secs:.3f}",
        video_id=video.id,
        start_secs=start_secs,
        audio=encode_sound(clip.waveform, audio_codec),
        sample_count=len(clip.waveform),
        jpegs=tuple(jpeg(frame) for frame in clip.frames),
        frame_secs=tuple(map(float, clip.frame_secs)),
        audio_codec=audio_codec,
    )


def jpeg(frame: np.ndarray) -> bytes:
    """Frame (uint8 [height, width, 3] RGB) as JPEG with full colour resolution."""
    encoded = io.BytesIO()
    Image.fromarray(frame).save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    return encoded.getvalue()
