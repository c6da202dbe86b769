"""A labelled set that anybody can tell apart: tones of two heights, as wav files and a manifest."""

import csv

import numpy as np
import soundfile

from soundnet_tf.constants import SAMPLE_RATE

SECS = 0.5
HERTZ = {"low hum": (150.0, 350.0), "whistle": (2500.0, 4500.0)}


def write_tones(folder, folds=3, per_class=4, noise_fold=None, rare=None, seed=5) -> str:
    """Writes `per_class` recordings of each class in each fold, and returns the manifest's path.

    In `noise_fold` all recordings are noise; of the class `rare` there is one a fold.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for fold in range(1, folds + 1):
        for label, (lowest, highest) in HERTZ.items():
            for k in range(1 if label == rare else per_class):
                seconds = np.arange(round(SECS * SAMPLE_RATE)) / SAMPLE_RATE
                cycles = rng.uniform(lowest, highest) * seconds + rng.uniform()
                sound = rng.uniform(0.1, 0.5) * np.sin(2 * np.pi * cycles)
                if fold == noise_fold:
                    sound = np.random.default_rng(k).uniform(-0.5, 0.5, seconds.size)
                name = f"{fold}-{label[:3]}-{k}.wav"
                soundfile.write(folder / name, sound, SAMPLE_RATE, "FLOAT")
                rows.append((name, label, fold))
    with open(folder / "tones.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    return str(folder / "tones.csv")
