"""The binaries as modules of the package, and what they share."""

import os
import pathlib
import runpy
import sys

from absl import flags, logging


def run() -> None:
    """Every console command's entry: `soundnet-train` runs `soundnet_tf.bin.train` as the main
    program, since absl's --help shows the docstring and the flags of that one."""
    stage = pathlib.PurePath(sys.argv[0]).stem.removeprefix("soundnet-")
    runpy.run_module(f"{__name__}.{stage}", run_name="__main__", alter_sys=True)


def set_up_tensorflow() -> None:
    """To be called before TensorFlow is imported, which then reads these. What the user has set
    stays.

    oneDNN's kernels are on: without AVX-512 TensorFlow leaves them off, and a training step takes
    about twice as long. Warnings only, unless --verbosity or TF_CPP_MIN_LOG_LEVEL says otherwise:
    TensorFlow logs each start of its own and every step of saving.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)


def fail(error: Exception) -> int:
    """Says what went wrong in one sentence (with --verbosity=1 also where); gives exit code 1."""
    logging.debug("where it came from:", exc_info=error)
    print(f"{pathlib.PurePath(sys.argv[0]).name}: {error}", file=sys.stderr)
    return 1
