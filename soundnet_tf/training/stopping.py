"""How a run ends that was asked to end before it was done. No TensorFlow."""

import contextlib
import signal
import threading
from collections.abc import Iterator

RUN_AGAIN = 75  # exit code; EX_TEMPFAIL of BSD's sysexits.h: not done, to be tried again


_asked = threading.Event()


class Stopped(BaseException):
    """The run was asked to end, and has kept all that it did: to be started again. No Exception, as
    Ctrl-C is none: libraries on the way are not to take it for an error of theirs."""


def is_asked() -> bool:
    """Whether SIGTERM came in `stopped_by_sigterm`, even if what it raised was lost: Python drops
    what is raised in finalizers and in callbacks from C."""
    return _asked.is_set()


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
        _asked.clear()


def _raise(*_):
    _asked.set()
    raise Stopped("stopped; all that was done is kept, and the same command goes on")
