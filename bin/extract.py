#!/usr/bin/env python3
"""Writes what a network hears in your sounds and videos into one file of features.

    bin/extract.py --inputs=recordings --pooling=mean --out=features.npz
    bin/extract.py --model=RUN/best --inputs='films/**/*.mp4' --layer=conv6 --out=features.h5
    bin/extract.py --inputs=files.txt --layer=objects --pooling=mean --out=objects.parquet

    python -c 'import numpy as np; f = np.load("features.npz"); print(f["names"], f["embeddings"])'

An .npz or .h5 has names [files], embeddings [rows, channels], timestamps [rows] in seconds, and
offsets [files + 1]: file i has the rows offsets[i] to offsets[i + 1], with --pooling just one. A
.parquet has a line a row: file, secs, embedding. Files stand in the order of their names; those
that cannot be read are listed. Interrupted, the same command goes on where it was.
"""

import sys

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

flags.DEFINE_string("model", "published", "published, or a folder of bin/export.py or RUN/best.")
flags.DEFINE_string(
    "inputs",
    None,
    "Folder (searched to the bottom), quoted glob such as 'films/**/*.mp4', text file with one "
    "path a line, or one sound or video file.",
    required=True,
)
flags.DEFINE_string("layer", "pool5", "conv1 ... conv7, or objects, scenes: their probabilities.")
flags.DEFINE_enum("pooling", "none", ["none", "mean", "max", "meanstd"], "Over a file's time.")
flags.DEFINE_string("out", None, "File to write: .npz, .h5 or .parquet.", required=True)
flags.DEFINE_enum("channel", "mean", ["mean", "first"], "Of stereo (paper: first).")
flags.DEFINE_enum("short", "loop", ["loop", "pad"], "Repeat too short sound, or add silence.")

_MOST_LINES = 20


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; a glob needs quotes")
    set_up_tensorflow()
    import dataclasses

    from soundnet_tf.serving.extraction.run import ExtractConfig, extract

    try:
        names = [field.name for field in dataclasses.fields(ExtractConfig)]
        print_summary(extract(ExtractConfig(**{name: flags.FLAGS[name].value for name in names})))
    except (ValueError, OSError, ImportError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def print_summary(summary) -> None:
    """Prints what was written, and what was skipped and why."""
    state = "wrote" if summary.is_new else "nothing to do, the same was made before:"
    hours = summary.sound_secs / 3600
    print(
        f"{state} {flags.FLAGS.out}: {summary.files} files, {hours:.2f} hours of sound, "
        f"{summary.rows} rows of {summary.channels}"
    )
    if summary.skipped:
        print(f"{len(summary.skipped)} files skipped:")
    for name, reason in list(summary.skipped.items())[:_MOST_LINES]:
        print(f"  {name}: {reason}")
    if len(summary.skipped) > _MOST_LINES:
        print(f"  and {len(summary.skipped) - _MOST_LINES} more in skipped_names of the file")


if __name__ == "__main__":
    app.run(main)
