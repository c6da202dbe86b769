#!/usr/bin/env python3
"""Looks at videos before anything is learned from them, and says which to leave out.

    bin/inspect.py --videos=DIR --out=REPORT
    bin/prepare.py --videos=REPORT/keep.csv --out=SHARDS

Still pictures, copies (also where they were coded anew or cut), silence, clipping, cuts, sound that
is late, and what is odd about the files: REPORT/index.html shows it, clips.csv has all figures.
keep.csv leaves out what cannot be read, is still, silent or a copy; change it as you like. With
--data=SHARDS it looks at a prepared folder. A killed run goes on with the same command.
"""

import importlib.util
import os
import sys
from importlib.machinery import PathFinder

if __name__ == "inspect":
    # Python looks beside the script that runs first: whatever imports its own module of that name
    # from a command in this folder finds this file, which gives way.
    _here = os.path.dirname(os.path.realpath(__file__))
    _elsewhere = [path for path in sys.path if os.path.realpath(path) != _here]
    _spec = PathFinder.find_spec(__name__, _elsewhere)
    assert _spec is not None and _spec.loader is not None, "Python has a module of that name"
    sys.modules[__name__] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[__name__])
else:
    from soundnet_tf.bin import launch
    from soundnet_tf.inspection.settings import InspectConfig

    def main(config: InspectConfig) -> None:
        from soundnet_tf.inspection.report import summary
        from soundnet_tf.inspection.run import inspect

        print(summary(inspect(config)))


if __name__ == "__main__":
    launch.run(main, InspectConfig, interrupted="the same command goes on where it was")
