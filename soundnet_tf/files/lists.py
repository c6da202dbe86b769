"""Lists of files and CSV tables that people write, all read by one rule.

UTF-8, with or without the mark that spreadsheets put first. In a list every line is an entry
exactly as it is written, but for the line's end (LF or CRLF); empty lines are left out, and there
are no comments. An entry that is a relative path is below the folder of the list or table.

A table of files is a CSV file with a column `path`, and perhaps `keep`, which says yes or no: see
`read_kept`.
"""

import csv
import io
import os
from collections.abc import Sequence
from typing import NamedTuple

from soundnet_tf.files import storage

RULE = (
    "one path a line as it is written, in UTF-8, relative ones below the folder of that file; no "
    "comments"
)

YES, NO = "yes", "no"  # what a column says by which rows are wanted or not
_PATH, _KEEP = "path", "keep"


class Row(NamedTuple):
    """A line of a table: its number, and its fields by the names of their columns. Fields that are
    missing are empty, the first one beyond the columns stands under None."""

    line: int
    fields: dict[str | None, str]


def read_text(path: str) -> str:
    """A text in UTF-8 with its line ends as they are, without the mark at its beginning.

    Raises:
        ValueError: it is no such text.
        OSError: it cannot be read.
    """
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text ({error}); save it as UTF-8") from error
    if "\0" in text:
        raise ValueError(f"{path} is no text: it has bytes of 0; save it as UTF-8")
    return text


def read_list(path: str) -> list[tuple[int, str]]:
    """Numbers of the lines, from 1 on, and entries.

    Raises: as `read_text`.
    """
    lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
    return [(number, entry) for number, entry in enumerate(lines, 1) if entry]


def read_table(path: str) -> tuple[list[str], list[Row]]:
    """Names of the columns, without blanks around them, and rows of a CSV file; empty lines are
    left out.

    Raises:
        ValueError: two columns of one name, or a line that cannot be read; and as `read_text`.
        OSError: it cannot be read.
    """
    lines = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        columns = [name.strip() for name in next(lines, [])]
        rows = [Row(lines.line_num, _fields(columns, line)) for line in lines if line]
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {lines.line_num}: {error}; is a quote left open?"
        ) from error
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path}: the first line has {' and '.join(twice)} more than once; leave one column "
            "of each name"
        )
    return columns, rows


def csv_line(fields: Sequence[object]) -> str:
    """A line of a CSV file, which ends with LF. A carriage return within a field is quoted, as
    `csv.writer` does it only where lines end with one: it would end the line for whoever reads."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"


class Kept(NamedTuple):
    """A row of a table of files: its line, its path as it is written, and whether it is wanted."""

    line: int
    path: str
    is_kept: bool


def read_kept(path: str) -> list[Kept] | None:
    """The rows of a CSV table of files: a file whose name ends in .csv and whose first line names a
    column `path`. Its rows are wanted where a column `keep` says yes, and all without one; other
    columns are for people. None if the file is no such table (but a list).

    Raises:
        ValueError: `keep` is neither yes nor no, or a row has no path; and as `read_table`.
        OSError: it cannot be read.
    """
    if not path.lower().endswith(".csv"):
        return None
    first, *_ = read_text(path).split("\n", 1)
    try:
        columns = next(csv.reader([first]), [])
    except csv.Error:
        return None  # a list of odd names is none
    if _PATH not in [name.strip() for name in columns]:
        return None
    columns, rows = read_table(path)
    return [_kept(path, row, _KEEP in columns) for row in rows]


def _kept(path: str, row: Row, is_said: bool) -> Kept:
    said = row.fields[_KEEP].strip().lower() if is_said else YES
    if said not in (YES, NO):
        raise ValueError(
            f"{path}, line {row.line}: keep is {row.fields[_KEEP]!r}; write {YES} or {NO}"
        )
    if not row.fields[_PATH]:
        raise ValueError(f"{path}, line {row.line}: it has no path; give one, or take it out")
    return Kept(row.line, row.fields[_PATH], said == YES)


def located(path: str, entry: str) -> str:
    """Where an entry of the list or table at `path` lies."""
    return entry if storage.is_remote(entry) else os.path.join(os.path.dirname(path), entry)


def missing(path: str, line: int, entry: str) -> str:
    """What to say of an entry that is not there, with what was perhaps meant."""
    said = f"line {line}: no such file: {entry!r}"
    if entry.strip() and entry.strip() != entry and storage.exists(located(path, entry.strip())):
        return f"{said} (without the blanks around it there is one: take them out)"
    if entry.startswith("#"):
        return f"{said} (a list has no comments)"
    is_relative = not storage.is_remote(entry) and not os.path.isabs(entry)
    if is_relative and storage.exists(entry):
        return f"{said} (there is one below the current folder; relative is to that of {path})"
    return said


def _fields(columns: Sequence[str], line: list[str]) -> dict[str | None, str]:
    fields: dict[str | None, str] = dict.fromkeys(columns, "")
    fields.update(zip(columns, line, strict=False))
    if len(line) > len(columns):
        fields[None] = line[len(columns)]
    return fields
