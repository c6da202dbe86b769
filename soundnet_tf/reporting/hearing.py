"""What was heard in one recording, for its timeline: read once, in a memory that does not grow with
its length but for the answers."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from soundnet_tf import constants
from soundnet_tf.media import stream_audio
from soundnet_tf.models.teachers.teacher import Teacher
from soundnet_tf.reporting import sights
from soundnet_tf.reporting.overview import Columns, Overview
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.reporting.sights import Sight
from soundnet_tf.serving.listener import Listener
from soundnet_tf.serving.recognize import Recognition

_MOST_MOMENTS = 8  # at which teacher and student stand side by side


@dataclass(frozen=True)
class Recording:
    """A recording as it was heard and seen.

    Attributes:
        id: its name.
        recognition: objects and scenes over time.
        columns: waveform and spectrogram of all of it.
        beginning: float32 [samples], as much of its sound as was asked for.
        frames: of a video, in the middle of equal parts, None where it shows nothing; else none.
        sights: what teachers see at moments of the recognition, `steps` of it; none without
            teachers.
        steps: of each of `sights` the step of the recognition.
    """

    id: str
    recognition: Recognition
    columns: Columns
    beginning: np.ndarray
    frames: Sequence[Sight | None] = ()
    sights: Sequence[Sight] = ()
    steps: Sequence[int] = ()


def hear(
    id: str,
    path: str,
    ears: Listener,
    teachers: Mapping[str, Teacher],
    config: ReportConfig,
    most_secs: float,
) -> Recording:
    """Hears a recording, and looks at it.

    Args:
        id, path: its name, and where it is.
        ears: hear it.
        teachers: by head, who look at it if it is a video.
        config: how files are read.
        most_secs: of `beginning`.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    overview, beginning = Overview(), []
    pieces = stream_audio(path, config.channel, audio_stream=config.audio_stream)
    kept = math.ceil(most_secs * constants.SAMPLE_RATE)
    watched = _watched(pieces, overview, beginning, kept)
    heard = ears.hear_pieces(watched, ears.labels, config.short)
    steps = {head: steps.values for head, steps in heard.steps.items()}
    secs = next(iter(heard.steps.values())).secs
    recognition = Recognition(heard.duration_secs, secs, steps, ears.labels)
    chosen = spread(range(len(secs)), _MOST_MOMENTS)
    frames, seen = sights.look(
        path, recognition.duration_secs, secs[chosen], teachers, config.audio_stream
    )
    return Recording(
        id,
        recognition,
        overview.finish(),
        np.concatenate([*beginning, np.zeros(0, np.float32)])[:kept],
        frames,
        [sight for sight in seen if sight is not None],
        [step for step, sight in zip(chosen, seen, strict=True) if sight is not None],
    )


def spread(things: Sequence, count: int) -> list:
    """So many of the things, evenly, the first and the last among them; all if they are fewer."""
    if count >= len(things):
        return list(things)
    return [things[round(i)] for i in np.linspace(0, len(things) - 1, count)]


def _watched(
    pieces: Iterable[np.ndarray], overview: Overview, beginning: list[np.ndarray], kept: int
) -> Iterator[np.ndarray]:
    """The pieces, of which the overview is told and the first samples are kept."""
    samples = 0
    for piece in pieces:
        overview.push(piece)
        if samples < kept:
            beginning.append(piece)
        samples += piece.size
        yield piece
