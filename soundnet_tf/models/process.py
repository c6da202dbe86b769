"""TensorFlow's threads do not live on in a forked process: there it would wait for them forever."""

import os

_first: int | None = None  # the process that used a network first


def check_process() -> None:
    """Called before a network is made or heard with.

    Raises:
        RuntimeError: the process was forked from one that had used a network.
    """
    global _first
    if _first is None:
        _first = os.getpid()
    if _first != os.getpid():
        raise RuntimeError(
            f"process {os.getpid()} was forked from {_first}, which had used TensorFlow; its "
            'threads are not here. Use multiprocessing.get_context("spawn"), or load and listen '
            "in the children only"
        )
