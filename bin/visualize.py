#!/usr/bin/env python3
"""Shows what a trained network hears inside.

    bin/visualize.py filters --model=published --out=filters.png
    bin/visualize.py units --model=published --inputs=recordings --out=UNITS
    bin/visualize.py map --model=published --inputs=recordings --out=MAP

Each has flags of its own: bin/visualize.py units --help tells them.
"""

from soundnet_tf.bin import launch
from soundnet_tf.visualization.settings import FiltersConfig, MapConfig, UnitsConfig


def filters(config: FiltersConfig) -> None:
    """Draws the filters that hear the waveform, and what each lets through.

        bin/visualize.py filters --model=published --out=filters.png
        bin/visualize.py filters --model=RUN/last --out=filters.svg

    conv1's waveforms and spectra in one figure, sorted by centre frequency.
    """
    from soundnet_tf.visualization.filters import draw

    draw(config.model, config.out)
    print(f"wrote {config.out}")


def units(config: UnitsConfig) -> int:
    """Finds what excites each unit of a layer: the recordings, and the seconds in them.

        bin/visualize.py units --model=published --inputs=recordings --out=UNITS
        bin/visualize.py units --labels=ESC-50 --dataset=esc50 --layer=conv7 --out=UNITS
        bin/visualize.py units --data=SHARDS --units=3,17 --out=UNITS

    One moment a recording. Labels, or the posteriors of a folder that bin/label.py labelled, name
    what a unit's moments share, and how surely. UNITS/index.html plays them, and of videos shows
    the frames; units.csv and units.json have all units.
    """
    from soundnet_tf.visualization import units_stage

    found = units_stage.run(config)
    print(units_stage.text(found, config.out))
    return 1 if found.skipped else 0


def map_sounds(config: MapConfig) -> int:
    """Draws a map on which recordings that sound alike are near each other.

        bin/visualize.py map --model=published --inputs=recordings --out=MAP
        bin/visualize.py map --labels=ESC-50 --dataset=esc50 --out=MAP
        bin/visualize.py map --inputs=table.csv --label_column=species --out=MAP
        bin/visualize.py map --data=SHARDS --teacher=keras:MobileNetV2 --out=MAP

    A file, or a clip of a prepared folder, is a point; t-SNE places it by the mean over time of a
    layer, and on a second map by what a teacher sees in its pictures. Colours are labels, or
    without any the scene that the network hears most probably. MAP/index.html plays what one
    clicks on; map.csv has the places, atlas.parquet also sounds and frames for other tools, and
    the commands that open it are printed. Also printed is how far the map can be believed.
    docs/map.md tells more.
    """
    from soundnet_tf.visualization import map_stage

    found = map_stage.run(config)
    print(map_stage.text(found, config.out, config.atlas))
    return 1 if found.skipped else 0


COMMANDS = {
    "filters": (filters, FiltersConfig),
    "units": (units, UnitsConfig),
    "map": (map_sounds, MapConfig),
}

if __name__ == "__main__":
    launch.run_one_of(COMMANDS)
