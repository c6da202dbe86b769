#!/usr/bin/env python3
"""Cuts videos into clips and writes them as shards: bin/prepare.py --videos=DIR --out=SHARDS"""

from soundnet_tf.bin import launch
from soundnet_tf.data.settings import PrepareConfig


def main(config: PrepareConfig) -> None:
    from soundnet_tf.data.prepare import prepare, summary

    print(summary(prepare(config)))


if __name__ == "__main__":
    launch.run(main, PrepareConfig, interrupted="the same command goes on at the next shard")
