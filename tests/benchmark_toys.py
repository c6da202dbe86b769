"""Contestants that take no time, for the tests of `benchmark.timing`."""

import os
import time


def noted(path, name):
    """Notes its process when it is set up, and its name whenever it runs."""
    _add(f"{path}.pids", str(os.getpid()))

    def run():
        print("noise on stdout")
        _add(path, name)

    return run


def fails(path, when):
    """Fails "setup", or in the second "run"; or its process ends at once, with "exit"."""
    _add(f"{path}.pids", str(os.getpid()))
    if when == "setup":
        raise ValueError("no such clip")
    runs = []

    def run():
        runs.append(when)
        if when == "exit":
            os._exit(3)
        if len(runs) == 2:
            raise ValueError("no such batch")

    return run


def sleeps(path):
    """Never comes back from its run, nor does its process end when it is asked to."""

    def run():
        _add(f"{path}.pids", str(os.getpid()))
        time.sleep(600)

    return run


def environment(name):
    """The value of an environment variable."""
    return os.environ.get(name)


def holds(megabytes):
    """Holds so much memory for a moment, when it runs."""
    return lambda: len(b"\1" * (megabytes << 20))


def _add(path, line):
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
