"""Commands in this process, so that a test of what a flag does need not wait for TensorFlow."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from unittest import mock

from absl import app, flags, logging


def run(binary: str, *arguments: str) -> int:
    """Runs `bin/BINARY.py` as the main program; gives its exit code. Its flags, the environment
    and the log are left as they were."""
    codes = []
    known, was_parsed = set(flags.FLAGS), flags.FLAGS.is_parsed()
    verbosity = logging.get_verbosity()
    try:
        with (
            mock.patch.dict(os.environ),
            mock.patch.object(sys, "argv", [f"{binary}.py", *map(str, arguments)]),
            mock.patch.object(app, "run", lambda main, argv: codes.append(main(flags.FLAGS(argv)))),
        ):
            runpy.run_module(f"soundnet_tf.bin.{binary}", run_name="__main__", alter_sys=True)
    finally:
        for name in set(flags.FLAGS) - known:
            delattr(flags.FLAGS, name)
        if not was_parsed:
            flags.FLAGS.unparse_flags()
        logging.set_verbosity(verbosity)
    (code,) = codes
    return code or 0


def completed(binary: str, *arguments: str) -> subprocess.CompletedProcess:
    """`run`, and what it printed. Each binary is run as a process of its own elsewhere."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(binary, *arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
