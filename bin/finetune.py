#!/usr/bin/env python3
"""Fine-tunes a trained SoundNet to your own classes and exports a classifier that names them.

    bin/finetune.py --model=published --manifest=sounds.csv --out=RUN
    bin/finetune.py --flagfile=flags/finetune_esc10.flags --data=ESC10 --out=RUN

    python -c 'import tensorflow as tf; print(tf.saved_model.load("RUN/classifier").signatures)'

A manifest has the columns path, label and fold: one recording a row, its class, and a number, or
"train" or "test". One fold is tested on at the end; a share of the others tells when to stop.
The same command goes on where a killed run was left.
"""

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_MANIFEST = flags.DEFINE_string("manifest", None, "CSV file with path,label,fold.")
_DATASET = flags.DEFINE_enum(
    "dataset", None, ["esc10", "esc50", "dcase"], "Instead of --manifest: a benchmark in --data."
)
_DATA = flags.DEFINE_string("data", None, "Folder of the benchmark, as its authors pack it.")
_OUT = flags.DEFINE_string("out", None, "Folder of the run.", required=True)
_CLIP = flags.DEFINE_float("clip_seconds", 5.0, "Recordings are repeated or cut to this length.")
flags.DEFINE_string(
    "model",
    "published",
    "Start from: published, or a folder of bin/export.py or RUN/best; soundnet8 or soundnet5 for "
    "random weights.",
)
flags.DEFINE_string("test_fold", None, "Fold to test on; default: the last.")
flags.DEFINE_float("val_share", 0.15, "Share of the other folds' clips that is held out.")
_LAYERS = flags.DEFINE_list(
    "layers", [], "That the head hears; default: pool5,conv6 (5-layer: pool3,conv4)."
)
flags.DEFINE_enum("freeze", "none", ["none", "trunk"], "trunk: train the new head only.")
flags.DEFINE_float("learning_rate", 1e-4, "Adam's learning rate of the head.")
flags.DEFINE_float("trunk_scale", 1.0, "The trunk's learning rate as a share of the head's.")
flags.DEFINE_enum(
    "class_weights", "none", ["none", "balanced"], "balanced: rare classes count like common ones."
)
flags.DEFINE_bool("augment", True, "Train on clips that are shifted in time and change their gain.")
flags.DEFINE_integer("epochs", 80, "Most passes over the training clips.")
flags.DEFINE_integer("patience", 12, "Stop after so many epochs without improvement.")
flags.DEFINE_integer("batch_size", 16, "Clips a step.")
flags.DEFINE_integer("seed", 0, "Of all that is drawn.")


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    from soundnet_tf.finetuning.report import table
    from soundnet_tf.finetuning.run import finetune
    from soundnet_tf.sounds import esc_dcase

    try:
        results = finetune(config(), esc_dcase.load(*source()), _OUT.value)
    except (ValueError, OSError, RuntimeError) as error:
        return fail(error)
    print(f"\n{table(results)}\n")
    print(f"wrote {_OUT.value}/classifier, a SavedModel that names the classes of any sound")
    return 0


def source() -> tuple[str, str]:
    """Dataset and path for `sounds.esc_dcase.load`."""
    if (_MANIFEST.value is None) == (_DATASET.value is None):
        raise ValueError("give either --manifest, a CSV file, or --dataset with its folder --data")
    if (_DATASET.value is None) != (_DATA.value is None):
        raise ValueError("--dataset and --data, its folder, go together")
    return _DATASET.value or "csv", _DATA.value or _MANIFEST.value


def config():
    """The `finetuning.run.FinetuneConfig` of the flags, which are named like its fields."""
    import dataclasses

    from soundnet_tf.finetuning.run import FinetuneConfig

    names = {field.name for field in dataclasses.fields(FinetuneConfig)} - {"clip_secs", "layers"}
    return FinetuneConfig(
        clip_secs=_CLIP.value,
        layers=tuple(_LAYERS.value),
        **{name: flags.FLAGS[name].value for name in names},
    )


if __name__ == "__main__":
    app.run(main)
