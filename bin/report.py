#!/usr/bin/env python3
"""Writes one page about a network: what it is, how it learned, how good it is, and what it hears.

    bin/report.py --model=published --inputs=recordings --out=report
    bin/report.py --run=RUN --evaluation=OUT --inputs=videos --out=report
    bin/report.py --inputs=ESC-50/audio --labels=ESC-50 --dataset=esc50 --out=report

report/index.html needs nothing beside it, no network either: curves of the run, tables of
evaluations with what is taken for what, the first layer's filters, units with the sounds that
excite them most, and for each recording a player with waveform, spectrogram, objects and scenes
over time, of videos with frames. With teachers (--imagenet_teacher, --places_teacher) it says what
they see beside what is heard. Recordings that cannot be read are named, and the exit code is 1.
"""

from soundnet_tf.bin import launch
from soundnet_tf.reporting.settings import ReportConfig


def main(config: ReportConfig) -> int:
    from soundnet_tf.reporting import run

    report = run.run(config)
    print(run.text(report))
    return 1 if report.unread else 0


if __name__ == "__main__":
    launch.run(main, ReportConfig)
