"""The stage: finds what excites units, and writes it as tables and a page."""

import os
from typing import Any

from soundnet_tf.files import atomic, find, storage
from soundnet_tf.files.lists import csv_line
from soundnet_tf.files.skipped import skipped_lines
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.version import __version__
from soundnet_tf.visualization import naming, units, units_page
from soundnet_tf.visualization.prepared import Shards
from soundnet_tf.visualization.recordings import Files, of_labelled
from soundnet_tf.visualization.settings import UnitsConfig

PAGE, TABLE, JSON = "index.html", "units.csv", "units.json"


def run(config: UnitsConfig, progress: bool = True) -> units.Found:
    """Writes OUT/units.json, units.csv and, when all is there, index.html; each whole or not.

    Raises:
        FileNotFoundError, ValueError: as of `units.find`; inputs or labels that cannot be read.
    """
    source = open_source(config)
    found = units.find(source, config.model, config.layer, config.numbers(), config.top, progress)
    storage.make_folder(config.out)
    storage.remove(os.path.join(config.out, PAGE))  # of a former run, until this one's is there
    write_tables(found, config.out)
    section = units_page.content(found, source, config.shown, progress)
    atomic.write_text(os.path.join(config.out, PAGE), units_page.page(section))
    return found


def write_tables(found: units.Found, folder: str) -> None:
    """Writes FOLDER/units.json and units.csv; the folder is there."""
    atomic.write_json(os.path.join(folder, JSON), as_json(found), sort_keys=False, indent=1)
    atomic.write_text(os.path.join(folder, TABLE), as_table(found))


def open_source(config: UnitsConfig) -> units.Source:
    """What is to be heard."""
    if config.data is not None:
        return Shards(config.data)
    labels = None if config.labels is None else esc_dcase.load_labels(config.dataset, config.labels)
    paths = find.find_media(config.inputs) if config.inputs else of_labelled(labels)
    return Files(paths, labels, config.channel, config.audio_stream)


def as_json(found: units.Found) -> dict[str, Any]:
    """All that was found, as units.json has it; docs/visualize.md tells the fields."""
    return {
        "version": __version__,
        "model": found.model,
        "layer": found.endpoint.name,
        "hears_secs": found.endpoint.receptive_field_secs,
        "recordings": found.recordings,
        "heard_secs": round(found.heard_secs, 3),
        "skipped": [{"recording": id, "reason": why} for id, why in found.skipped.items()],
        "labels": found.counts,
        "compared": naming.compared(len(found.excited), found.counts),
        "units": [_unit(found, unit) for unit in found.units],
    }


def _unit(found: units.Found, unit: units.Unit) -> dict[str, Any]:
    shared = unit.shared
    return {
        "unit": unit.number,
        "shared": shared and {**shared._asdict(), "lift": shared.lift, "is_sure": shared.is_sure},
        "moments": [
            {
                "recording": moment.recording,
                "secs": round(moment.secs, 3),
                "value": moment.value,
                "names": {
                    kind: named[moment.recording]
                    for kind, named in found.names.items()
                    if moment.recording in named
                },
            }
            for moment in unit.moments
        ],
    }


def as_table(found: units.Found) -> str:
    """A line a moment, as units.csv has it; what the unit's moments share is on each."""
    kinds = [*found.names]
    of_unit = ("shared_kind", "shared_name", "count", "of", "count_in_all", "of_all")
    of_unit += ("lift", "p", "p_corrected")
    lines = [csv_line(["unit", "place", "recording", "secs", "value", *kinds, *of_unit])]
    for unit in found.units:
        shared = unit.shared
        told = [*shared[:6], f"{shared.lift:.4g}"] if shared else [""] * 7
        told += [f"{shared.p:.4g}", f"{shared.p_corrected:.4g}"] if shared else [""] * 2
        for place, moment in enumerate(unit.moments, 1):
            names = [found.names[kind].get(moment.recording, "") for kind in kinds]
            at = [moment.recording, f"{moment.secs:.3f}", f"{moment.value:.6g}"]
            lines.append(csv_line([unit.number, place, *at, *names, *told]))
    return "".join(lines)


def text(found: units.Found, out: str) -> str:
    """What was found, for people."""
    layer = found.endpoint.name
    lines = [
        f"wrote {os.path.join(out, PAGE)}: {len(found.excited)} of {len(found.units)} units of "
        f"{layer} are excited by {found.recordings} recordings of {found.heard_secs / 60:.1f} min"
    ]
    if found.counts:
        end = ", the surest:" if found.named else ""
        lines.append(f"{len(found.named)} have a name that is no chance{end}")
        lines += [f"  unit {unit.number}: {told(unit.shared)}" for unit in found.named[:10]]
    if found.skipped:
        lines.append(f"{len(found.skipped)} skipped:")
        lines += skipped_lines(found.skipped, f"in {JSON}")
    return "\n".join(lines)


def told(shared: naming.Shared) -> str:
    """Such as "rain, 8 of 10 (10 % of all), p 0.004"."""
    in_all = 100 * shared.count_in_all / shared.of_all
    return (
        f"{find.one_line(shared.name)}, {shared.count} of {shared.of} ({in_all:.3g} % of all), "
        f"p {units_page.chance_in_words(shared.p_corrected)}"
    )
