"""What recognize shows on a terminal: colours by probability, tables that fit, and a bar."""

import io
import itertools
import re
import sys

import commands
import numpy as np
import odd_media
import pytest
import soundfile
from media_writer import Sound, write
from pseudo_terminal import terminal

from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving import colours
from soundnet_tf.serving.hearing_bar import HearingBar
from soundnet_tf.serving.recognition_table import Table, clock
from soundnet_tf.serving.recognize import Recognition

LABELS = {"objects": ("dog, hound", "rain", "sea", "tram"), "scenes": ("café, bar", "street")}
HEARD = Recognition(
    duration_secs=20.0,
    secs=np.array([4.75, 7.72]),
    probabilities={
        "objects": np.float32([[0.75, 0.21, 0.03, 0.01], [0.6, 0.19, 0.17, 0.04]]),
        "scenes": np.float32([[0.5, 0.5], [0.49, 0.51]]),
    },
    labels=LABELS,
)
BOLD_GREEN, GREEN, DIM, BOLD, OFF = "\x1b[1;32m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


@pytest.fixture(autouse=True)
def a_terminal_of_colours(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(columns=120, path="x.wav"):
    with terminal(columns) as screen:
        Table(screen.file, 3).add(path, HEARD)
    return screen


def plain(path="x.wav"):
    out = io.StringIO()
    Table(out, 3).add(path, HEARD)
    return out.getvalue()


def test_colours_tell_how_probable_a_class_is():
    """A half and more bold green, a fifth and more green, less than a twentieth dim."""
    lines = shown().text.split("\r\n")
    assert lines[0] == f"{BOLD}x.wav{OFF}  (20.0 s)"
    assert f"{DIM}objects{OFF}" in lines[1] and f"{DIM}scenes{OFF}" in lines[1]
    first = f"{BOLD_GREEN}dog 75%{OFF}, {GREEN}rain 21%{OFF}, {DIM}sea 3%{OFF}"
    second = f"{BOLD_GREEN}dog 60%{OFF}, rain 19%, sea 17%"
    assert lines[2].startswith(f"  0:04.8  {first} ")
    assert lines[3].startswith(f"  0:07.7  {second} ")
    assert lines[3].endswith(f"{BOLD_GREEN}street 51%{OFF}, {GREEN}café 49%{OFF}")


@pytest.mark.parametrize(
    ("probability", "codes"),
    [
        (1.0, "1;32"),
        (0.5, "1;32"),
        (0.496, "1;32"),
        (0.494, "32"),
        (0.2, "32"),
        (0.05, ""),
        (0.046, ""),
        (0.044, "2"),
        (0, "2"),
    ],
)
def test_grades(probability, codes):
    assert colours.graded("x", probability) == (f"\x1b[{codes}mx\x1b[0m" if codes else "x")


def test_columns_stand_where_they_do_without_colours():
    assert shown().lines == [line for line in plain().splitlines() if line]
    assert "\x1b" not in plain()


@pytest.mark.parametrize(
    "setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}, {"TERM": None}]
)
def test_no_colours_where_nobody_wants_or_shows_them(monkeypatch, setting):
    for name, value in setting.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    assert "\x1b" not in shown().text


def test_an_empty_no_color_asks_for_nothing(monkeypatch):
    """As no-color.org has it."""
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b" in shown().text


def test_a_narrow_terminal_has_a_line_for_each_head_of_a_moment():
    """One column less than they take beside each other: nothing is lost, and nothing wraps."""
    width = max(map(len, plain().splitlines()))
    assert width == len("  0:04.8  dog 75%, rain 21%, sea 3%    street 51%, café 49%") - 1
    assert len(shown(width).lines) == 5
    lines = shown(width - 1).lines
    assert lines[1:] == [
        "          objects",
        "          scenes",
        "  0:04.8  dog 75%, rain 21%, sea 3%",
        "          café 50%, street 50%",
        "  0:07.7  dog 60%, rain 19%, sea 17%",
        "          street 51%, café 49%",
        "     all  dog 68%, rain 20%, sea 10%",
        "          street 50%, café 50%",
    ]
    assert max(map(len, lines)) < 40


def test_a_terminal_obeys_no_name():
    text = shown(path="a\x1b[2J\r\nb\x07.wav").text
    assert text.startswith(f"{BOLD}a\\x1b[2J\\r\\nb\\x07.wav{OFF}  (20.0 s)\r\n")


@pytest.mark.parametrize(
    ("secs", "said"),
    [
        (4.75, "0:04.8"),
        (59.96, "1:00.0"),
        (3599.94, "59:59.9"),
        (3600, "1:00:00.0"),
        (86_403.2, "24:00:03.2"),
    ],
)
def test_clock(secs, said):
    assert clock(secs) == said


@pytest.fixture
def recordings(tmp_path):
    """Of 100 s and 50 s, and one that cannot be read."""
    paths = []
    for name, secs in (("long", 100), ("short", 50)):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.zeros(secs * 1000), 1000)
        paths.append(str(path))
    bad = tmp_path / "bad\x1b[2J, of a name much longer than thirty characters.wav"
    bad.write_text("no sound")
    return [*paths, str(bad)]


