#!/usr/bin/env python3
"""Says what recordings sound like: the objects and scenes that the network hears, over time.

    bin/recognize.py --model=published train.ogg holiday.mp4
    bin/recognize.py --model=SAVED_MODEL --format=json recordings/*.wav > heard.json
    bin/recognize.py --model=RUN/best --top=10 --format=csv long_recording.flac

Sound files and videos of any length. A line is centred on the moment that it gives and hears 14.5 s
around it; sound of less than 11 s is repeated to 20 s and gets one line.
"""

import sys

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_MODEL = flags.DEFINE_string(
    "model",
    "published",
    "published, a folder of bin/export.py or RUN/best, or a .npy or .t7 file of released weights.",
)
_TOP = flags.DEFINE_integer("top", 3, "Classes of each head.", lower_bound=1)
_FORMAT = flags.DEFINE_enum("format", "table", ["table", "json", "csv"], "What to print.")
_CHANNEL = flags.DEFINE_enum("channel", "mean", ["mean", "first"], "Of stereo (paper: first).")
_SHORT = flags.DEFINE_enum(
    "short", "loop", ["loop", "pad"], "Repeat sound under 11 s, or put silence behind it."
)


def main(argv: list[str]) -> int:
    if len(argv) < 2:
        raise app.UsageError("name at least one sound or video file")
    set_up_tensorflow()
    from soundnet_tf.serving import listener, recognition_report
    from soundnet_tf.serving.recognize import recognize_file

    try:
        listener.load(_MODEL.value)
    except (ValueError, OSError) as error:
        return fail(error)
    report = recognition_report.FORMATS[_FORMAT.value](sys.stdout, _TOP.value)
    unread = 0
    for path in argv[1:]:
        try:
            recognition = recognize_file(path, _MODEL.value, _CHANNEL.value, _SHORT.value)
        except (ValueError, OSError) as error:
            unread = fail(error)
            continue
        report.add(path, recognition)
    report.finish()
    return unread


if __name__ == "__main__":
    app.run(main)
