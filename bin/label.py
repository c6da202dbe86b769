#!/usr/bin/env python3
"""Writes what teachers see into prepared shards, once, so that training need not ask them again.

    bin/label.py --data=SHARDS --imagenet_teacher=keras:VGG16 \\
        --places_teacher=places:vgg16@vgg16_places365.h5
    bin/train.py --data=SHARDS --targets=cached --out=RUN

A killed run goes on with the same command at the next shard. Another teacher of a head replaces the
posteriors of the first. For several processes or machines: --part=0 --parts=4, --part=1 ...
"""

import sys

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow, teacher_flags

flags.adopt_module_key_flags(teacher_flags)
_DATA = flags.DEFINE_string("data", None, "Folder that bin/prepare.py wrote.", required=True)
_BATCH_FRAMES = flags.DEFINE_integer(
    "batch_frames", 64, "Frames that a teacher looks at at once; more need more memory."
)
_PART = flags.DEFINE_integer("part", 0, "Which part of the shards to label here, from 0 on.")
_PARTS = flags.DEFINE_integer("parts", 1, "How many processes or machines share the shards.")


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    from tensorflow import errors

    from soundnet_tf.data.label import LabelConfig, label

    try:
        config = LabelConfig(
            data=_DATA.value,
            teachers=teacher_flags.specs(),
            batch_frames=_BATCH_FRAMES.value,
            part=_PART.value,
            parts=_PARTS.value,
        )
        print_summary(config.data, label(config))
    except (ValueError, OSError, RuntimeError, ImportError, errors.OpError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on at the next shard.", file=sys.stderr)
        return 130
    return 0


def print_summary(data: str, labelled) -> None:
    """Prints who labelled what, and what to run next."""
    print(f"{'head':<10}{'classes':>8}  {'fingerprint':<18}teacher")
    for head, teacher in labelled.teachers.items():
        print(f"{head:<10}{teacher.classes:>8}  {teacher.fingerprint:<18}{teacher.name}")
    print(f"{labelled.written} shards labelled, {labelled.already} were already")
    if labelled.left:
        print(f"{labelled.left} shards are left to the other parts; then the folder is complete")
    else:
        print(f"Next: bin/train.py --data={data} --targets=cached --out=RUN")


if __name__ == "__main__":
    app.run(main)
