"""What is heard when, for programs that play or edit the recording: Audacity's labels, and the
subtitles of SubRip (.srt) and WebVTT (.vtt).

A step speaks for the time from midway to the one before to midway to the next, see `moments`. As
long as the most probable class of each head stays, it is one label, with the means of its steps (of
which the first is again that class). Times are seconds of the recording's own clock.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TextIO

from soundnet_tf.files import atomic, storage
from soundnet_tf.files.find import one_line
from soundnet_tf.serving import settings
from soundnet_tf.serving.moments import stretches
from soundnet_tf.serving.recognize import Recognition, in_words

# SubRip has no escapes: players take <b> and {\an8} for commands, and --> for a time. So angles are
# the single ones of quotations.
_SUBRIP_SIGNS = str.maketrans("<>{}", "\u2039\u203a()")
_WEBVTT_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Label(NamedTuple):
    """A text of a line a head, from one moment to another."""

    begin_secs: float
    end_secs: float
    lines: tuple[str, ...]


def labels_of(recognition: Recognition, top: int) -> list[Label]:
    """The labels of a recording, without a gap; of each head the `top` most probable classes."""
    heads = list(recognition.probabilities)
    firsts = [[ranking[0][0] for ranking in recognition.top(head, 1)] for head in heads]
    return [
        Label(begin_secs, end_secs, tuple(in_words(heard.top_overall(h, top)) for h in heads))
        for _, (begin_secs, end_secs, heard) in stretches(
            recognition, lambda step: tuple(names[step] for names in firsts)
        )
    ]


def audacity(labels: Sequence[Label]) -> Iterator[str]:
    """Lines of a label track (File > Import > Labels): begin, end and text, between tabs."""
    for label in labels:
        text = " | ".join(map(one_line, label.lines))
        yield f"{label.begin_secs:.6f}\t{label.end_secs:.6f}\t{text}\n"


def subrip(labels: Sequence[Label]) -> Iterator[str]:
    """Numbered cues, which players read from beside the film."""
    for number, label in enumerate(labels, 1):
        lines = (one_line(line).translate(_SUBRIP_SIGNS) for line in label.lines)
        yield "\n".join((str(number), _times(label, ","), *lines, "\n"))


def webvtt(labels: Sequence[Label]) -> Iterator[str]:
    """Cues for the `track` of a page's `audio` or `video`."""
    yield "WEBVTT\n\n"
    for label in labels:
        lines = (one_line(line).translate(_WEBVTT_SIGNS) for line in label.lines)
        yield "\n".join((_times(label, "."), *lines, "\n"))


WRITERS: dict[str, Callable[[Sequence[Label]], Iterator[str]]] = {
    settings.AUDACITY: audacity,
    settings.SRT: subrip,
    settings.VTT: webvtt,
}


class LabelText:
    """The labels of one recording, to where a report goes."""

    def __init__(self, form: str, out: TextIO, top: int):
        self._form, self._out, self._top = form, out, top

    def add(self, path: str, recognition: Recognition) -> None:
        self._out.writelines(WRITERS[self._form](labels_of(recognition, self._top)))
        self._out.flush()

    def finish(self) -> None:
        """Nothing stands at the end."""


class LabelFiles:
    """A file of labels for each recording in a folder, named after it; never in place of another.

    Args:
        form: one of WRITERS.
        out: where is told which files were written.
        top: classes of each head.
        files: of each recording's path the file, as of `settings.label_files`.
    """

    def __init__(self, form: str, out: TextIO, top: int, files: Mapping[str, str]):
        self._form, self._out, self._top, self._files = form, out, top, files

    def add(self, path: str, recognition: Recognition) -> None:
        """Writes the labels of the recording at `path`; FileExistsError if its file is there."""
        labels = labels_of(recognition, self._top)
        file = self._files[path]
        settings.check_not_there(file)  # again: another command may have written it meanwhile
        storage.make_folder(os.path.dirname(file))
        atomic.write_text(file, "".join(WRITERS[self._form](labels)))
        count = f"{len(labels)} label{'s' * (len(labels) != 1)}"
        print(f"wrote {one_line(file)}: {count} of {one_line(path)}", file=self._out, flush=True)

    def finish(self) -> None:
        """Nothing stands at the end."""


def _times(label: Label, point: str) -> str:
    begin, end = (round(1000 * secs) for secs in (label.begin_secs, label.end_secs))
    return f"{_time(begin, point)} --> {_time(max(end, begin + 1), point)}"  # players want a length


def _time(milliseconds: int, point: str) -> str:
    secs, milliseconds = divmod(milliseconds, 1000)
    minutes, secs = divmod(secs, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{secs:02d}{point}{milliseconds:03d}"
