"""Workers: order, a bounded number in flight, and crashes that cost one task.

The tasks are Python expressions and the function is `eval`, which every process has.
"""

import math
import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.data.settings import Limits
from soundnet_tf.data.workers import CRASHED, Workers, ordered

ROOT = Path(__file__).resolve().parents[2]
DIE = "__import__('os')._exit(1)"


@given(count=st.integers(0, 30), window=st.integers(1, 8))
def test_ordered_holds_at_most_a_window_and_keeps_the_order(count, window):
    """Of n items, window w: when item i comes out, min(n, i + w) have been asked for."""
    asked = 0

    def items():
        nonlocal asked
        for asked in range(1, count + 1):
            yield asked

    def submit(item):
        future = Future()
        future.set_result(item * item)
        return future

    seen = [(item, result, asked) for item, result in ordered(submit, items(), window)]
    assert seen == [(i, i * i, min(count, i + window - 1)) for i in range(1, count + 1)]


def test_map_asks_for_two_tasks_a_worker_and_no_more():
    asked = []
    with Workers(2) as workers:
        numbers = (asked.append(n) or n for n in range(100))
        results = workers.map(math.sqrt, numbers, failed=repr)
        assert next(results) == (0, 0.0)
        assert asked == [0, 1, 2, 3]
        assert next(results) == (1, 1.0)
        assert asked == [0, 1, 2, 3, 4]


def test_a_task_that_kills_its_process_costs_only_itself():
    tasks = ["1 + 1", DIE, "2 + 2", DIE, "3 + 3"]
    with Workers(2) as workers:
        results = [result for _, result in workers.map(eval, tasks, failed=lambda task, why: why)]
    assert results == [2, CRASHED, 4, CRASHED, 6]


def test_a_task_that_never_ends_is_ended_and_costs_only_itself():
    """It waits in C and keeps Python's lock (PyDLL), so that no thread of its process has a turn;
    it is not tried again."""
    hang = "__import__('ctypes').PyDLL(None).pause()"
    with Workers(2, Limits(task_secs=1.0)) as workers:
        results = [result for _, result in workers.map(eval, ["1", hang, "2"], lambda _, why: why)]
    assert results == [1, "took longer than 1 s (see --video_timeout_secs)", 2]


def test_the_time_of_a_task_is_its_own():
    """What came before does not count: six tasks that wait 0.3 s each, with 1 s for a task."""
    tasks = ["__import__('time').sleep(0.3)"] * 6
    with Workers(1, Limits(task_secs=1.0)) as workers:
        assert [result for _, result in workers.map(eval, tasks, lambda *_: "late")] == [None] * 6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory so")
def test_a_task_that_wants_too_much_memory_gets_none_and_costs_only_itself():
    """500 MB that nobody writes to: the system would give them."""
    tasks = ["1", "len(bytearray(500_000_000))", "2", "len(bytearray(100_000_000))"]
    with Workers(1, Limits(task_gb=0.3)) as workers:
        results = [result for _, result in workers.map(eval, tasks, lambda _, why: why)]
    assert results == [1, "needs more than 0.3 GB of memory (see --video_memory_gb)", 2, 10**8]


def test_limits_that_are_as_good_as_none_are_taken_and_larger_ones_refused():
    """Above 2**63 bytes or seconds the kernel takes none."""
    with Workers(1, Limits(task_secs=1e9, task_gb=1e9)) as workers:
        assert list(workers.map(eval, ["1"], lambda _, why: why)) == [("1", 1)]
    with pytest.raises(
        ValueError, match="task_secs .* is 10000000000.0; it should be .*at most 1e[+]09"
    ):
        Limits(task_secs=1e10)
    with pytest.raises(
        ValueError, match="task_gb .* is 10000000000.0; it should be .*at most 1e[+]09"
    ):
        Limits(task_gb=1e10)


# One task in a process of its own, whose system allows so many bytes; then what is left of limits.
LIMITED = """
import resource, signal, sys
from soundnet_tf.data import workers
from soundnet_tf.data.settings import Limits
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
assert workers._limited(Limits(task_secs=50.0, task_gb=4.0), abs, -3) == 3
print(*signal.getitimer(signal.ITIMER_REAL), *resource.getrlimit(resource.RLIMIT_DATA))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory so")
@pytest.mark.parametrize("most", [10**9, 10**11])
def test_after_a_task_no_clock_runs_and_the_systems_limit_stays(most):
    """A process that waits for its next task is not ended by the last one's clock. A system that
    allows less than we would (1 GB where 4 are meant) is no error, and keeps its limit; one that
    allows more gets ours, 4 GB and what the modules have."""
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(most)], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    seconds, again, soft, hard = ran.stdout.split()
    assert (float(seconds), float(again), int(hard)) == (0.0, 0.0, most)
    assert int(soft) == most if most < 4e9 else 4e9 < int(soft) < 6e9


def test_a_process_that_dies_once_is_tried_again(tmp_path):
    marker = str(tmp_path / "tried")
    task = f"'done' if __import__('os').path.exists({marker!r}) else (open({marker!r}, 'w'), {DIE})"
    with Workers(1) as workers:
        assert list(workers.map(eval, [task], failed=lambda *_: "dead")) == [(task, "done")]


def test_a_process_that_dies_while_it_waits_costs_nothing():
    """Whoever ends it: of the next task there is nothing to say."""
    with Workers(1) as workers:
        for _ in range(2):
            ((_, pid),) = workers.map(eval, ["__import__('os').getpid()"], lambda _, why: why)
            os.kill(pid, signal.SIGKILL)
        assert list(workers.map(eval, ["2 + 2"], lambda _, why: why)) == [("2 + 2", 4)]


def test_an_exception_of_a_task_names_the_task():
    with Workers(1) as workers, pytest.raises(ZeroDivisionError) as caught:
        list(workers.map(eval, ["1 / 0"], failed=repr))
    assert caught.value.__notes__ == ["It happened with 1 / 0"]


def test_leaving_ends_the_processes_in_the_middle_of_their_work():
    """The second task sleeps ten minutes; leaving does not wait for it."""
    tasks = ["__import__('os').getpid()", "__import__('time').sleep(600)"]
    with Workers(1) as workers:
        _, pid = next(workers.map(eval, tasks, failed=repr))
        os.kill(pid, 0)  # it lives
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("module", ["soundnet_tf.data.clips", "bin.prepare"])
def test_what_a_worker_imports_does_not_import_tensorflow(module):
    code = f"import sys, {module}; print('tensorflow' in sys.modules, {module!r} in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "False True\n", ran.stderr
