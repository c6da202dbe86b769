"""bench.json and the table: what stays, what goes, what people read."""

import json
import pathlib

import pytest

from benchmark import machine, report

FACTS = {
    "machine.processor": "Abacus 3",
    "machine.cores": "2",
    "machine.memory": "4 GB",
    "machine.accelerator": "no GPU",
    "machine.system": "Linux x86_64",
    "machine.python": "3.11.9",
    "machine.tensorflow": "2.16.2",
    "machine.keras": "3.15.1",
}
STEP = ("step.seconds", "step.speedup_vs_keras")


@pytest.fixture(autouse=True)
def _abacus(monkeypatch):
    monkeypatch.setattr(machine, "facts", lambda: dict(FACTS))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "bench.json")


def content(path):
    return json.loads(pathlib.Path(path).read_text("utf-8"))


def test_a_suite_takes_the_place_of_its_own_figures_and_of_no_others(path):
    """`prepare.speedup_vs_ffmpeg` was not measured this time: the old one would be misleading."""
    report.merge(path, STEP, {"step.seconds": 1.5, "step.speedup_vs_keras": 3.0})
    prepare = ("prepare.times_real_time", "prepare.speedup_vs_ffmpeg")
    report.merge(path, prepare, {"prepare.times_real_time": 100.0, "prepare.speedup_vs_ffmpeg": 2})
    figures = report.merge(path, prepare, {"prepare.times_real_time": 110.0})
    expected = {"step.seconds": 1.5, "step.speedup_vs_keras": 3.0, "prepare.times_real_time": 110.0}
    assert figures == content(path) == report.read(path) == expected | FACTS


def test_the_file_is_flat_sorted_and_whole(path):
    report.merge(path, STEP, {"step.speedup_vs_keras": 3.0, "step.seconds": 1.5})
    found = content(path)
    assert [*found] == sorted(found)
    assert all(isinstance(value, str if name in FACTS else float) for name, value in found.items())
    assert [file.name for file in pathlib.Path(path).parent.iterdir()] == ["bench.json"]


def test_a_write_that_fails_leaves_the_old_file(path):
    report.merge(path, STEP, {"step.seconds": 1.5})
    before = pathlib.Path(path).read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        report.merge(path, STEP, {"step.seconds": object()})
    assert pathlib.Path(path).read_bytes() == before


def test_figures_of_another_machine_are_not_mixed_with_ours(path, monkeypatch):
    report.merge(path, STEP, {"step.seconds": 1.5})
    monkeypatch.setattr(machine, "facts", lambda: FACTS | {"machine.cores": "64"})
    message = r"elsewhere \(machine.cores was 2, is 64\): give another --out, or remove"
    for use in (lambda: report.read(path), lambda: report.merge(path, STEP, {})):
        with pytest.raises(ValueError, match=message):
            use()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON .*; remove it"),
        ("{", "is no JSON .*; remove it"),
        ("\xff", "is no JSON .*; remove it"),
        ("[1, 2]", "is no file of figures .*another --out"),
    ],
)
def test_another_kind_of_file_is_refused(path, text, message):
    pathlib.Path(path).write_text(text, "latin-1")
    with pytest.raises(ValueError, match=rf"bench\.json {message}"):
        report.read(path)


def test_no_file_is_no_figures(path):
    assert report.read(path) == {}


def test_the_table():
    figures = {"b.time": 1234.56, "a.speedup": 2.7182, "c.difference": 0.0000123456}
    meanings = {"a.speedup": "faster", "b.time": "time", "c.difference": "d", "d.absent": "none"}
    assert report.table(FACTS | figures, meanings) == (
        "Measured on Abacus 3, 2 cores, 4 GB of memory, no GPU, Linux x86_64; Python 3.11.9, "
        "TensorFlow 2.16.2, Keras 3.15.1.\n"
        "\n"
        "| figure | value | what it means |\n"
        "|---|---:|---|\n"
        "| `a.speedup` | 2.72 | faster |\n"
        "| `b.time` | 1235 | time |\n"
        "| `c.difference` | 1.23e-05 | d |"
    )
