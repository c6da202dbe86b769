"""The stage: draws a map, and writes it as a page and tables."""

import contextlib
import os

from soundnet_tf.files import atomic, storage
from soundnet_tf.files.skipped import skipped_lines
from soundnet_tf.visualization import map_files, map_page, sound_map
from soundnet_tf.visualization.map_sources import open_source
from soundnet_tf.visualization.settings import MapConfig
from soundnet_tf.visualization.sound_map import Placed, SoundMap

PAGE, TABLE, ATLAS = "index.html", "map.csv", "atlas.parquet"


def run(config: MapConfig, progress: bool = True) -> SoundMap:
    """Writes OUT/map.csv, atlas.parquet and, when all is there, index.html; each whole or not.

    Raises:
        FileNotFoundError, ValueError: as of `sound_map.draw`; inputs or labels that cannot be read.
    """
    source = open_source(config)
    found = sound_map.draw(source, config.model, config.layer, config.teacher, progress)
    storage.make_folder(config.out)
    for name in (PAGE, ATLAS):  # of a former run, until this one's are there
        storage.remove(os.path.join(config.out, name))
    atomic.write_text(os.path.join(config.out, TABLE), map_files.as_table(found))
    path = os.path.join(config.out, ATLAS)
    with map_files.new_atlas(path, found) if config.atlas else contextlib.nullcontext() as atlas:
        section = map_page.content(found, source, config.out, config.playable, atlas, progress)
    atomic.write_text(os.path.join(config.out, PAGE), map_page.page(section))
    return found


def text(found: SoundMap, out: str, atlas: bool) -> str:
    """What was drawn, for people, and how other tools open it."""
    lines = [
        f"wrote {os.path.join(out, PAGE)}: {len(found.clips)} clips, colours are {found.labels_are}"
    ]
    lines.append(f"by sound: {_told(found.sound)}")
    if found.pictures:
        count = len(found.pictures.clips)
        lines.append(f"by pictures ({count} clips): {_told(found.pictures)}")
    if atlas:
        lines.append("to explore further:")
        lines += [f"  {one}" for one in map_files.commands(os.path.join(out, ATLAS))]
    for what, reasons in (("skipped", found.skipped), ("not seen", found.unseen)):
        if reasons:
            lines.append(f"{len(reasons)} {what}:")
            lines += skipped_lines(reasons, "")
    return "\n".join(lines)


def _told(placed: Placed) -> str:
    """Such as "trustworthiness 0.959; of the 10 nearest 77.0 % have the same label by their
    features, 83.1 % on the map, 9.8 % by chance"."""
    trust = map_page.trust_in_words(placed.faithful)
    said = [f"trustworthiness {trust['trust']}"] if trust["trust"] else []
    if trust["map_agrees"]:
        said.append(
            f"of the {trust['neighbours']} nearest {trust['features_agree']} % have the same label "
            f"by their features, {trust['map_agrees']} % on the map, {trust['chance']} % by chance"
        )
    return "; ".join(said) or "too few to say how far it can be believed"
