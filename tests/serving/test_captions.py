"""Labels with begin and end: for Audacity, and as subtitles."""

import html
import io
import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.serving import captions
from soundnet_tf.serving.captions import Label, LabelFiles, labels_of
from soundnet_tf.serving.recognition_report import FORMATS
from soundnet_tf.serving.recognize import Recognition
from soundnet_tf.serving.settings import label_files

LABELS = {"objects": ("dog, hound", "rain"), "scenes": ("café, bar", "street")}
# Steps at 4.75, 7.72, 10.69 and 13.66 s: borders at 6.235, 9.205 and 12.175 s.
STEPS = Recognition(
    duration_secs=20.0,
    secs=np.array([4.75, 7.72, 10.69, 13.66]),
    probabilities={
        "objects": np.float32([[0.75, 0.25], [0.5625, 0.4375], [0.25, 0.75], [0.25, 0.75]]),
        "scenes": np.float32([[0.25, 0.75], [0.25, 0.75], [0.25, 0.75], [0.625, 0.375]]),
    },
    labels=LABELS,
)
# The first two steps have the same first classes: means of 0.75 and 0.5625, and so on.
EXPECTED = [
    (0.0, 9.205, ["dog 66%, rain 34%", "street 75%, café 25%"]),
    (9.205, 12.175, ["rain 75%, dog 25%", "street 75%, café 25%"]),
    (12.175, 20.0, ["rain 75%, dog 25%", "café 62%, street 38%"]),
]
ODD = "a --> b & <i>c</i> {\\an8}\r\nd\te\u2028\x1b[2J ☂ é"


def text(form, *recognitions, top=2):
    out = io.StringIO()
    report = FORMATS[form](out, top)
    for recognition in recognitions:
        report.add("x.wav", recognition)
    report.finish()
    return out.getvalue()


def written(form, labels):
    return "".join(captions.WRITERS[form](labels))


def secs_of(stamp):
    hours, minutes, secs, milliseconds = map(int, re.split("[:,.]", stamp))
    return 3600 * hours + 60 * minutes + secs + milliseconds / 1000


def parsed(subtitles, point):
    """As players read them: cues end at empty lines."""
    cues = []
    stamp = rf"(\d{{2,}}:\d\d:\d\d{re.escape(point)}\d\d\d)"
    for block in subtitles.strip("\n").split("\n\n"):
        *number, times, first, second = block.split("\n")
        begin, end = re.fullmatch(f"{stamp} --> {stamp}", times).groups()
        cues.append((number, secs_of(begin), secs_of(end), [first, second]))
    return cues


def test_steps_of_the_same_first_classes_are_one_label():
    found = labels_of(STEPS, 2)
    assert [(b, e, [*lines]) for b, e, lines in found] == EXPECTED


def test_of_each_head_as_many_classes_as_are_asked_for():
    assert labels_of(STEPS, 1)[0].lines == ("dog 66%", "street 75%")


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_first_class_of_a_label_is_that_of_all_its_steps(classes, steps, seed):
    """If it is the largest in each step, it is in their mean; labels touch, and cover all."""
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(classes, 0.7), steps).astype(np.float32)
    secs = np.cumsum(rng.uniform(1, 3, steps))
    names = tuple(f"class{i}" for i in range(classes))
    duration_secs = float(secs[-1]) + 1
    heard = Recognition(duration_secs, secs, {"objects": rows}, {"objects": names})
    found = labels_of(heard, 1)
    firsts = [names[i] for i in rows.argmax(axis=1)]
    for moment, first in zip(secs, firsts, strict=True):
        (label,) = [one for one in found if one.begin_secs <= moment < one.end_secs]
        assert label.lines[0].split()[0] == first
    assert [one.end_secs for one in found[:-1]] == [one.begin_secs for one in found[1:]]
    assert (found[0].begin_secs, found[-1].end_secs) == (0, round(duration_secs, 3))
    changes = sum(one != other for one, other in itertools.pairwise(firsts))
    assert len(found) == 1 + changes


