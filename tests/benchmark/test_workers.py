"""What the workers of one machine share: the same batch in all."""

import json
import types

import pytest

from benchmark import workers
from benchmark.timing import Contestant


@pytest.fixture
def started(monkeypatch):
    """Arguments of the workers: this process's first, then those that it starts."""
    found = []
    popen = lambda command, **_: (  # noqa: E731
        found.append(json.loads(command[-1])) or types.SimpleNamespace(kill=lambda: None)
    )
    monkeypatch.setattr(workers.subprocess, "Popen", popen)
    monkeypatch.setattr(workers, "_steps", lambda *given: found.insert(0, list(given)))
    return found


@pytest.mark.parametrize("count", [1, 2])
def test_each_has_its_part_of_the_batch(started, count):
    """Of 8 clips of 20 s. All know all hosts, each its number."""
    workers.shared_steps(8, 20.0, count)
    assert [task for task, *_ in started] == [*range(count)]
    for _, hosts, clips, clip_secs in started:
        assert hosts == started[0][1] and len(set(hosts)) == count
        assert (clips, clip_secs) == (8 // count, 20.0)


def test_all_contestants_take_the_same_batch():
    found = workers.contestants(64, 20.0)
    assert [c.arguments.get("workers", 0) for c in found.values()] == [0, 1, 2]
    assert {(c.arguments["batch_size"], c.arguments["clip_secs"]) for c in found.values()} == {
        (64, 20.0)
    }
    assert all(isinstance(contestant, Contestant) for contestant in found.values())
