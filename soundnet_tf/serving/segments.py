"""The moments in which something is heard, cut out of their recordings as sound files.

A step speaks for some seconds, see `moments`. Where a class of the wanted name is among the `top`
most probable of its head, these seconds are cut, neighbours together: all channels of the stream
that was heard, at its own rate, its samples unchanged, into a WAV. `segments.csv` lists what was
cut, a row each, written as soon as the sound is there.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from soundnet_tf.files import storage
from soundnet_tf.files.find import printable
from soundnet_tf.files.lists import csv_line
from soundnet_tf.media.channels import open_channels
from soundnet_tf.serving.file_names import unique_names
from soundnet_tf.serving.moments import Stretch, stretches
from soundnet_tf.serving.recognize import Recognition
from soundnet_tf.serving.settings import SEGMENTS_TABLE
from soundnet_tf.serving.wav_file import write_wav

COLUMNS = ("path", "begin", "end", "head", "label", "probability", "recording")
_MOST_SUGGESTED, _LEAST_LIKENESS = 5, 0.75


class Segments:
    """Cuts segments into a folder, recording by recording.

    Args:
        folder: a local one, new or empty.
        wanted: a class's name, one of its synonyms, or a pattern (`*terrier*`), in any case.
        labels: head to the names of its classes.
        paths: of all recordings.
        top: among how many classes of its head the wanted one has to be.
        audio_stream: as of `media.read_audio`.

    Raises:
        ValueError: no class is called so; names some that are called nearly so.
        FileExistsError: the folder has a table already.
    """

    def __init__(
        self,
        folder: str,
        wanted: str,
        labels: Mapping[str, Sequence[str]],
        paths: Sequence[str],
        top: int,
        audio_stream: int | None = None,
    ):
        self._classes = classes_called(wanted, labels)
        self._wanted, self._folder, self._top = wanted, folder, top
        self._names = dict(zip(paths, unique_names(paths), strict=True))
        self._audio_stream = audio_stream
        self._count, self._secs = 0, 0.0
        storage.make_folder(folder)
        try:
            with open(self._table, "x", encoding="utf-8", newline="") as file:
                file.write(csv_line(COLUMNS))
        except FileExistsError as error:
            raise FileExistsError(
                f"{self._table} is there already, another command has begun it; give each its own "
                "folder"
            ) from error

    @property
    def _table(self) -> str:
        return os.path.join(self._folder, SEGMENTS_TABLE)

    def add(self, path: str, recognition: Recognition) -> None:
        """Cuts what of a recording is wanted; errors as of `media.read_audio`, and of disks."""
        for segment in find(recognition, self._classes, self._top):
            name = f"{self._names[path]}_{segment.begin_secs:.3f}-{segment.end_secs:.3f}.wav"
            extent = segment.begin_secs, segment.end_secs
            with open_channels(path, *extent, self._audio_stream) as sound:
                write_wav(os.path.join(self._folder, name), sound)
            times = (f"{secs:.3f}" for secs in extent)
            best = segment.head, segment.label, f"{segment.probability:.6f}"
            with open(self._table, "a", encoding="utf-8", newline="") as file:
                file.write(csv_line([name, *times, *best, printable(path)]))
            self._count += 1
            self._secs += segment.end_secs - segment.begin_secs

    def summary(self) -> str:
        """What was cut, in a sentence."""
        if not self._count:
            rank = f"among the {self._top} most probable classes"
            rank = rank if self._top > 1 else "the most probable class"
            return (
                f"nothing cut: nowhere is {self._wanted} {rank} of its head; a larger --top looks "
                "further down, into another folder"
            )
        plural = "s" * (self._count != 1)
        return f"cut {self._count} segment{plural}, {self._secs:.1f} s: {printable(self._table)}"


class Segment(NamedTuple):
    """A stretch in which a wanted class is heard: the most probable such class, with the mean of
    its probabilities in it."""

    begin_secs: float
    end_secs: float
    head: str
    label: str
    probability: float


def find(recognition: Recognition, classes: Mapping[str, set[str]], top: int) -> list[Segment]:
    """The segments of a recording, none touching another, of classes as `classes_called` gives
    them."""
    heard = {
        head: [any(name in classes[head] for name, _ in ranking) for ranking in ranked]
        for head in recognition.probabilities
        for ranked in [recognition.top(head, top)]
    }

    def is_heard(step: int) -> bool:
        return any(steps[step] for steps in heard.values())

    wanted = [stretch for said, stretch in stretches(recognition, is_heard) if said]
    return [Segment(s.begin_secs, s.end_secs, *_best(s, classes)) for s in wanted]


def classes_called(wanted: str, labels: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Of each head the names of those classes that are called `wanted`, by their whole name or a
    synonym.

    Raises:
        ValueError: there is none; names some that are called nearly so.
    """
    pattern = wanted.casefold()
    found = {
        head: {name for name in names if any(fnmatchcase(s, pattern) for s in _synonyms(name))}
        for head, names in labels.items()
    }
    if not any(found.values()):
        raise ValueError(f"no class is called {wanted!r}; {_suggestion(pattern, labels)}")
    return found


def _best(stretch: Stretch, classes: Mapping[str, set[str]]) -> tuple[str, str, float]:
    heard = stretch.heard
    ranked = [
        (head, label, probability)
        for head in heard.probabilities
        for label, probability in heard.top_overall(head, len(heard.labels[head]))
        if label in classes[head]
    ]
    return max(ranked, key=lambda found: found[2])


def _synonyms(name: str) -> list[str]:
    return [name.casefold(), *(synonym.strip().casefold() for synonym in name.split(","))]


def _suggestion(pattern: str, labels: Mapping[str, Sequence[str]]) -> str:
    known = dict.fromkeys(s for names in labels.values() for name in names for s in _synonyms(name))
    within = [name for name in known if pattern in name and "," not in name]
    near = within or difflib.get_close_matches(pattern, known, _MOST_SUGGESTED, _LEAST_LIKENESS)
    if not near:
        return f"--format=csv --top={max(map(len, labels.values()))} prints every class"
    names = ", ".join(map(repr, near[:_MOST_SUGGESTED]))
    more = f", or --segment_label='*{pattern}*' for all of them" if len(within) > 1 else ""
    return f"there {'is' if len(near) == 1 else 'are'} {names}{more}"
