"""How a run ends that was asked to end before it was done. No TensorFlow."""

import contextlib
import signal
import threading
from collections.abc import Iterator

RUN_AGAIN = 75  # exit code; EX_TEMPFAIL of BSD's sysexits.h: not done, to be tried again


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The run was asked to end, and has kept all that it did: to be started again."""


@contextlib.contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Within it, in the main thread, SIGTERM raises Stopped: where there is nothing to keep that is
    not kept yet, as before the first step and after the last."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(*_):
    raise Stopped("stopped; all that was done is kept, and the same command goes on")
