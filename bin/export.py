#!/usr/bin/env python3
"""Exports a trained SoundNet for other programs, or prepared clips for those who train elsewhere.

    bin/export.py --run=RUN --out=SAVED_MODEL                of a run of bin/train.py
    bin/export.py --weights=published --out=SAVED_MODEL      the network of the paper's authors
    bin/export.py --weights=soundnet5_final.t7 --out=DIR     released Torch7 or NumPy weights
    bin/export.py --weights=SAVED_MODEL --format=litert --out=DIR
    bin/export.py --weights=published --format=page --out=soundnet.html

    python -c 'import tensorflow as tf; print(tf.saved_model.load("SAVED_MODEL").signatures)'

Forms: savedmodel, a reusable SavedModel for TensorFlow, TF Hub and TensorFlow Serving; keras, a
.keras file with its labels; litert, float32 and int8 files for phones and small machines; page, one
HTML file that hears files and the microphone in a browser, offline (see docs/page.md).

    bin/export.py --data=SHARDS --format=webdataset --out=TARS

A tar a shard with key.wav (or .flac, .ogg), key.0.jpg, key.1.jpg, ..., and key.json, which has the
stamps and posteriors; see docs/formats.md. The same command goes on where it was stopped.
"""

from soundnet_tf.bin import launch, quiet_start
from soundnet_tf.serving.export.settings import ExportConfig


def main(config: ExportConfig) -> None:
    if config.data is not None:
        from soundnet_tf.data import webdataset

        tars = webdataset.export(config.data, config.out)
        print(f"wrote {config.out}: {len(tars)} tars, {tars[0]} to {tars[-1]}")
        return
    from soundnet_tf.serving.export import run

    with quiet_start.only_news():  # the converter for LiteRT starts anew each time
        written = run.export_configured(config)
    for path in written:
        print(f"wrote {path}")


if __name__ == "__main__":
    launch.run(main, ExportConfig)
