"""How a run ends that was asked to end before it was done. No TensorFlow."""

RUN_AGAIN = 75  # exit code; EX_TEMPFAIL of BSD's sysexits.h: not done, to be tried again


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The run was asked to end, and has kept all that it did: to be started again."""
