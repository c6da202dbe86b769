"""Recognitions for people and for programs, recording by recording as they come: a table, JSON,
CSV, or labels of moments."""

import functools
import json
from collections.abc import Callable
from typing import Protocol, TextIO

from soundnet_tf.files.find import printable
from soundnet_tf.files.lists import csv_line
from soundnet_tf.serving import captions, settings
from soundnet_tf.serving.recognition_table import Table
from soundnet_tf.serving.recognize import Ranking, Recognition


class Report(Protocol):
    """What is told of recordings, one after the other."""

    def add(self, path: str, recognition: Recognition) -> None:
        """Tells what was heard in the file at `path`."""

    def finish(self) -> None:
        """Tells what stands at the end."""


class Json:
    """One array with an object a file: `path`, `duration_secs`, `overall` and `steps`."""

    def __init__(self, out: TextIO, top: int):
        self._out, self._top, self._count = out, top, 0

    def add(self, path: str, recognition: Recognition) -> None:
        heads = recognition.probabilities
        steps = {head: recognition.top(head, self._top) for head in heads}
        content = {
            "path": printable(path),
            "duration_secs": round(recognition.duration_secs, 3),
            "overall": {h: _objects(recognition.top_overall(h, self._top)) for h in heads},
            "steps": [
                {"secs": round(float(secs), 3)} | {h: _objects(steps[h][i]) for h in heads}
                for i, secs in enumerate(recognition.secs)
            ],
        }
        self._out.write(",\n" if self._count else "[\n")
        self._out.write(json.dumps(content, ensure_ascii=False))
        self._count += 1

    def finish(self) -> None:
        """Closes the array."""
        self._out.write("\n]\n" if self._count else "[]\n")


class Csv:
    """A row a class: path, secs, head, rank, label, probability."""

    def __init__(self, out: TextIO, top: int):
        self._out, self._top = out, top
        self._out.write(csv_line(["path", "secs", "head", "rank", "label", "probability"]))

    def add(self, path: str, recognition: Recognition) -> None:
        name = printable(path)
        for head in recognition.probabilities:
            ranked = recognition.top(head, self._top)
            for secs, ranking in zip(recognition.secs, ranked, strict=True):
                for rank, (label, probability) in enumerate(ranking, 1):
                    row = [name, f"{secs:.3f}", head, rank, label, f"{probability:.6f}"]
                    self._out.write(csv_line(row))

    def finish(self) -> None:
        """Nothing stands at the end."""


FORMATS: dict[str, Callable[[TextIO, int], "Report"]] = {
    settings.TABLE: Table,
    settings.JSON: Json,
    settings.CSV: Csv,
    **{form: functools.partial(captions.LabelText, form) for form in captions.WRITERS},
}


def _objects(ranking: Ranking) -> list[dict]:
    return [{"label": label, "probability": round(p, 6)} for label, p in ranking]
