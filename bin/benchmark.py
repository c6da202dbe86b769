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
    board     what TensorBoard takes of a training's time
    scaling   time and memory for N, 2N and 4N clips, and for 1, 2 and 4 hours of sound; and what
              it costs that two workers share a batch

Nothing is fetched: films and sound are made. Contestants run in turn, each several times, and
medians count; let nothing else run meanwhile. The figures go into the JSON after every suite, and
are printed as a Markdown table.
"""

import pathlib
import sys

from soundnet_tf.bin import launch

# It stands beside the package, not in it: the checkout's root takes the place of this folder, where
# its name is this file's.
_FOLDER = pathlib.Path(__file__).resolve().parent
if sys.path[0] == str(_FOLDER):
    sys.path[0] = str(_FOLDER.parent)

try:
    from benchmark.settings import BenchmarkRunConfig
except ImportError:
    sys.exit("benchmark is no part of the installed package: run bin/benchmark.py of a checkout")


def main(config: BenchmarkRunConfig) -> None:
    from benchmark import run

    print(run.table(run.run(config.suite, config.out, config.benchmark)))


if __name__ == "__main__":
    launch.run(
        main,
        BenchmarkRunConfig,
        interrupted="the figures of finished suites are kept",
        ends_like_ctrl_c=True,
    )
