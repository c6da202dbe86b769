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

from soundnet_tf.bin import launch
from soundnet_tf.serving.extraction.settings import ExtractConfig


def main(config: ExtractConfig) -> None:
    from soundnet_tf.serving.extraction.run import extract

    print(extract(config).text(config.out))


if __name__ == "__main__":
    launch.run(main, ExtractConfig, interrupted="the same command goes on from here")
