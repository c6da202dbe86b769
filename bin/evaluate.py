#!/usr/bin/env python3
"""Measures a representation: how well a linear classifier tells sounds apart by it.

    bin/evaluate.py --model=published --dataset=esc10 --data=ESC-10 --out=OUT
    bin/evaluate.py --model=SAVED_MODEL --dataset=esc50 --data=ESC-50 --layer=all --out=OUT
    bin/evaluate.py --dataset=csv --data=sounds.csv --protocol=modern --out=OUT
    bin/evaluate.py --dataset=csv --data=sounds.csv --protocol=linear --layer=all --out=OUT
    bin/evaluate.py --data=VIDEOS.csv --modalities=sound,vision,both --teacher=keras:VGG16 --out=OUT

The paper's protocol: clips repeated to 10 s, windows of 1 s, a linear SVM, folds as published. The
modern one: whole clips, layers and classifier chosen inside the training folds. The linear one, of
seconds, with nothing to choose: mean and deviation over time, logistic regression. OUT gets
results.json, and pictures. Floors (MFCC, the untrained network) are measured in the same run. Rows
are printed and kept (OUT/rows.json) as they come: the same command goes on where it was stopped.
Modalities: a linear SVM on what is heard, what a teacher sees, and both side by side.
"""

from soundnet_tf.bin import launch
from soundnet_tf.evaluation.settings import EvaluateConfig


def main(config: EvaluateConfig) -> None:
    from soundnet_tf.evaluation import evaluate

    evaluate.run(config)


if __name__ == "__main__":
    launch.run(
        main,
        EvaluateConfig,
        interrupted="the rows measured so far are in OUT/rows.json, the same command goes on",
    )
