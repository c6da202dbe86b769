"""Lists of files and tables, CSV or Parquet, that people write, all read by one rule.

UTF-8, with or without the mark that spreadsheets put first. In a list every line is an entry
exactly as it is written, but for the line's end (LF or CRLF); empty lines are left out, and there
are no comments. An entry that is a relative path is below the folder of the list or table.

A table of files is a CSV or Parquet file with a column `path`, and perhaps `keep`, which says yes
or no, and `start` and `end`, in seconds: see `read_kept`.
"""

import csv
import io
import os
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from soundnet_tf.files import storage
from soundnet_tf.files.spans import Span, read_span

RULE = (
    "one path a line as it is written, in UTF-8, relative ones below the folder of that file; no "
    "comments"
)

YES, NO = "yes", "no"  # what a column says by which rows are wanted or not
PARQUET = ".parquet"
PATH, KEEP, START, END = "path", "keep", "start", "end"  # columns of a table of files


class Row(NamedTuple):
    """A line of a table: its number (in Parquet that of the row, from 1 on), and its fields by the
    names of their columns. Fields that are missing are empty, the first one beyond the columns
    stands under None."""

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
    _refuse_doubled(path, columns)
    return columns, rows


def _refuse_doubled(path: str, columns: Sequence[str]) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path}: its header has {' and '.join(twice)} more than once; leave one column of "
            "each name"
        )


def _read_parquet(path: str, wanted: Collection[str]) -> tuple[list[str], list[Row]]:
    """As `read_table`, of those columns that are wanted."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            f"{path}: reading Parquet needs pyarrow: pip install 'soundnet-tf[parquet]', or give a "
            "CSV table"
        ) from error
    try:
        with storage.open_file(path, "rb") as file:
            opened = parquet.ParquetFile(file)
            columns = [name for name in opened.schema_arrow.names if name in wanted]
            _refuse_doubled(path, columns)
            read = opened.read(columns=columns)
    except pyarrow.ArrowException as error:
        raise ValueError(f"{path} is no Parquet file that can be read ({error})") from error
    values = [_plain(read.column(i)).to_pylist() for i in range(len(columns))]
    rows = zip(*values, strict=True)
    return columns, [
        Row(number, dict(zip(columns, map(_as_text, row), strict=True)))
        for number, row in enumerate(rows, 1)
    ]


def _plain(column: Any) -> Any:
    """Floats of 32 bits as the shortest decimals that mean them: 0.1, not 0.10000000149."""
    import pyarrow

    return column.cast(pyarrow.string()) if column.type == pyarrow.float32() else column


def _as_text(value: Any) -> str:
    """As a CSV file has it."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, bytes):
        return os.fsdecode(value)
    return "" if value is None else str(value)


def csv_line(fields: Sequence[object]) -> str:
    """A line of a CSV file, which ends with LF. A carriage return within a field is quoted, as
    `csv.writer` does it only where lines end with one: it would end the line for whoever reads."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n") + "\n"


class Kept(NamedTuple):
    """A row of a table of files: its line, its path as it is written, whether it is wanted, and
    which stretch of it (None: all)."""

    line: int
    path: str
    is_kept: bool
    span: Span | None = None


def read_kept(path: str) -> list[Kept] | None:
    """The rows of a table of files: a file whose name ends in .csv and whose first line names a
    column `path`, or a .parquet. Its rows are wanted where a column `keep` says yes, and all
    without one; columns `start` and `end` say which seconds are meant; other columns are for
    people. None if the file is no such table (but a list).

    Raises:
        ValueError: `keep` is neither yes nor no, a row has no path or no span where others have,
            or a Parquet file no column `path`; and as `read_table`.
        OSError: it cannot be read.
        ImportError: of a Parquet file, pyarrow is not installed.
    """
    if path.lower().endswith(PARQUET):
        columns, rows = _read_parquet(path, (PATH, KEEP, START, END))
        if PATH not in columns:
            raise ValueError(f"{path} has no column {PATH}; give the column of paths that name")
    elif path.lower().endswith(".csv"):
        first, *_ = read_text(path).split("\n", 1)
        if PATH not in _named(first):
            return None
        columns, rows = read_table(path)
    else:
        return None
    if (START in columns) != (END in columns):
        here, lacking = (START, END) if START in columns else (END, START)
        raise ValueError(
            f"{path} has a column {here}, but no {lacking}; a span of a video needs both, in "
            f"seconds: add {lacking}, or give {here} another name if it is something else"
        )
    return [_kept(path, row, columns) for row in rows]


def read_column(path: str, column: str) -> dict[str, str]:
    """What a column of a table of files (see `read_kept`) says of each path, as `located` has it;
    of rows in which it says nothing, nothing.

    Raises:
        ValueError: it is no such table, has no such column, or says two things of one path; and as
            `read_table`.
        OSError, ImportError: as `read_kept`.
    """
    if path.lower().endswith(PARQUET):
        columns, rows = _read_parquet(path, (PATH, column))
    elif path.lower().endswith(".csv"):
        columns, rows = read_table(path)
    else:
        raise ValueError(f"{path} has no columns; a table ends in .csv or {PARQUET}")
    if missing_ones := [name for name in (PATH, column) if name not in columns]:
        raise ValueError(f"{path} has no column {' and no column '.join(missing_ones)}")
    said: dict[str, str] = {}
    for row in rows:
        place, value = located(path, row.fields[PATH]), row.fields[column].strip()
        if value and said.setdefault(place, value) != value:
            raise ValueError(
                f"{path}, line {row.line}: {column} is {value!r}, before it was {said[place]!r} of "
                f"the same {row.fields[PATH]}; give one of them"
            )
    return said


def _named(line: str) -> list[str]:
    """The columns that a table's first line names; none if it is of a list of odd names."""
    try:
        return [name.strip() for name in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def _kept(path: str, row: Row, columns: Collection[str]) -> Kept:
    said = row.fields[KEEP].strip().lower() if KEEP in columns else YES
    if said not in (YES, NO):
        raise ValueError(
            f"{path}, line {row.line}: keep is {row.fields[KEEP]!r}; write {YES} or {NO}"
        )
    if not row.fields[PATH]:
        raise ValueError(f"{path}, line {row.line}: it has no path; give one, or take it out")
    if START not in columns:
        return Kept(row.line, row.fields[PATH], said == YES)
    try:
        span = read_span(row.fields[START], row.fields[END])
    except ValueError as error:
        raise ValueError(f"{path}, line {row.line} ({row.fields[PATH]}): {error}") from error
    return Kept(row.line, row.fields[PATH], said == YES, span)


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