def test_audacity_reads_its_labels_back():
    """Three fields a line, the first two numbers with a point, in the text neither tab nor end."""
    rows = [line.split("\t") for line in text("audacity", STEPS).splitlines()]
    assert [(float(b), float(e), label.split(" | ")) for b, e, label in rows] == EXPECTED
    assert rows[0][:2] == ["0.000000", "9.205000"]
    (line,) = written("audacity", [Label(1.0, 2.0, (ODD, "x"))]).splitlines()
    assert line.count("\t") == 2
    assert line == (
        "1.000000\t2.000000\ta --> b & <i>c</i> {\\an8}\\r\\nd\\te\\u2028\\x1b[2J ☂ é | x"
    )


@pytest.mark.parametrize(("form", "point"), [("srt", ","), ("vtt", ".")])
def test_players_read_subtitles_back(form, point):
    content = text(form, STEPS)
    if form == "vtt":
        assert content.startswith("WEBVTT\n\n")
        content = content.removeprefix("WEBVTT\n\n")
    numbers, *cues = zip(*parsed(content, point), strict=True)
    assert [*zip(*cues, strict=True)] == EXPECTED
    assert [*numbers] == ([["1"], ["2"], ["3"]] if form == "srt" else [[], [], []])


def test_names_that_players_would_take_for_commands():
    """An odd name is one line, has no arrow, and in WebVTT is escaped as HTML is."""
    (_, _, _, [srt, _]) = parsed(written("srt", [Label(1.0, 2.0, (ODD, "x"))]), ",")[0]
    assert (
        srt == "a --\u203a b & \u2039i\u203ac\u2039/i\u203a (\\an8)\\r\\nd\\te\\u2028\\x1b[2J ☂ é"
    )
    content = written("vtt", [Label(1.0, 2.0, (ODD, "x"))]).removeprefix("WEBVTT\n\n")
    (_, _, _, [vtt, _]) = parsed(content, ".")[0]
    assert "-->" not in vtt and not set("<>") & set(vtt) and "&amp; &lt;i&gt;c" in vtt
    assert html.unescape(vtt) == "a --> b & <i>c</i> {\\an8}\\r\\nd\\te\\u2028\\x1b[2J ☂ é"


@pytest.mark.parametrize(
    ("secs", "stamp"),
    [
        (0.0004, "00:00:00.000"),
        (59.9996, "00:01:00.000"),
        (3599.9994, "00:59:59.999"),
        (3600.0, "01:00:00.000"),
        (36_000 + 754.5, "10:12:34.500"),
        (100 * 3600 + 1, "100:00:01.000"),
    ],
)
def test_times_of_any_length(secs, stamp):
    label = Label(secs, secs + 5, ("x",))
    assert f"\n{stamp} --> " in written("vtt", [label])
    assert f"\n{stamp.replace('.', ',')} --> " in written("srt", [label])


def test_a_recording_of_a_sample_has_a_label_with_a_length():
    """WebVTT wants ends after begins: a millisecond."""
    heard = Recognition(1 / 22_050, np.array([0.0]), {"objects": np.float32([[0, 1]])}, LABELS)
    assert "00:00:00.000 --> 00:00:00.001\nrain 100%\n" in text("vtt", heard, top=1)


def test_a_file_that_another_command_wrote_meanwhile_stays(tmp_path):
    report = LabelFiles("srt", io.StringIO(), 2, {"a.wav": f"{tmp_path}/a.srt"})
    (tmp_path / "a.srt").write_text("another's")
    with pytest.raises(FileExistsError, match="a.srt is there already; give another --out"):
        report.add("a.wav", STEPS)
    assert (tmp_path / "a.srt").read_text() == "another's"


def test_a_file_for_each_recording(tmp_path):
    paths = ["a/film.mp4", "b/film.mp4", "caf\udce9.wav"]
    folder = str(tmp_path / "new" / "labels")
    files = label_files("srt", folder, paths)
    out = io.StringIO()
    report = LabelFiles("srt", out, 2, files)
    for path in paths:
        report.add(path, STEPS)
    report.finish()
    names = ["film.srt", "film-2.srt", "caf_xe9.srt"]
    assert [*files.values()] == [f"{folder}/{name}" for name in names]
    for name in names:
        content = (tmp_path / "new" / "labels" / name).read_bytes().decode("utf-8")
        assert content == text("srt", STEPS)
    assert out.getvalue().splitlines() == [
        f"wrote {folder}/{name}: 3 labels of {path}"
        for name, path in zip(names, [*paths[:2], "caf\\xe9.wav"], strict=True)
    ]
