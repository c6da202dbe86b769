"""What is on screen at moments of a video, and what teachers see in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from absl import logging

from soundnet_tf.constants import FRAME_SHORT_SIDE
from soundnet_tf.media import MediaError, probe, read_clip
from soundnet_tf.models.student import decode_predictions
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.serving.recognize import Ranking

_FRAMES = 8  # above a timeline
_LOOK_SECS = 0.1  # of the stretch that is read for a frame


@dataclass(frozen=True)
class Sight:
    """A frame of a video.

    Attributes:
        secs: the moment at which it is on screen, from the video's beginning.
        frame: uint8 [height, width, 3].
        seen: by head what its teacher sees in the centre square; empty if none looked.
    """

    secs: float
    frame: np.ndarray
    seen: Mapping[str, np.ndarray]

    def top(self, head: str, count: int, labels: Sequence[str]) -> Ranking:
        """The most probable classes that the head's teacher sees."""
        return decode_predictions(self.seen[head], count, tuple(labels))[0]


def look(
    path: str,
    duration_secs: float,
    moments_secs: Sequence[float],
    teachers: Mapping[str, Teacher],
    audio_stream: int | None = None,
) -> tuple[list[Sight | None], list[Sight | None]]:
    """Frames spread over a video, and those of some moments with what teachers see in them.

    A file whose pictures cannot be read has none, as one without; its sound was heard.

    Args:
        path: of a sound or video file.
        duration_secs: of its sound.
        moments_secs: at which teachers look.
        teachers: by head; without any nothing is read for `moments_secs`.
        audio_stream: as of `media.read_clip`.

    Returns:
        The frames in the middle of _FRAMES equal parts, None where there is no picture (it may end
        before the sound), none at all of a file without any; and of each moment the sight, None
        where there is no picture or no teacher.
    """
    nothing: list[Sight | None] = [None] * len(moments_secs)
    try:
        if probe(path, audio_stream).width is None:
            return [], nothing
    except MediaError as error:
        logging.warning("%s", error)
        return [], nothing
    parts = (np.arange(_FRAMES) + 0.5) / _FRAMES * duration_secs
    frames = [_frame(path, float(secs), audio_stream) for secs in parts]
    strip = [
        None if frame is None else Sight(float(secs), frame, {})
        for secs, frame in zip(parts, frames, strict=True)
    ]
    strip = strip if any(strip) else []
    if not teachers:
        return strip, nothing
    return strip, [_sight(path, float(secs), teachers, audio_stream) for secs in moments_secs]


def _sight(
    path: str, secs: float, teachers: Mapping[str, Teacher], audio_stream: int | None
) -> Sight | None:
    frame = _frame(path, secs, audio_stream)
    if frame is None:
        return None
    square = _centre_square(frame)[None, None]
    return Sight(secs, frame, {head: t(square).numpy()[0, 0] for head, t in teachers.items()})


def _frame(path: str, secs: float, audio_stream: int | None) -> np.ndarray | None:
    """The frame on screen at a moment, of FRAME_SHORT_SIDE pixels; None if there is none."""
    try:
        clip = read_clip(path, secs, _LOOK_SECS, _LOOK_SECS, audio_stream=audio_stream)
    except MediaError as error:
        logging.warning("%s", error)
        return None
    return clip.frames[0] if clip.frames else None


def _centre_square(frame: np.ndarray) -> np.ndarray:
    """uint8 [side, side, 3], what teachers look at in training too."""
    height, width = frame.shape[:2]
    top, left = (height - FRAME_SHORT_SIDE) // 2, (width - FRAME_SHORT_SIDE) // 2
    return frame[top : top + FRAME_SHORT_SIDE, left : left + FRAME_SHORT_SIDE]
