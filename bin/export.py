#!/usr/bin/env python3
"""Exports a trained SoundNet for other programs.

    bin/export.py --run=RUN --out=SAVED_MODEL                of a run of bin/train.py
    bin/export.py --weights=published --out=SAVED_MODEL      the network of the paper's authors
    bin/export.py --weights=soundnet5_final.t7 --out=DIR     released Torch7 or NumPy weights
    bin/export.py --weights=SAVED_MODEL --format=litert --out=DIR

    python -c 'import tensorflow as tf; print(tf.saved_model.load("SAVED_MODEL").signatures)'

Forms: savedmodel, a reusable SavedModel for TensorFlow, TF Hub and TensorFlow Serving; keras, a
.keras file with its labels; litert, float32 and int8 files for phones and small machines.
"""

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_RUN = flags.DEFINE_string("run", None, "Folder that bin/train.py wrote.")
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Instead of --run: published, a .npy or .t7 file of the released forms, or a folder that "
    "bin/export.py wrote.",
)
_OUT = flags.DEFINE_string("out", None, "Folder to write.", required=True)
_WHICH = flags.DEFINE_enum("which", "best", ["best", "last"], "Which student of the run.")
_FORMAT = flags.DEFINE_list(
    "format",
    ["savedmodel"],
    "savedmodel, keras, litert, or several with commas, which go into subfolders of --out.",
)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    import os

    from soundnet_tf.models import pretrained
    from soundnet_tf.serving.export import run as export

    try:
        if (_RUN.value is None) == (_WEIGHTS.value is None):
            raise ValueError("give either --run, a folder of bin/train.py, or --weights")
        source = _WEIGHTS.value or os.path.join(_RUN.value, _WHICH.value)
        student, labels = pretrained.load(source)
        folders = export.export(student, labels, _OUT.value, tuple(_FORMAT.value))
    except (ValueError, OSError) as error:
        return fail(error)
    for folder in folders:
        print(f"wrote {folder}")
    return 0


if __name__ == "__main__":
    app.run(main)
