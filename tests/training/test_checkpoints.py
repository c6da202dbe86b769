"""When a checkpoint is kept and what ends a run, by a clock and a cluster that say what they are
told."""

import os
import signal
import sys
import types

import pytest

from soundnet_tf.data.order import ALL, Share
from soundnet_tf.training import monitor, resuming, stopping
from soundnet_tf.training.stopping import Stopped


class Run:
    """A run of which only the steps are counted: each takes so many seconds.

    Attributes:
        kept: steps at which this process wrote a checkpoint.
        added_up: steps at which it took part in one.
        asked: steps at which it asked the other processes.
    """

    def __init__(self, monkeypatch, steps_per_epoch, every_steps=None, share=ALL):
        self.kept, self.added_up, self.asked = [], [], []
        self.now_secs, self.others_wish = 1e6, False
        self.optimizer = types.SimpleNamespace(iterations=0)
        clock = types.SimpleNamespace(monotonic=lambda: self.now_secs)
        monkeypatch.setattr(resuming, "time", clock)
        monkeypatch.setattr(monitor.Backup, "keep", lambda _: self.kept.append(self.step))
        cluster = types.SimpleNamespace(share=share, is_chief=share.index == 0, any=self.any)
        self.backup = resuming.Backup("nowhere", steps_per_epoch, cluster, every_steps)
        self.backup.set_model(self)

    @property
    def step(self):
        return self.optimizer.iterations

    def any(self, wish):
        self.asked.append(self.step)
        return wish or self.others_wish

    def keep_means(self):
        self.added_up.append(self.step)

    def take(self, steps, secs):
        for _ in range(steps):
            self.optimizer.iterations += 1
            self.now_secs += secs
            self.backup.on_train_batch_end(self.step - 1)
            if self.step % self.backup.steps_per_epoch == 0:
                self.backup.on_epoch_end(0)


def test_one_is_kept_after_five_minutes_and_after_each_epoch(monkeypatch):
    """Steps of 70 s, epochs of 7: the fifth is the first to end 300 s or more after the start, or
    after the last checkpoint, whichever that was. What came before the start does not count."""
    run = Run(monkeypatch, 7)
    run.now_secs += 1000
    run.backup.on_train_begin()
    run.take(21, 70.0)
    run.backup.on_train_end()
    assert run.kept == run.added_up == [5, 7, 12, 14, 19, 21]


def test_short_steps_need_no_checkpoint(monkeypatch):
    run = Run(monkeypatch, 50)
    run.take(49, 6.0)
    assert run.kept == []


@pytest.mark.parametrize(
    ("steps_per_epoch", "expected"), [(7, [3, 6, 7, 9, 12, 14]), (6, [3, 6, 9, 12])]
)
def test_steps_decide_alone_if_they_are_given(monkeypatch, steps_per_epoch, expected):
    """However long they take. An epoch's last step is kept once, after the epoch's end: what the
    run goes on from is never before the history's row."""
    run = Run(monkeypatch, steps_per_epoch, every_steps=3)
    run.take(14, 1000.0)
    assert run.kept == expected


def test_who_does_not_write_takes_part_at_the_same_steps(monkeypatch):
    """Of several only at every eighth step, at which all of them ask each other."""
    runs = []
    for index in (0, 1):
        runs.append(Run(monkeypatch, 20, share=Share(index, 2)))
        runs[-1].take(24, 70.0)
    chief, other = runs
    assert chief.kept == chief.added_up == other.added_up == [8, 16, 20]
    assert other.kept == [] and chief.asked == other.asked
    assert set(other.asked) == {8, 16, 20, 24}


def test_all_keep_one_when_it_is_time_for_any(monkeypatch):
    """Clocks of several machines differ: at step 8 another one says that its five minutes are over
    (all ask each other for the end, and then for the time)."""
    run = Run(monkeypatch, 50, share=Share(1, 2))
    answers = [False, True, False, False]
    monkeypatch.setattr(run.backup._cluster, "any", lambda wish: answers.pop(0))
    run.take(16, 1.0)
    assert run.added_up == [8] and answers == []


def test_all_end_if_one_is_asked_to(monkeypatch):
    run = Run(monkeypatch, 50, share=Share(1, 2))
    run.others_wish = True
    with pytest.raises(Stopped):
        run.take(20, 1.0)
    assert run.step == 8 and run.added_up == [8]


@pytest.mark.parametrize("steps_per_epoch", [9, 4])
def test_sigterm_ends_a_run_at_its_step_or_epoch_and_nothing_else(monkeypatch, steps_per_epoch):
    """And only between the run's begin and its end: then the signal is whose it was before."""
    before = signal.getsignal(signal.SIGTERM)
    run = Run(monkeypatch, steps_per_epoch)
    run.backup.on_train_begin()
    try:
        run.take(3, 1.0)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped, match="the same command goes on"):
            run.take(5, 1.0)
    finally:
        run.backup.on_train_end()
    assert run.step == 4 and run.kept[-1] == 4
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_asks_a_run_to_end_before_it_begins_is_not_lost(monkeypatch):
    """Libraries on the way catch errors, which it is not; and what is raised in a finalizer Python
    drops: then the first step ends the run. The next run is not asked."""

    class Finalized:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            sum(range(1000))  # Python's handlers run between its instructions

    assert not issubclass(Stopped, Exception)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    run, again = Run(monkeypatch, 9), Run(monkeypatch, 9)
    with stopping.stopped_by_sigterm():
        Finalized()
        run.backup.on_train_begin()
        with pytest.raises(Stopped):
            run.take(5, 1.0)
        run.backup.on_train_end()
    assert run.step == 1
    again.backup.on_train_begin()
    again.take(5, 1.0)
    again.backup.on_train_end()
