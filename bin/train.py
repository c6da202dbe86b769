#!/usr/bin/env python3
"""Trains a SoundNet: teachers look at the frames of your videos, the student hears their sound.

    bin/train.py --flagfile=flags/soundnet8.flags --data=PREPARED --out=RUN \\
        --imagenet_teacher=keras:MobileNetV2 --places_teacher=places:vgg16@vgg16_places365.h5

Start from the published network to go on from two million videos: --init_from=published.
After bin/label.py: --targets=cached, which needs no teachers and is many times as fast.
The same command goes on where a killed run was left.
"""

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow, train_flags

flags.adopt_module_key_flags(train_flags)  # --help shows those of this file and those adopted
_OUT = flags.DEFINE_string("out", None, "Folder of the run.", required=True)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    # Imported here: worker processes import this file again and should stay without TensorFlow.
    from tensorflow import errors

    from soundnet_tf.training import loop, report

    try:
        training, validation = train_flags.sources()
        config = train_flags.config(training.frame_every_secs)
        result = loop.train(config, training, validation, _OUT.value, train_flags.as_text())
    except (ValueError, OSError, RuntimeError, errors.DataLossError) as error:
        return fail(error)
    for head, start in result.head_starts.items():
        print(f"{head}: {start.shared} of {start.classes} classes started from trained rows")
    print(f"\n{report.table(result.history, result.baselines)}\n")
    print(f"Next: bin/export.py --run={_OUT.value} --out=SAVED_MODEL")
    print(f"Look: tensorboard --logdir={_OUT.value}/logs")
    return 0


if __name__ == "__main__":
    app.run(main)
