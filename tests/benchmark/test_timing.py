"""Contestants in processes of their own: their turns, their errors, their end."""

import json
import os
import pathlib
import subprocess
import sys
import time

import benchmark_toys
import pytest

from benchmark import timing
from benchmark.timing import Contestant, Measurement

TESTS = str(pathlib.Path(benchmark_toys.__file__).parent)


@pytest.fixture(autouse=True)
def notes(monkeypatch, tmp_path):
    """A file for the toys, which their processes find in the folder of the tests."""
    monkeypatch.setenv("PYTHONPATH", TESTS)
    return tmp_path / "notes"


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(notes):
    return [int(line) for line in notes.with_suffix(".pids").read_text().split()]


def toy(notes, name):
    return Contestant(benchmark_toys.noted, {"path": str(notes), "name": name})


def failing(notes, when):
    return Contestant(benchmark_toys.fails, {"path": str(notes), "when": when})


def test_contestants_run_in_turn_and_warm_ups_do_not_count(notes):
    contestants = {name: toy(notes, name) for name in ("ours", "theirs")}
    measured = timing.measure("toys", contestants, rounds=3, warm_ups=2)
    assert notes.read_text().split() == ["ours", "theirs"] * 5
    assert [*measured] == ["ours", "theirs"]
    for measurement in measured.values():
        assert len(measurement.seconds) == 3 and min(measurement.seconds) > 0
        assert measurement.peak_bytes > 1 << 20
    assert len(set(pids(notes))) == 2 and not any(map(is_alive, pids(notes)))


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("setup", r"(?s)^bad ended with 1:.*ValueError: no such clip$"),
        ("run", r"(?s)^bad ended with 1:.*ValueError: no such batch$"),
        ("exit", r"^bad ended with 3:$"),
    ],
)
def test_a_failure_says_who_and_why_and_ends_all_processes(notes, when, message):
    contestants = {"good": toy(notes, "good"), "bad": failing(notes, when)}
    with pytest.raises(RuntimeError, match=message):
        timing.measure("toys", contestants, rounds=2)
    assert not any(map(is_alive, pids(notes)))


def test_a_process_that_was_killed_between_its_runs_is_named(notes):
    with (
        pytest.raises(RuntimeError, match="^idle ended with -9:$"),
        timing.worker("idle", toy(notes, "idle")) as worker,
    ):
        worker.answer("result")
        worker.process.kill()
        worker.process.wait()
        worker.run()


def test_an_error_outside_ends_a_process_in_the_middle_of_its_run(notes):
    sleeper = Contestant(benchmark_toys.sleeps, {"path": str(notes)})
    with pytest.raises(KeyboardInterrupt), timing.worker("sleeper", sleeper) as worker:
        worker.answer("result")
        worker.process.stdin.write("\n")
        worker.process.stdin.flush()
        wait_for(notes.with_suffix(".pids"))
        raise KeyboardInterrupt
    assert not is_alive(*pids(notes))


SCRIPT = """
import signal
import benchmark_toys
from benchmark.timing import Contestant, measure
signal.signal(signal.SIGTERM, signal.default_int_handler)
measure("toys", {{"sleeper": Contestant(benchmark_toys.sleeps, {{"path": {path!r}}})}}, rounds=1)
"""


def test_no_process_outlives_one_that_is_asked_to_end(notes):
    script = SCRIPT.format(path=str(notes))
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        wait_for(notes.with_suffix(".pids"))
        process.terminate()
    assert process.returncode and not is_alive(*pids(notes))


def test_a_process_ends_when_nobody_can_ask_it_any_more(notes):
    arguments = json.dumps({"path": str(notes), "name": "orphan"})
    command = [sys.executable, "-m", "benchmark.worker", "benchmark_toys:noted"]
    done = subprocess.run(
        [*command, arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    first, last = map(json.loads, done.stdout.splitlines())
    assert first == {"result": None} and last["peak_bytes"] > 1 << 20
    assert not notes.exists()


def wait_for(path):
    while not path.exists():
        time.sleep(0.05)


@pytest.mark.parametrize("plain", [False, True])
def test_plain_contestants_have_not_what_our_commands_set(monkeypatch, plain):
    """Whatever this process was started with."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    arguments = {"name": "TF_ENABLE_ONEDNN_OPTS"}
    asked = Contestant(benchmark_toys.environment, arguments, plain)
    with timing.worker("asked", asked) as worker:
        assert worker.answer("result") == (None if plain else "1")


def test_a_function_can_be_called_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setenv("COLOUR", "blue")
    assert timing.call(benchmark_toys.environment, name="COLOUR") == "blue"


def test_peak_memory_is_that_of_the_run():
    """The shell between keeps the peak of this process, which a direct child would inherit."""

    def peak_bytes(megabytes):
        worker = f"{sys.executable} -m benchmark.worker"
        command = f"{worker} benchmark_toys:holds '{json.dumps({'megabytes': megabytes})}'; true"
        done = subprocess.run(
            ["sh", "-c", command], input="\n", capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])["peak_bytes"]

    difference = peak_bytes(400) - peak_bytes(100)
    assert 290 << 20 < difference < 310 << 20


def test_ratios_are_medians_over_rounds():
    """Rounds give 2/1, 4/1 and 9/3; the ratio of the medians would be 4."""
    slow, fast = Measurement((2.0, 4.0, 9.0), 0), Measurement((1.0, 1.0, 3.0), 0)
    assert slow.over(fast) == 3.0 and fast.over(slow) == pytest.approx(1 / 3)
    assert slow.median_secs == 4.0
