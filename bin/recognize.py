#!/usr/bin/env python3
"""Says what recordings sound like: the objects and scenes that the network hears, over time.

    bin/recognize.py --model=published train.ogg holiday.mp4
    bin/recognize.py --model=SAVED_MODEL --format=json recordings/*.wav > heard.json
    bin/recognize.py --model=RUN/best --top=10 --format=csv long_recording.flac

Sound files and videos of any length. A line is centred on the moment that it gives and hears 14.5 s
around it; sound of less than 11 s is repeated to 20 s and gets one line.
"""

import sys

from soundnet_tf.bin import launch
from soundnet_tf.serving.settings import RecognizeConfig


def main(config: RecognizeConfig, paths: list[str]) -> int:
    from soundnet_tf.files.progress import progress_bar
    from soundnet_tf.serving import listener, recognition_report
    from soundnet_tf.serving.recognize import recognize_file

    listener.load(config.model)
    report = recognition_report.FORMATS[config.format](sys.stdout, config.top)
    unread = 0
    bar = progress_bar(len(paths), "hearing", "file", show=len(paths) > 1, leave=False)
    with bar:
        for path in paths:
            try:
                recognition = recognize_file(
                    path, config.model, config.channel, config.short, config.audio_stream
                )
            except (ValueError, OSError) as error:
                with bar.external_write_mode():
                    unread = launch.fail(error)
            else:
                with bar.external_write_mode():
                    report.add(path, recognition)
            bar.update()
    report.finish()
    return unread


if __name__ == "__main__":
    launch.run(main, RecognizeConfig, files="at least one sound or video file")
