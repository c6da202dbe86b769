#!/usr/bin/env python3
"""Trains a SoundNet: teachers look at the frames of your videos, the student hears their sound.

    bin/train.py --flagfile=soundnet8 --data=PREPARED --out=RUN \\
        --imagenet_teacher=keras:MobileNetV2 --places_teacher=places:vgg16@vgg16_places365.h5

Start from the published network to go on from two million videos: --init_from=published.
After bin/label.py no teachers are needed, and it is many times as fast.
On several machines the same command runs on each, with --hosts=a:12345,b:12345 --task=0 (1, ...).
The same command goes on where a killed run was left; stopped by SIGTERM, it ends with exit code 75.
"""

import sys

from soundnet_tf.bin import launch, stage_flags
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.training.settings import ProbeConfig, RunConfig, TrainConfig


def main(config: RunConfig) -> int | None:
    from soundnet_tf.data import sources
    from soundnet_tf.training import cluster, loop, report
    from soundnet_tf.training.stopping import RUN_AGAIN, Stopped, stopped_by_sigterm

    workers = cluster.build(config.cluster)  # before anything else of TensorFlow
    flagfile = stage_flags.as_text(SourceConfig, TrainConfig, ProbeConfig)
    try:
        with stopped_by_sigterm():
            training, validation = sources.open_sources(config.source)
            result = loop.train(
                config.train,
                training,
                validation,
                config.out,
                flagfile,
                config.probe,
                workers,
                config.checkpoint_every,
                config.board,
            )
    except Stopped as stopped:
        print(f"\ntrain.py: {stopped}", file=sys.stderr)
        return RUN_AGAIN
    if result is not None:
        print(report.summary(**vars(result), out=config.out))
    return None


if __name__ == "__main__":
    launch.run(main, RunConfig, interrupted="the same command goes on at the last checkpoint")
