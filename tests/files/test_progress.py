"""What a progress bar writes, on a terminal and into a log file."""

import io
import sys

import pytest
import tqdm.std

from soundnet_tf.files.progress import progress_bar


class _Stderr(io.StringIO):
    def __init__(self, is_terminal):
        super().__init__()
        self.isatty = lambda: is_terminal


@pytest.fixture
def clock(monkeypatch):
    """The time that tqdm sees: it stands still unless it is moved."""

    class Clock:
        secs = 1000.0

    monkeypatch.setattr(tqdm.std.tqdm, "_time", staticmethod(lambda: Clock.secs), raising=False)
    monkeypatch.setattr(tqdm.std, "time", lambda: Clock.secs)
    return Clock


def written(monkeypatch, is_terminal, use):
    stderr = _Stderr(is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    use()
    return [line for line in stderr.getvalue().replace("\n", "\r").split("\r") if line.strip()]


def work(clock, secs, show=True, **options):
    """A bar of 1000 steps that take so many seconds."""
    with progress_bar(1000, "working", "step", show, **options) as bar:
        for _ in range(1000 - options.get("initial", 0)):
            clock.secs += secs / 1000
            bar.update()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_nothing_is_shown_if_nobody_asks(monkeypatch, clock, is_terminal):
    assert written(monkeypatch, is_terminal, lambda: work(clock, 600, show=False)) == []


def test_a_log_file_has_a_line_a_minute(monkeypatch, clock):
    """600 s: the first line, at most one for each of 10 minutes, and the last."""
    lines = written(monkeypatch, False, lambda: work(clock, 600))
    assert 9 <= len(lines) <= 12
    assert lines[0].startswith("working:   0%") and "0/1000" in lines[0]
    assert lines[-1].startswith("working: 100%") and "1000/1000" in lines[-1]
    assert "step/s" in lines[-1]


def test_a_terminal_has_two_lines_a_second(monkeypatch, clock):
    """10 s; of a log file's sparse lines there would be two."""
    assert 15 <= len(written(monkeypatch, True, lambda: work(clock, 10))) <= 22
    assert len(written(monkeypatch, False, lambda: work(clock, 10))) == 2


def test_what_does_not_stay_needs_a_minute_to_be_in_a_log_file(monkeypatch, clock):
    assert written(monkeypatch, False, lambda: work(clock, 59, leave=False)) == []
    assert written(monkeypatch, False, lambda: work(clock, 200, leave=False))
    assert written(monkeypatch, True, lambda: work(clock, 59, leave=False))


def test_work_goes_on_from_where_it_was(monkeypatch, clock):
    lines = written(monkeypatch, False, lambda: work(clock, 600, initial=400))
    assert "working:  40%" in lines[0] and "400/1000" in lines[0]
    assert "1000/1000" in lines[-1]


def test_it_may_be_iterated_over(monkeypatch):
    """Of an iterator without a length the total is what is said."""
    got = []

    def use():
        got.extend(progress_bar(3, "reading", "clip", items=iter("abc")))

    lines = written(monkeypatch, False, use)
    assert got == ["a", "b", "c"]
    assert "reading:   0%" in lines[0] and "0/3" in lines[0]
    assert "reading: 100%" in lines[-1] and "3/3" in lines[-1]
