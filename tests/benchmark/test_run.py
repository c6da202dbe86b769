"""The stage: which suites run, what is written when, and what is missing."""

import json
import pathlib
import subprocess
import sys
import types

import pytest
import synthetic_media

from benchmark import prepare, report, run, timing
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Measurement

ROOT = pathlib.Path(__file__).resolve().parents[2]


def suite(name, measure):
    return types.SimpleNamespace(FIGURES={f"{name}.ratio": "a ratio"}, measure=measure)


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "bench.json")


def test_an_unknown_suite_is_named(out):
    with pytest.raises(ValueError, match="suite 'stpe' is unknown; choose one of .*'all'.*'step'"):
        run.run("stpe", out, BenchmarkConfig())


def test_rounds_are_one_or_more():
    with pytest.raises(ValueError, match=r"rounds \(--repeats\) is 0; it should be at least 1"):
        BenchmarkConfig(rounds=0)


def test_the_command_says_what_is_wrong(out):
    command = [sys.executable, str(ROOT / "bin" / "benchmark.py"), "--suite=stpe", f"--out={out}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "flag --suite=stpe: value should be one of <all|forward|step|prepare|" in done.stderr


def test_figures_of_finished_suites_stay_when_a_run_is_ended(out, monkeypatch):
    """`second` is interrupted; run alone afterwards it adds its figure. Each has a work folder,
    which is gone in the end."""
    work = []

    def first(settings):
        work.append(pathlib.Path(settings.work))
        assert work[-1].is_dir() and settings.rounds == 7
        return {"first.ratio": 2.0}

    def interrupted(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "SUITES", {"first": suite("first", first)})
    run.SUITES["second"] = suite("second", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run("all", out, BenchmarkConfig(rounds=7))
    assert report.read(out)["first.ratio"] == 2.0 and not work[0].exists()
    run.SUITES["second"] = suite("second", lambda settings: {"second.ratio": 3.0})
    figures = run.run("second", out, BenchmarkConfig())
    assert (figures["first.ratio"], figures["second.ratio"]) == (2.0, 3.0)
    assert len(work) == 1


def test_every_figure_belongs_to_one_suite_and_is_in_the_table():
    names = [name for suite in run.SUITES.values() for name in suite.FIGURES]
    assert len(names) == len(set(names)) == len(run.MEANINGS)
    table = run.table(dict.fromkeys(names, 1.0) | report.machine.facts())
    assert all(f"| `{name}` | 1 | " in table for name in names)


def test_the_smallest_suite(tmp_path, out, monkeypatch, caplog):
    """Two small films of 2 s, whose sound is prepared from beginning to end; and no ffmpeg."""
    for name in ("a.mp4", "b.mp4"):
        synthetic_media.write_clock_video(tmp_path / name, 2, width=64, height=64)
    monkeypatch.setenv("PATH", "")
    figures = run.run(
        "prepare", out, BenchmarkConfig(videos=str(tmp_path), rounds=1, clip_secs=2.0)
    )
    of_suite = {name: value for name, value in figures.items() if name.startswith("prepare.")}
    assert (
        of_suite.keys() == {"prepare.times_real_time"} and of_suite["prepare.times_real_time"] > 0
    )
    assert figures == json.loads(pathlib.Path(out).read_text("utf-8"))
    assert "prepare.speedup_vs_ffmpeg is left out: no program ffmpeg on the PATH" in caplog.text


def test_prepare_over_ffmpeg(monkeypatch):
    """ffmpeg takes 6 s and 12 s, we 2 s and 4 s for 100 s of film."""
    monkeypatch.setattr(prepare.shutil, "which", lambda program: f"/bin/{program}")
    monkeypatch.setattr(timing, "call", lambda function, **arguments: 100.0)
    measured = {"prepare": Measurement((2.0, 4.0), 0), "ffmpeg": Measurement((6.0, 12.0), 0)}
    monkeypatch.setattr(timing, "measure", lambda title, contestants, rounds: measured)
    figures = prepare.measure(BenchmarkConfig(videos="films"))
    assert figures == {"prepare.times_real_time": 100 / 3, "prepare.speedup_vs_ffmpeg": 3.0}
