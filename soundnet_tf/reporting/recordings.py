"""What the network hears in recordings: units, a map of them, and a timeline of some."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from soundnet_tf.files import find
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.reporting import hearing, timelines
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving.listener import Listener
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.sounds.labelled_set import Labels
from soundnet_tf.visualization import map_page, sound_map, units, units_page, units_stage
from soundnet_tf.visualization.map_sources import WholeFiles
from soundnet_tf.visualization.recordings import Files

_SOUND_SECS = 3600.0  # of all players of timelines: 29 MB
_TOP_MOMENTS = 8  # of a unit
_PLAYABLE = 100  # clips of the map
_LEAST_MAPPED = 5  # recordings; fewer have no neighbours to choose from
_MOST_NAMED = 100  # recordings that could not be read


@dataclass
class Report:
    """What was written.

    Attributes:
        path: of the page.
        size: bytes of it.
        recordings: how many there are.
        shown: how many of them have a timeline.
        unread: id to reason of recordings that could not be read.
    """

    path: str
    size: int = 0
    recordings: int = 0
    shown: int = 0
    unread: dict[str, str] = field(default_factory=dict)


def content(config: ReportConfig, ears: Listener, report: Report, progress: bool) -> dict[str, Any]:
    """Hears the recordings, if there are any, and fills the report's counts; OUT/units.csv and
    units.json get all units, of which the page shows some.

    Every section hears by itself, since sound that is too short for the heads has to be lengthened
    for them and would lose its moments for the units; nothing but answers is kept of any.

    Returns:
        `units`, `map` (each None if there is none), `recordings` and `named` (those that could not
        be read, with the reasons), as the templates want them.

    Raises:
        ValueError: none of the recordings can be heard.
    """
    if config.inputs is None:
        return {"units": None, "map": None, "recordings": [], "named": [], "report": report}
    paths = find.find_media(config.inputs)
    labels = None if config.labels is None else esc_dcase.load_labels(config.dataset, config.labels)
    source = Files(paths, labels, config.channel, config.audio_stream)
    layer = ears.network.architecture.trunk[-1].name
    found = units.find(source, config.source, layer, top=_TOP_MOMENTS, progress=progress)
    units_stage.write_tables(found, config.out)
    report.recordings = len(paths)
    report.unread |= found.skipped
    readable = {id: path for id, path in paths.items() if id not in found.skipped}
    shown = {id: readable[id] for id in hearing.spread([*readable], config.recordings)}
    return {
        "units": units_page.content(found, source, config.units, progress),
        "map": _map(config, ears, readable, labels, progress),
        "recordings": _timelines(
            config, ears, shown, source.names.get("label", {}), report, progress
        ),
        "named": [*report.unread.items()][:_MOST_NAMED],
        "report": report,
    }


def _map(
    config: ReportConfig,
    ears: Listener,
    paths: Mapping[str, str],
    labels: Labels | None,
    progress: bool,
) -> dict[str, Any] | None:
    if len(paths) < _LEAST_MAPPED:
        return None
    named = None if labels is None else {clip.path: clip.label for clip in labels.clips}
    source = WholeFiles(paths, named, channel=config.channel, audio_stream=config.audio_stream)
    teacher = config.teachers.get("scenes") or config.teachers.get("objects")
    layer = ears.network.architecture.embedding
    found = sound_map.draw(source, config.source, layer, teacher, progress=progress)
    return map_page.content(found, source, config.out, _PLAYABLE, progress=progress)


def _timelines(
    config: ReportConfig,
    ears: Listener,
    paths: Mapping[str, str],
    labels: Mapping[str, str],
    report: Report,
    progress: bool,
) -> list[dict[str, Any]]:
    teachers = {head: load_teacher(spec) for head, spec in config.teachers.items()}
    names = {head: teacher.labels for head, teacher in teachers.items()}
    most_secs = _SOUND_SECS / max(1, len(paths))
    shown = []
    bar = progress_bar(len(paths), "timelines", "recording", progress, items=paths.items())
    for id, path in bar:
        try:
            one = hearing.hear(id, path, ears, teachers, config, most_secs)
        except (ValueError, OSError) as error:  # it has changed since it was heard
            report.unread[id] = str(error)
        else:
            timeline = timelines.content(one, len(shown) + 1, names)
            shown.append(timeline | {"label": labels.get(id)})
    report.shown = len(shown)
    return shown
