#!/usr/bin/env python3
"""Exports a trained SoundNet: a reusable SavedModel, or a .keras file with its labels.

bin/export.py --run=RUN --out=SAVED_MODEL
python -c 'import tensorflow as tf; print(tf.saved_model.load("SAVED_MODEL").signatures)'
"""

from absl import app, flags

from soundnet_tf.bin import be_quiet, fail

_RUN = flags.DEFINE_string("run", None, "Folder that bin/train.py wrote.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder to write.", required=True)
_WHICH = flags.DEFINE_enum("which", "best", ["best", "last"], "Which student of the run.")
_FORMAT = flags.DEFINE_list(
    "format",
    ["savedmodel"],
    "savedmodel, keras, or both with a comma; several go into subfolders of --out.",
)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    be_quiet()
    import os

    from soundnet_tf.models import checkpoint
    from soundnet_tf.serving import export

    try:
        student, labels = checkpoint.load_student(os.path.join(_RUN.value, _WHICH.value))
        folders = export.export(student, labels, _OUT.value, tuple(_FORMAT.value))
    except (ValueError, OSError) as error:
        return fail(error)
    for folder in folders:
        print(f"wrote {folder}")
    return 0


if __name__ == "__main__":
    app.run(main)
