"""A contestant's process: sets up once, then runs once for every line that it reads.

    python -m benchmark.worker MODULE:FUNCTION ARGUMENTS

FUNCTION is called with ARGUMENTS (a JSON object) and gives what is to be run, a callable without
arguments; anything else that it gives is its result, and there is nothing to run. Answers are
lines of JSON: {"result": ...} when set up, {"seconds": ...} after each run, and {"peak_bytes": ...}
when the input ends, also because the parent has died. What the functions print goes to stderr.
"""

import importlib
import json
import os
import resource
import signal
import sys
import time


def main(target: str, arguments: str) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that contestants clean up
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, _, name = target.partition(":")
    made = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    _answer(answers, result=None if callable(made) else made)
    for _ in sys.stdin:
        start = time.perf_counter()
        made()
        _answer(answers, seconds=time.perf_counter() - start)
    _answer(answers, peak_bytes=_peak_bytes())


def _answer(answers, **values) -> None:
    print(json.dumps(values), file=answers)


def _peak_bytes() -> int:
    """The most memory that this process or one of those that it has waited for ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    of_whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return unit * max(resource.getrusage(who).ru_maxrss for who in of_whom)


if __name__ == "__main__":
    main(*sys.argv[1:])
