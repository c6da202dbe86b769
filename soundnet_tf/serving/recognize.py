"""What a recording sounds like: the objects and scenes that the network hears, by name."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from soundnet_tf import constants
from soundnet_tf.media import stream_audio
from soundnet_tf.models import checkpoint
from soundnet_tf.models import student as students
from soundnet_tf.serving import listener
from soundnet_tf.serving.embed import as_list

Ranking = list[tuple[str, float]]


def in_words(ranking: Ranking) -> str:
    """The first of each class's synonyms, with its probability."""
    return ", ".join(f"{label.split(',')[0]} {probability:.0%}" for label, probability in ranking)


@dataclasses.dataclass(frozen=True)
class Recognition:
    """What was heard in one sound.

    Attributes:
        duration_secs: of the sound.
        secs: float64 [steps], the centres of what the steps hear (SoundNet-8: 14.5 s each).
        probabilities: head ("objects", "scenes") to float32 [steps, classes].
        labels: head to the names of its classes.
    """

    duration_secs: float
    secs: np.ndarray
    probabilities: dict[str, np.ndarray]
    labels: checkpoint.Labels

    def top(self, head: str, count: int = 5) -> list[Ranking]:
        """The `count` most probable classes of each step, as (name, probability)."""
        return students.decode_predictions(self.probabilities[head], count, self.labels[head])

    def top_overall(self, head: str, count: int = 5) -> Ranking:
        """The `count` most probable classes of the whole sound, the mean of its steps."""
        steps = self.probabilities[head][None]
        return students.decode_predictions(steps, count, self.labels[head])[0]


def recognize(
    waveform: np.ndarray | Sequence[np.ndarray],
    sample_rate: float | Sequence[float] | None = None,
    model: str = constants.PUBLISHED,
    channel: str = "mean",
    short: str = "loop",
) -> Recognition | list[Recognition]:
    """What one sound, or each of several, sounds like.

    Args: as `soundnet_tf.embed`. Sound of less than 11 s (SoundNet-8) is looped to 20 s.

    Returns:
        A `Recognition`; for a list of sounds a list.

    Raises:
        ValueError, FileNotFoundError, RuntimeError: as `soundnet_tf.embed`.
    """
    waveforms, is_one = as_list(waveform, sample_rate, channel)
    ears = listener.load(model)
    results = [_recognition(ears, heard) for heard in ears.hear(waveforms, ears.labels, short)]
    return results[0] if is_one else results


def recognize_file(
    path: str,
    model: str = constants.PUBLISHED,
    channel: str = "mean",
    short: str = "loop",
    audio_stream: int | None = None,
    on_heard: Callable[[float], None] | None = None,
) -> Recognition:
    """What a sound or video file of any length sounds like; otherwise as `recognize`.

    `audio_stream` is the number of the sound stream of a file that has several, as
    `media.read_audio` has it. `on_heard` is called now and then with the seconds that were heard
    so far.

    Raises:
        MediaError: a file that cannot be read; others as `recognize`.
    """
    ears = listener.load(model)
    pieces = stream_audio(path, channel, audio_stream=audio_stream)
    heard = ears.hear_pieces(pieces, ears.labels, short, on_heard=on_heard)
    return _recognition(ears, heard)


def _recognition(ears: listener.Listener, heard: listener.Heard) -> Recognition:
    secs = next(iter(heard.steps.values())).secs
    probabilities = {head: steps.values for head, steps in heard.steps.items()}
    return Recognition(heard.duration_secs, secs, probabilities, ears.labels)
