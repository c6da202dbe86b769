"""Recognitions as tables for people."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TextIO

from soundnet_tf.files.find import one_line
from soundnet_tf.serving import colours
from soundnet_tf.serving.recognize import Ranking, Recognition, in_words

_GAP = "  "
_LEAST_MOMENT = 6  # columns


class _Cell(NamedTuple):
    text: str
    coloured: str

    def padded(self, columns: int) -> str:
        return self.coloured + " " * (columns - len(self.text))


class Table:
    """A line a step, and of several steps a last one for the whole.

    On a terminal with colours they tell how probable a class is; on one that is too narrow for the
    heads beside each other a moment has a line for each.
    """

    def __init__(self, out: TextIO, top: int):
        self._out, self._top = out, top
        self._is_coloured = colours.are_wanted(out)
        # 0: the terminal does not say.
        self._columns = os.get_terminal_size(out.fileno()).columns if out.isatty() else 0

    def add(self, path: str, recognition: Recognition) -> None:
        """Tells what was heard in the file at `path`."""
        moments = ["", *map(clock, recognition.secs)]
        heads = {}
        for head in recognition.probabilities:
            rankings = recognition.top(head, self._top)
            if len(moments) > 2:  # else the whole is the one step
                rankings.append(recognition.top_overall(head, self._top))
            heads[head] = [self._cell(head, colours.dim), *map(self._ranking, rankings)]
        if len(moments) > 2:
            moments.append("all")
        title = self._cell(one_line(path), colours.bold).coloured
        print(f"{title}{_GAP}({_duration(recognition.duration_secs)})", file=self._out)
        for columns in self._lines(moments, [*heads.values()]):
            print(_GAP.join(columns), file=self._out)
        print(file=self._out, flush=True)

    def finish(self) -> None:
        """Nothing stands at the end."""

    def _lines(
        self, moments: Sequence[str], heads: Sequence[Sequence[_Cell]]
    ) -> Iterator[tuple[str, ...]]:
        """Of each moment its columns, or, on a narrow terminal, lines of it and one head."""
        of_moments = max(_LEAST_MOMENT, *map(len, moments))
        widths = [*map(_width, heads[:-1]), 0]
        width = of_moments + sum(map(_width, heads)) + len(_GAP) * (1 + len(heads))
        is_narrow = 0 < self._columns < width
        for moment, *cells in zip(moments, *heads, strict=True):
            moment = f"{_GAP}{moment:>{of_moments}}"
            if is_narrow:
                for cell in cells:
                    yield moment, cell.coloured
                    moment = " " * len(moment)
            else:
                yield moment, *map(_Cell.padded, cells, widths)

    def _ranking(self, ranking: Ranking) -> _Cell:
        graded = (
            self._cell(in_words([found]), functools.partial(colours.graded, probability=found[1]))
            for found in ranking
        )
        return _Cell(in_words(ranking), ", ".join(cell.coloured for cell in graded))

    def _cell(self, text: str, colour: Callable[[str], str]) -> _Cell:
        return _Cell(text, colour(text) if self._is_coloured else text)


def clock(secs: float) -> str:
    """Such as "0:04.8", of an hour and more "1:00:04.8"."""
    minutes, secs = divmod(round(secs, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{secs:04.1f}" if hours else f"{minutes}:{secs:04.1f}"


def _duration(secs: float) -> str:
    return f"{secs:.1f} s" if secs < 60 else clock(secs)


def _width(cells: Sequence[_Cell]) -> int:
    return max(len(cell.text) for cell in cells)
