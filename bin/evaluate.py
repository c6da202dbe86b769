#!/usr/bin/env python3
"""Measures a representation: how well a linear classifier tells sounds apart by it.

    bin/evaluate.py --model=published --dataset=esc10 --data=ESC-10 --out=OUT
    bin/evaluate.py --model=SAVED_MODEL --dataset=esc50 --data=ESC-50 --layer=all --out=OUT
    bin/evaluate.py --dataset=csv --data=sounds.csv --protocol=modern --out=OUT
    bin/evaluate.py --data=VIDEOS.csv --modalities=sound,vision,both --teacher=keras:VGG16 --out=OUT

The paper's protocol: clips repeated to 10 s, windows of 1 s, a linear SVM, folds as published. The
modern one: whole clips, layers and classifier chosen inside the training folds. OUT gets
results.json, and pictures. Floors (MFCC, the untrained network) are measured in the same run.
Modalities: a linear SVM on what is heard, what a teacher sees, and both side by side.
"""

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

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
    None,
    "conv1 … conv7, pool5, conv8 (both heads), or all for the paper's table; default: pool5, of "
    "modalities conv7 as in the paper. The modern protocol chooses its layers itself.",
)
_PROTOCOL = flags.DEFINE_enum("protocol", "paper", ["paper", "modern"], "See above.")
_SCALES = flags.DEFINE_list(
    "input_scale",
    ["1", "2"],
    "What sound is multiplied with, several with commas. 2 is what the released evaluation did.",
)
_BASELINES = flags.DEFINE_bool("baselines", True, "Measure the floors too.")
_MODALITIES = flags.DEFINE_list(
    "modalities", [], "Of labelled videos: some of sound, vision, both, with commas."
)
_TEACHER = flags.DEFINE_string("teacher", None, "That looks at the videos, as of bin/train.py.")
_NOT_OF_MODALITIES = ("protocol", "input_scale", "baselines")


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    try:
        table, seconds = _modalities() if _MODALITIES.present else _layers()
    except (ValueError, OSError) as error:
        return fail(error)
    print(f"{table}\n{seconds:.0f} s; details in {_OUT.value}/results.json")
    return 0


def _layers() -> tuple[str, float]:
    from soundnet_tf.evaluation import evaluate

    if _TEACHER.present:
        raise ValueError(f"--teacher={_TEACHER.value} looks at videos; give --modalities too")
    config = evaluate.EvaluateConfig(
        data=_DATA.value,
        dataset=_DATASET.value,
        out=_OUT.value,
        model=_MODEL.value,
        layer=_LAYER.value or "pool5",
        protocol=_PROTOCOL.value,
        input_scales=_scales(),
        baselines=_BASELINES.value,
    )
    content = evaluate.evaluate(config)
    return evaluate.table(content), content["seconds"]


def _modalities() -> tuple[str, float]:
    from soundnet_tf.evaluation import multimodal, results
    from soundnet_tf.sounds import labelled_set

    if _DATASET.value != "csv":
        raise ValueError(
            f"--dataset={_DATASET.value} has no videos; modalities need --dataset=csv with a "
            "manifest of videos as --data"
        )
    if unfit := [f"--{name}" for name in _NOT_OF_MODALITIES if flags.FLAGS[name].present]:
        raise ValueError(f"{' and '.join(unfit)} are not for --modalities; leave them out")
    results.make_folder(_OUT.value)
    content = multimodal.evaluate(
        labelled_set.from_manifest(_DATA.value),
        _MODEL.value,
        _TEACHER.value,
        _LAYER.value or "conv7",
        modalities=_MODALITIES.value,
    )
    multimodal.save(content, _OUT.value)
    return multimodal.table(content), content["seconds"]


def _scales() -> tuple[float, ...]:
    try:
        return tuple(map(float, _SCALES.value))
    except ValueError as error:
        given = ",".join(_SCALES.value)
        raise ValueError(f"--input_scale={given}; give numbers, such as 1 or 1,2") from error


if __name__ == "__main__":
    app.run(main)
