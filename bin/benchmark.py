#!/usr/bin/env python3
"""Measures how fast training, hearing and preparing are: ratios within one run on this machine.

    bin/benchmark.py --suite=all --out=bench.json          about half an hour on two cores
    bin/benchmark.py --suite=step --out=bench.json         one of them; the others' figures stay
    bin/benchmark.py --suite=prepare --videos=DIR --out=bench.json

    forward   hearing, over plain Keras layers and over the fastest matrix product
    step      a training step, over the same
    prepare   cutting videos into clips, over the ffmpeg program if it is there
    pipeline  batches from shards, over the steps that they feed
    cached    training on cached targets, over two teachers in every step
    scaling   time and memory for N, 2N and 4N clips, and for 1, 2 and 4 hours of sound

Nothing is fetched: films and sound are made. Contestants run in turn, each several times, and
medians count; let nothing else run meanwhile. The figures go into the JSON after every suite, and
are printed as a Markdown table.
"""

import pathlib
import signal
import sys

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_SUITE = flags.DEFINE_string("suite", "all", "Which of the above, or all.")
_OUT = flags.DEFINE_string("out", None, "JSON file of the figures.", required=True)
_VIDEOS = flags.DEFINE_string(
    "videos", None, "Folder, glob or list of videos for prepare, instead of those that are made."
)
_REPEATS = flags.DEFINE_integer("repeats", 5, "How often each contestant runs.", lower_bound=1)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it stops like Ctrl-C
    # It stands beside the package: of a checkout only, whose root takes the place of this folder.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
    from benchmark import run
    from benchmark.settings import Settings

    settings = Settings(videos=_VIDEOS.value, rounds=_REPEATS.value)
    try:
        figures = run.run(_SUITE.value, _OUT.value, settings)
    except (ValueError, OSError, RuntimeError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("\nInterrupted: the figures of finished suites are kept.", file=sys.stderr)
        return 130
    print(run.table(figures))
    return 0


if __name__ == "__main__":
    app.run(main)
