"""Spans of videos: what people write in tables, and what becomes of those that overlap."""

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from soundnet_tf.files import find, lists
from soundnet_tf.files.spans import Span, joined, read_span

VIDEO = (".mp4",)


@pytest.fixture
def table(tmp_path):
    for name in ("a.mp4", "b/a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b".")

    def table(rows: str) -> str:
        (tmp_path / "spans.csv").write_text(f"path,start,end\n{rows}")
        return str(tmp_path / "spans.csv")

    return table


def test_the_spans_of_a_table_are_of_its_videos(table):
    """Several rows of a video, also by other names of its file, and in any order."""
    found = find.find_parts(table("a.mp4,40,50\nb/a.mp4,1.5,3\n./a.mp4,10,20\n"), VIDEO, "video")
    assert found.spans == {"a.mp4": ((10, 20), (40, 50)), "b/a.mp4": ((1.5, 3),)}
    assert list(found.paths) == ["a.mp4", "b/a.mp4"]


def test_a_table_without_spans_means_whole_files(table):
    path = table("")
    with open(path, "w") as file:
        file.write("path,label\na.mp4,dog\n")
    assert find.find_parts(path, VIDEO, "video").spans == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.mp4,3,3", r"line 2 \(a.mp4\): the span from 3 to 3 s is empty; give an end after"),
        ("a.mp4,5,3", "the span from 5 to 3 s ends before it starts"),
        ("a.mp4,nan,3", "start is 'nan'; write seconds from the video's beginning, such as 30"),
        ("a.mp4,0,inf", "end is 'inf'; write seconds"),
        ("a.mp4,-1,3", "start is '-1'; write seconds"),
        ("a.mp4,0:10,0:20", "start is '0:10'; write seconds"),
        ("a.mp4,,", "start is ''; write seconds from .* or take the row out"),
        ("a.mp4,1", "end is ''; write seconds"),
    ],
)
def test_a_span_that_cannot_be_is_refused_with_its_row(table, row, message):
    with pytest.raises(ValueError, match=message):
        find.find_parts(table(f"{row}\n"), VIDEO, "video")


@pytest.mark.parametrize(
    ("column", "message"), [("start", "a column start, but no end"), ("end", "but no start")]
)
def test_half_a_span_is_refused(tmp_path, column, message):
    (tmp_path / "half.csv").write_text(f"path,{column}\na.mp4,3\n")
    with pytest.raises(ValueError, match=message):
        lists.read_kept(str(tmp_path / "half.csv"))


def test_minus_zero_is_zero():
    """It would stand in the ids of clips: f"{-0.0:.3f}" is "-0.000"."""
    assert str(read_span("-0", "1").start_secs) == "0.0"


def test_spans_that_overlap_are_one_and_that_touch_are_two(table, caplog):
    rows = "a.mp4,0,10\na.mp4,5,15\na.mp4,15,20\na.mp4,15,20\na.mp4,30,40\na.mp4,31,32\n"
    found = find.find_parts(table(rows), VIDEO, "video")
    assert found.spans == {"a.mp4": ((0, 15), (15, 20), (30, 40))}
    assert "3 of 6 spans overlap others" in caplog.text


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8))
def test_joined_spans_have_every_second_once(parts):
    """By counting halves of seconds: those of all spans, each in one of what comes out."""
    spans = [Span(start, start + length) for start, length in parts]
    covered = {half / 2 for span in spans for half in range(2 * span[0], 2 * span[1])}
    out = joined(spans)
    halves = [half / 2 for span in out for half in range(2 * span[0], 2 * span[1])]
    assert halves == sorted(covered)
    assert out == joined(out) and list(out) == sorted(out)


def test_who_takes_whole_files_refuses_spans(table):
    with pytest.raises(ValueError, match="has columns start and end, but here files are taken who"):
        find.find_media(table("a.mp4,1,2\n"))


def test_a_parquet_table_is_read_as_the_csv_table(table, tmp_path):
    csv = table("a.mp4,0.1,10\nb/a.mp4,3,4\n")
    columns = {
        "label": ["dog", "cat"],
        "path": ["a.mp4", "b/a.mp4"],
        "start": [0.1, 3.0],
        "end": pyarrow.array([10, 4], "int64"),
        "keep": [True, True],
    }
    path = str(tmp_path / "spans.parquet")
    parquet.write_table(pyarrow.table(columns), path)
    assert find.find_parts(path, VIDEO, "video") == find.find_parts(csv, VIDEO, "video")
    columns["start"] = pyarrow.array([0.1, 3.0], "float32")
    parquet.write_table(pyarrow.table(columns), path)
    assert find.find_parts(path, VIDEO, "video") == find.find_parts(csv, VIDEO, "video")
    columns["keep"] = [False, True]
    parquet.write_table(pyarrow.table(columns), path)
    assert list(find.find_parts(path, VIDEO, "video").paths) == ["b/a.mp4"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"start": [1.0], "end": [2.0]}, "no column path; give the column of paths that name"),
        ({"path": ["a.mp4"], "start": [None], "end": [2.0]}, r"line 1 \(a.mp4\): start is ''"),
        ({"path": ["a.mp4"], "start": [float("nan")], "end": [2.0]}, "start is 'nan'"),
        ({"path": ["a.mp4"], "keep": ["perhaps"]}, "keep is 'perhaps'; write yes or no"),
    ],
)
def test_a_parquet_table_that_cannot_be_followed(tmp_path, columns, message):
    parquet.write_table(pyarrow.table(columns), tmp_path / "spans.parquet")
    with pytest.raises(ValueError, match=message):
        find.find_parts(str(tmp_path / "spans.parquet"), VIDEO, "video")


def test_a_damaged_parquet_file_names_itself(tmp_path):
    (tmp_path / "spans.parquet").write_bytes(b"PAR1" + bytes(50))
    with pytest.raises(ValueError, match=r"spans\.parquet is no Parquet file that can be read"):
        find.find_parts(str(tmp_path / "spans.parquet"), VIDEO, "video")
