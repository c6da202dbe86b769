#!/usr/bin/env python3
"""Measures a representation: how well a linear classifier tells sounds apart by it.

    bin/evaluate.py --model=published --dataset=esc10 --data=ESC-10 --out=OUT
    bin/evaluate.py --model=SAVED_MODEL --dataset=esc50 --data=ESC-50 --layer=all --out=OUT
    bin/evaluate.py --dataset=csv --data=sounds.csv --protocol=modern --out=OUT

The paper's protocol: clips repeated to 10 s, windows of 1 s, a linear SVM, folds as published. The
modern one: whole clips, layers and classifier chosen inside the training folds. OUT gets
results.json, and pictures. Floors (MFCC, the untrained network) are measured in the same run.
"""

from absl import app, flags

from soundnet_tf.bin import be_quiet, fail

_MODEL = flags.DEFINE_string(
    "model", "published", "published, a folder of bin/export.py or RUN/best, a .npy or .t7 file."
)
_DATASET = flags.DEFINE_enum(
    "dataset", "csv", ["esc10", "esc50", "dcase", "csv"], "What --data holds."
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Folder of the data set, as its authors lay it out; or a CSV with path,label,fold.",
    required=True,
)
_OUT = flags.DEFINE_string("out", None, "Folder of results.json and pictures.", required=True)
_LAYER = flags.DEFINE_string(
    "layer",
    "pool5",
    "conv1 … conv7, pool5, conv8 (both heads), or all for the paper's table. The modern protocol "
    "chooses its layers itself.",
)
_PROTOCOL = flags.DEFINE_enum("protocol", "paper", ["paper", "modern"], "See above.")
_SCALES = flags.DEFINE_list(
    "input_scale",
    ["1", "2"],
    "What sound is multiplied with, several with commas. 2 is what the released evaluation did.",
)


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    be_quiet()
    from soundnet_tf.evaluation import evaluate

    try:
        config = evaluate.EvaluateConfig(
            data=_DATA.value,
            dataset=_DATASET.value,
            out=_OUT.value,
            model=_MODEL.value,
            layer=_LAYER.value,
            protocol=_PROTOCOL.value,
            input_scales=_scales(),
        )
        content = evaluate.evaluate(config)
    except (ValueError, OSError) as error:
        return fail(error)
    print(evaluate.table(content))
    print(f"{content['seconds']:.0f} s; details in {_OUT.value}/results.json")
    return 0


def _scales() -> tuple[float, ...]:
    try:
        return tuple(map(float, _SCALES.value))
    except ValueError as error:
        given = ",".join(_SCALES.value)
        raise ValueError(f"--input_scale={given}; give numbers, such as 1 or 1,2") from error


if __name__ == "__main__":
    app.run(main)
