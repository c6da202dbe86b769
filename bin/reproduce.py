#!/usr/bin/env python3
"""Reproduces a table of the paper, or makes one of what is learned from few clips: trains, exports
and evaluates row by row.

    bin/reproduce.py --table=layers --dataset=esc50 --eval_data=ESC-50 --out=OUT
    bin/reproduce.py --table=loss --data=PREPARED --dataset=esc50 --eval_data=ESC-50 --out=OUT \\
        --imagenet_teacher=keras:VGG16 --places_teacher=places:vgg16@vgg16_places365.h5
    bin/reproduce.py --table=modalities --videos_manifest=VIDEOS.csv \\
        --imagenet_teacher=keras:VGG16 --out=OUT

    bin/reproduce.py --table=scaling --data=LABELLED --dataset=esc10 --eval_data=ESC-10 \\
        --seeds=0,1 --out=OUT
    bin/reproduce.py --table=recipe --data=LABELLED --dataset=esc10 --eval_data=ESC-10 --out=OUT
    bin/reproduce.py --table=simulated --sounds=ESC-50 --dataset=esc10 --eval_data=ESC-10 --out=OUT

Each row is a flagfile in flags/ablations. OUT/TABLE.md and OUT/TABLE.json have our figures beside
the paper's, and the commands; what was not run is blank. Stopped by Ctrl-C or SIGTERM, it stops
what it runs, and the same command goes on where it was left. With --steps=12 --batch_size=4 the
tables that train show on few videos that all works.

The last three tables train by flags/scratch_small.flags and measure by the linear probe, beside an
untrained network, a control whose sounds get other videos' posteriors, and the published network.
scaling says what more clips like those in LABELLED (bin/label.py) are worth, and draws the curve;
recipe changes one thing of that flagfile in each row (flags/recipe);
simulated shows distillation itself, from teachers that are made up.
"""

from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.bin import launch


def main(config: ReproduceConfig) -> int:
    from soundnet_tf.ablations import run

    content = run.reproduce(config)
    print(f"\n{run.markdown(content)}\nwrote {config.out}/{config.table}.md and .json")
    return int(any(row["error"] for row in content["rows"]))


if __name__ == "__main__":
    launch.run(
        main,
        ReproduceConfig,
        interrupted="the same command goes on where it was left",
        ends_like_ctrl_c=True,
    )
