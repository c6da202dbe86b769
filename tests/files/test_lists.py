"""Lists and tables: what is an entry, where it lies, and what is said of one that is not there."""

import os

import pytest

from soundnet_tf.files import lists

MARK = b"\xef\xbb\xbf"


@pytest.fixture
def write(tmp_path):
    def write(content: bytes) -> str:
        (tmp_path / "list").write_bytes(content)
        return str(tmp_path / "list")

    return write


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_line_is_an_entry_as_it_is_written(write, mark, end):
    """Also what other programs take for a comment, blanks, and ends of lines of other kinds."""
    written = [
        "#shorts.mp4",
        "",
        "  a b ",
        " ",
        "é\x0b\x85\u2028.wav",
        "a\rb",
        "memory://x/y",
        "last",
    ]
    found = lists.read_list(write(mark + end.join(map(str.encode, written))))
    assert found == [(line, entry) for line, entry in enumerate(written, 1) if entry]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xffa\n", "list is no UTF-8 text .*; save it as UTF-8"), (b"a\0b", "it has bytes of 0")],
)
def test_what_is_no_text(write, content, message):
    for read in (lists.read_list, lists.read_table, lists.read_text):
        with pytest.raises(ValueError, match=message):
            read(write(content))


def test_relative_entries_are_below_the_lists_folder():
    assert lists.located("/a/b/list", "../c.wav") == "/a/b/../c.wav"
    assert lists.located("list", "c.wav") == "c.wav"
    assert lists.located("/a/list", "/c.wav") == "/c.wav"
    assert lists.located("/a/list", "gs://b/c.wav") == "gs://b/c.wav"
    assert lists.located("gs://b/d/list", "c.wav") == "gs://b/d/c.wav"


def test_an_entry_that_is_not_there_is_told_with_what_was_perhaps_meant(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "b.mp4").touch()
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "here" / "list")
    plain = "line 7: no such file: "
    assert lists.missing(path, 7, "gone") == f"{plain}'gone'"
    assert lists.missing(path, 7, "  ") == f"{plain}'  '"
    assert "without the blanks around it there is one" in lists.missing(path, 7, " b.mp4\t")
    assert "a list has no comments" in lists.missing(path, 7, "# b.mp4")
    assert "one below the current folder; relative is to" in lists.missing(path, 7, "here/b.mp4")


def test_a_table_has_lines_and_columns(write):
    content = b'a, b ,,\r\n1,"x\ny",3,4\r\n\r\n5\r\n1,2,3,4,5\r\n'
    columns, rows = lists.read_table(write(MARK + content))
    assert columns == ["a", "b", "", ""]
    assert [(row.line, row.fields) for row in rows] == [
        (3, {"a": "1", "b": "x\ny", "": "4"}),
        (5, {"a": "5", "b": "", "": ""}),
        (6, {"a": "1", "b": "2", "": "4", None: "5"}),
    ]
    assert lists.read_table(write(b"")) == ([], [])
    with pytest.raises(ValueError, match="has a and c more than once; leave one column of each"):
        lists.read_table(write(b"c,a,b,a , c\n"))


@pytest.fixture
def table(tmp_path):
    def table(content: str) -> str:
        (tmp_path / "keep.CSV").write_text(content, "utf-8")
        return str(tmp_path / "keep.CSV")

    return table


def test_a_table_of_files_says_which_are_kept(table):
    """Other columns are for people; a path stays as it is written."""
    content = 'note,path , keep\nx, a b.mp4,yes\n,"c,d.mp4",No \n,"e""\nf",YES\n'
    assert lists.read_kept(table(content)) == [
        (2, " a b.mp4", True, None),
        (3, "c,d.mp4", False, None),
        (5, 'e"\nf', True, None),
    ]
    assert lists.read_kept(table("path\na.mp4\n")) == [(2, "a.mp4", True, None)]


def test_a_list_is_no_table_whatever_it_names(table, write):
    assert lists.read_kept(table("a.mp4\npath,keep\n")) is None
    assert lists.read_kept(table("")) is None
    assert lists.read_kept(write(b"path,keep\na.mp4,no\n")) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,keep\na.mp4,maybe\n", "keep.CSV, line 2: keep is 'maybe'; write yes or no"),
        ("path,keep\na.mp4\n", "line 2: keep is ''; write yes or no"),
        ("keep,path\nyes\n", "line 2: it has no path; give one, or take it out"),
        ("path,path\na,b\n", "path more than once; leave one column of each name"),
    ],
)
def test_a_table_of_files_that_cannot_be_followed(table, content, message):
    with pytest.raises(ValueError, match=message):
        lists.read_kept(table(content))


@pytest.mark.parametrize("name", ["car\rriage", "\r", "a\nb", "a\r\nb", 'q"', "a,b", " a "])
def test_a_line_of_a_table_is_read_as_it_was_written(write, name):
    path = write("".join(map(lists.csv_line, (["path", "n"], [name, 1], ["plain", 2.5]))).encode())
    columns, rows = lists.read_table(path)
    assert columns == ["path", "n"]
    assert [row.fields for row in rows] == [{"path": name, "n": "1"}, {"path": "plain", "n": "2.5"}]
    assert lists.csv_line(["plain", 2.5]) == "plain,2.5\n"


def test_a_column_of_a_table_says_something_of_each_path(table):
    path = table(
        "species,path,start,end\nwren,a.wav,0,1\nwren,a.wav,1,2\n ,b.wav,0,1\n owl ,/c.wav,0,9\n"
    )
    folder = os.path.dirname(path)
    assert lists.read_column(path, "species") == {f"{folder}/a.wav": "wren", "/c.wav": "owl"}


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("path,label\na,b\n", "species", "has no column species"),
        ("file,label\na,b\n", "label", "has no column path"),
        (
            "path,label\na,b\na,c\n",
            "label",
            "line 3: label is 'c', before it was 'b' of the same a",
        ),
    ],
)
def test_a_column_that_cannot_be_read(table, content, column, message):
    with pytest.raises(ValueError, match=message):
        lists.read_column(table(content), column)


def test_a_list_has_no_columns(write):
    with pytest.raises(ValueError, match="has no columns"):
        lists.read_column(write(b"a.wav\n"), "label")


def test_a_column_of_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = str(tmp_path / "t.parquet")
    parquet.write_table(pyarrow.table({"path": ["a", "b"], "kind": ["x", None]}), path)
    assert lists.read_column(path, "kind") == {str(tmp_path / "a"): "x"}
