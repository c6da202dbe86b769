#!/usr/bin/env python3
"""Says what recordings sound like: the objects and scenes that the network hears, over time.

    bin/recognize.py --model=published train.ogg holiday.mp4
    bin/recognize.py --model=SAVED_MODEL --format=json recordings/*.wav > heard.json
    bin/recognize.py --model=RUN/best --top=10 --format=csv long_recording.flac
    bin/recognize.py --format=srt --out=films films/*.mp4
    bin/recognize.py --segments=sea --segment_label=seashore long_recording.flac

Sound files and videos of any length. A line is centred on the moment that it gives and hears 14.5 s
around it; sound of less than 11 s is repeated to 20 s and gets one line. The network only ever
heard what cameras saw: it names what would be in the picture, of 1000 objects and 401 scenes. So a
tenth is much; less than a twentieth, dim on a terminal, may be chance (NO_COLOR=1: no colours).

Labels of --format=audacity|srt|vtt and segments begin and end midway between the moments. A label
lasts as long as the first object and the first scene stay; a segment as long as --segment_label is
among the --top of its head, with all channels at the recording's own rate. Nothing is written over.
"""

import sys

from soundnet_tf.bin import launch
from soundnet_tf.serving.settings import RecognizeConfig, label_files


def main(config: RecognizeConfig, paths: list[str]) -> int:
    from soundnet_tf.serving import captions, listener, recognition_report
    from soundnet_tf.serving.hearing_bar import HearingBar
    from soundnet_tf.serving.recognize import recognize_file
    from soundnet_tf.serving.segments import Segments

    paths = list(dict.fromkeys(paths))
    ears = listener.load(config.model)
    report: recognition_report.Report
    if config.out:
        files = label_files(config.format, config.out, paths)
        report = captions.LabelFiles(config.format, sys.stdout, config.top, files)
    else:
        report = recognition_report.FORMATS[config.format](sys.stdout, config.top)
    segments = None
    if config.segments and config.segment_label:
        segments = Segments(
            config.segments, config.segment_label, ears.labels, paths, config.top,
            config.audio_stream,
        )  # fmt: skip
    unread = 0
    with HearingBar(paths, config.audio_stream) as bar:
        for path in paths:
            bar.begin(path)
            try:
                recognition = recognize_file(
                    path, config.model, config.channel, config.short, config.audio_stream, bar.heard
                )
                with bar.external_write_mode():
                    report.add(path, recognition)
                if segments:
                    segments.add(path, recognition)
            except (ValueError, OSError) as error:
                with bar.external_write_mode():
                    unread = launch.fail(error)
            bar.end()
    report.finish()
    if segments:
        print(segments.summary(), file=sys.stderr)
    return unread


if __name__ == "__main__":
    launch.run(main, RecognizeConfig, files="at least one sound or video file")
