#!/usr/bin/env python3
"""Reproduces a table of the paper: trains, exports and evaluates row by row.

    bin/reproduce.py --table=layers --dataset=esc50 --eval_data=ESC-50 --out=OUT
    bin/reproduce.py --table=loss --data=PREPARED --dataset=esc50 --eval_data=ESC-50 --out=OUT \\
        --imagenet_teacher=keras:VGG16 --places_teacher=places:vgg16@vgg16_places365.h5
    bin/reproduce.py --table=modalities --videos_manifest=VIDEOS.csv \\
        --imagenet_teacher=keras:VGG16 --out=OUT

Each row is a flagfile in flags/ablations. OUT/TABLE.md and OUT/TABLE.json have our figures beside
the paper's, and the commands; what was not run is blank. Stopped by Ctrl-C or SIGTERM, it stops
what it runs, and the same command goes on where it was left. With --steps=12 --batch_size=4 the
tables that train show on few videos that all works.
"""

import signal
import sys

from absl import app, flags

from soundnet_tf.bin import fail, set_up_tensorflow

_TABLE = flags.DEFINE_enum(
    "table", None, ["loss", "teachers", "depth", "layers", "modalities"], "Which.", required=True
)
_OUT = flags.DEFINE_string("out", None, "Folder of the table and its runs.", required=True)
_DATASET = flags.DEFINE_enum(
    "dataset", "esc50", ["esc10", "esc50", "dcase", "csv"], "What --eval_data holds."
)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Train each row with each of these, with commas.")
_ONLY = flags.DEFINE_list("only", [], "Rows to train, with commas; default: all.")
_IMAGENET_TEACHER = flags.DEFINE_string(
    "imagenet_teacher", None, "Teacher of objects, as of bin/train.py; watches --videos_manifest."
)
_PLACES_TEACHER = flags.DEFINE_string("places_teacher", None, "Teacher of scenes, likewise.")
flags.DEFINE_string("data", None, "Folder that bin/prepare.py wrote, to train on.")
flags.DEFINE_string("eval_data", None, "The labelled set, as --data of bin/evaluate.py.")
flags.DEFINE_integer("steps", None, "Instead of the flagfiles' 100000.", lower_bound=1)
flags.DEFINE_integer("batch_size", None, "Instead of the flagfiles' 64.", lower_bound=1)
flags.DEFINE_string(
    "model", "published", "Of layers and modalities, and beside floors; as of bin/evaluate.py."
)
flags.DEFINE_string("videos_manifest", None, "For modalities: CSV of videos with path,label,fold.")

_PLAIN = ("data", "eval_data", "steps", "batch_size", "model", "videos_manifest")


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; every setting is a --flag")
    set_up_tensorflow()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it stops like Ctrl-C
    from soundnet_tf.ablations import tables
    from soundnet_tf.ablations.run import ReproduceConfig, reproduce

    teachers = {"objects": _IMAGENET_TEACHER.value, "scenes": _PLACES_TEACHER.value}
    try:
        config = ReproduceConfig(
            table=_TABLE.value,
            out=_OUT.value,
            dataset=_DATASET.value,
            teachers={head: spec for head, spec in teachers.items() if spec},
            seeds=tuple(map(int, _SEEDS.value)),
            only=tuple(_ONLY.value),
            **{name: flags.FLAGS[name].value for name in _PLAIN},
        )
        content = reproduce(config)
    except (ValueError, OSError, RuntimeError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on where it was left.", file=sys.stderr)
        return 130
    print(f"\n{tables.markdown(content)}\nwrote {_OUT.value}/{_TABLE.value}.md and .json")
    return int(any(row["error"] for row in content["rows"]))


if __name__ == "__main__":
    app.run(main)