def bar_states(monkeypatch, paths, heard_secs):
    """The states of a bar on a terminal of 100 columns, without the bar itself and the times, when
    of each recording so much was heard."""
    with terminal(100) as screen:
        monkeypatch.setattr(sys, "stderr", screen.file)
        with HearingBar(paths) as bar:
            for path, moments in zip(paths, heard_secs, strict=True):
                bar.begin(path)
                for secs in moments:
                    bar.heard(secs)
                bar.end()
    assert all(len(line) <= 100 for line in screen.lines)
    return [line.split("|")[0] for line in screen.lines]


def test_a_bar_tells_how_far_a_recording_is(monkeypatch, recordings):
    """Of 100 s 30 and 90; a decoder may give a bit more than the header says."""
    assert bar_states(monkeypatch, recordings[:1], [(30.0, 90.0, 100.2)]) == [
        "hearing:   0%",
        "hearing long.wav:   0%",
        "hearing long.wav, 0:30 of 1:40:  30%",
        "hearing long.wav, 1:30 of 1:40:  90%",
        "hearing long.wav, 1:40 of 1:40: 100%",
        "hearing long.wav: 100%",
    ]


def test_a_bar_of_several_recordings(monkeypatch, recordings):
    """Each is a third: half of the first is a sixth, half of the second the half. What cannot be
    read has no length."""
    name = r"bad\x1b[2J, of a name much lo…"
    assert bar_states(monkeypatch, recordings, [(50.0,), (25.0,), (3700.0,)]) == [
        "hearing:   0%",
        "hearing 1/3 long.wav:   0%",
        "hearing 1/3 long.wav, 0:50 of 1:40:  17%",
        "hearing 1/3 long.wav:  33%",
        "hearing 2/3 short.wav:  33%",
        "hearing 2/3 short.wav, 0:25 of 0:50:  50%",
        "hearing 2/3 short.wav:  67%",
        f"hearing 3/3 {name}:  67%",
        f"hearing 3/3 {name}, 1:01:40:  67%",
        f"hearing 3/3 {name}: 100%",
    ]


def test_without_a_terminal_there_is_no_bar_and_nothing_is_read(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with HearingBar(["nowhere.wav", "neither.wav"]) as bar:
        for path in ("nowhere.wav", "neither.wav"):
            bar.begin(path)
            bar.heard(3.0)
            with bar.external_write_mode():
                pass
            bar.end()
    assert err.getvalue() == ""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    checkpoint.save_student(folder, student.SoundNet5(object_classes=4, scene_classes=2), LABELS)
    return folder


def test_the_command_on_a_terminal(monkeypatch, model, tmp_path):
    """100 s are heard in pieces of some 30 s, which are whole blocks of some 4 s. The bar is gone
    when the table, with its colours, stands."""
    path = tmp_path / "long.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(100 * 8000) / 9), 8000)
    with terminal(200) as screen:
        monkeypatch.setattr(sys, "stderr", screen.file)
        monkeypatch.setattr(sys, "stdout", screen.file)
        assert commands.run("recognize", f"--model={model}", str(path)) == 0
        monkeypatch.undo()
    bars = [line for line in screen.lines if line.startswith("hearing long.wav")]
    told = [match[1] for line in bars if (match := re.search(r", (\S+) of 1:40", line))]
    secs = [60 * int(said[0]) + int(said[-2:]) for said in dict.fromkeys(told)]
    assert len(secs) >= 4 and secs[-1] == 100
    assert all(
        29 <= later - earlier <= 34 for earlier, later in itertools.pairwise([0, *secs[:-1]])
    )
    assert f"{BOLD}{path}{OFF}  (1:40.0)\r\n" in screen.text
    table, rest = screen.text.rsplit("     all  ", 1)
    assert "objects" in table and re.search("\r +\r$", rest)


def test_a_bar_goes_by_the_stream_that_is_heard(monkeypatch, model, tmp_path):
    """Of 30 s, beside one of 60 s that is heard without --audio_stream."""
    path = tmp_path / "two.mkv"
    sounds = [Sound("flac", 8000, odd_media.tone(440, secs, 8000)) for secs in (30.0, 60.0)]
    write(path, *sounds)
    for flags, said in ((["--audio_stream=0"], "0:30"), ([], "1:00")):
        with terminal(200) as screen:
            monkeypatch.setattr(sys, "stderr", screen.file)
            monkeypatch.setattr(sys, "stdout", screen.file)
            assert commands.run("recognize", f"--model={model}", *flags, str(path)) == 0
            monkeypatch.undo()
        bars = [line for line in screen.lines if line.startswith("hearing two.mkv, ")]
        assert bars and all(f" of {said}:" in line for line in bars)
        assert f", {said} of {said}: 100%" in bars[-1]
