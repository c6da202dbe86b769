"""Recognitions for people and for programs: a table, JSON or CSV, file by file as they come."""

import json
from collections.abc import Callable
from typing import Protocol, TextIO

from soundnet_tf.files.find import printable
from soundnet_tf.files.lists import csv_line
from soundnet_tf.serving import settings
from soundnet_tf.serving.recognize import Ranking, Recognition


class Report(Protocol):
    """What is told of recordings, one after the other."""

    def add(self, path: str, recognition: Recognition) -> None:
        """Tells what was heard in the file at `path`."""

    def finish(self) -> None:
        """Tells what stands at the end."""


class Table:
    """For a terminal: a line a step, and of several steps a last one for the whole."""

    def __init__(self, out: TextIO, top: int):
        self._out, self._top = out, top

    def add(self, path: str, recognition: Recognition) -> None:
        heads = list(recognition.probabilities)
        columns = [("", *map(_clock, recognition.secs), "all")]
        for head in heads:
            steps = [*recognition.top(head, self._top), recognition.top_overall(head, self._top)]
            columns.append((head, *map(_ranking, steps)))
        widths = [max(map(len, column)) for column in columns]
        lines = list(zip(*columns, strict=True))
        if len(recognition.secs) == 1:
            lines.pop()  # the whole is the one step
        print(f"{printable(path)}  ({recognition.duration_secs:.1f} s)", file=self._out)
        for moment, *cells in lines:
            padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            line = "  ".join((f"  {moment:>{max(6, widths[0])}}", *padded))
            print(line.rstrip(), file=self._out)
        print(file=self._out, flush=True)

    def finish(self) -> None:
        """Nothing stands at the end."""


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
}


def _clock(secs: float) -> str:
    minutes, secs = divmod(round(secs, 1), 60)
    return f"{int(minutes):d}:{secs:04.1f}"


def _ranking(ranking: Ranking) -> str:
    """The first of each class's synonyms, with its probability."""
    return ", ".join(f"{label.split(',')[0]} {probability:.0%}" for label, probability in ranking)


def _objects(ranking: Ranking) -> list[dict]:
    return [{"label": label, "probability": round(p, 6)} for label, p in ranking]
