#!/usr/bin/env python3
"""Trains a SoundNet: teachers look at the frames of your videos, the student hears their sound.

    bin/train.py --flagfile=soundnet8 --data=PREPARED --out=RUN \\
        --imagenet_teacher=keras:MobileNetV2 --places_teacher=places:vgg16@vgg16_places365.h5

Start from the published network to go on from two million videos: --init_from=published.
After bin/label.py no teachers are needed, and it is many times as fast.
The same command goes on where a killed run was left.
"""

from soundnet_tf.bin import launch, stage_flags
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.training.settings import ProbeConfig, RunConfig, TrainConfig


def main(config: RunConfig) -> None:
    from soundnet_tf.data import sources
    from soundnet_tf.training import loop, report

    training, validation = sources.open_sources(config.source)
    flagfile = stage_flags.as_text(SourceConfig, TrainConfig, ProbeConfig)
    result = loop.train(config.train, training, validation, config.out, flagfile, config.probe)
    print(report.summary(**vars(result), out=config.out))


if __name__ == "__main__":
    launch.run(main, RunConfig, interrupted="the same command goes on after the last whole epoch")
