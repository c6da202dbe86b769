#!/usr/bin/env python3
"""Fine-tunes a trained SoundNet to your own classes and exports a classifier that names them.

    bin/finetune.py --model=published --manifest=sounds.csv --out=RUN
    bin/finetune.py --flagfile=finetune_esc10 --data=ESC10 --out=RUN

    python -c 'import tensorflow as tf; print(tf.saved_model.load("RUN/classifier").signatures)'

A manifest has the columns path, label and fold: one recording a row, its class, and a number, or
"train" or "test". One fold is tested on at the end; a share of the others tells when to stop.
The same command goes on where a killed run was left.
"""

from soundnet_tf.bin import launch
from soundnet_tf.finetuning.settings import FinetuneRunConfig


def main(config: FinetuneRunConfig) -> None:
    from soundnet_tf.finetuning.report import table
    from soundnet_tf.finetuning.run import finetune
    from soundnet_tf.sounds import esc_dcase

    data = esc_dcase.load(config.sounds.kind, config.sounds.path)
    found = finetune(config.finetune, data, config.out, config.checksum)
    print(f"\n{table(found)}\n")
    print(f"wrote {config.out}/classifier, a SavedModel that names the classes of any sound")


if __name__ == "__main__":
    launch.run(main, FinetuneRunConfig, interrupted="the same command goes on after the last epoch")
