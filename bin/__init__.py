"""The binaries as modules of the package."""

import pathlib
import runpy
import sys


def run() -> None:
    """Every console command's entry: `soundnet-train` runs `soundnet_tf.bin.train` as the main
    program, since absl's --help shows the docstring and the flags of that one."""
    stage = pathlib.PurePath(sys.argv[0]).stem.removeprefix("soundnet-")
    runpy.run_module(f"{__name__}.{stage}", run_name="__main__", alter_sys=True)
