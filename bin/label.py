#!/usr/bin/env python3
"""Writes what teachers see into prepared shards, once, so that training need not ask them again.

    bin/label.py --data=SHARDS --imagenet_teacher=keras:VGG16 \\
        --places_teacher=places:vgg16@vgg16_places365.h5
    bin/train.py --data=SHARDS --out=RUN

A killed run goes on with the same command at the next shard. Another teacher of a head replaces the
posteriors of the first. For several processes or machines: --part=0 --parts=4, --part=1 ...
"""

from soundnet_tf.bin import launch
from soundnet_tf.data.settings import LabelConfig


def main(config: LabelConfig) -> None:
    from soundnet_tf.data.label import label, summary

    print(summary(config.data, label(config)))


if __name__ == "__main__":
    launch.run(main, LabelConfig, interrupted="the same command goes on at the next shard")
