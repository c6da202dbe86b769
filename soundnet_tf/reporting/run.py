"""The stage: one page of what a network is, how it learned, how good it is, and what it hears."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from soundnet_tf.evaluation.settings import RESULTS_FILE
from soundnet_tf.files import atomic, find, storage
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models import filters, filters_figure, pretrained
from soundnet_tf.models.teachers.teacher import Teacher, load_teacher
from soundnet_tf.pages import charts, template
from soundnet_tf.pages.inside import data_uri
from soundnet_tf.reporting import about, curves, evaluations, hearing, probes, timelines
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving import listener
from soundnet_tf.serving.listener import Listener
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.training.baselines import BASELINES_FILE
from soundnet_tf.training.claimed import RUN_FILE
from soundnet_tf.training.loop import VERDICT_FILE
from soundnet_tf.training.monitor import HISTORY_FILE, read_history
from soundnet_tf.training.probe import PROBE_FILE
from soundnet_tf.visualization import units, units_page
from soundnet_tf.visualization.recordings import Files

PAGE = "index.html"
_SOUND_SECS = 3600.0  # of all players of recordings: 29 MB
_TOP_MOMENTS = 8  # of a unit
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


def run(config: ReportConfig, progress: bool = True) -> Report:
    """Writes OUT/index.html, whole or not at all.

    Raises:
        FileNotFoundError, ValueError: a model, run, evaluation, teacher or labels that cannot be
            read; or none of the recordings can be heard.
        ImportError: curves, without the package that draws them.
    """
    ears = listener.load(config.source)
    report = Report(os.path.join(config.out, PAGE))
    learned = None if config.run is None else _run(config.run)
    page = {
        "about": about.content(config, ears, learned and learned["run"]),
        "learned": learned,
        "evaluations": [_evaluation(folder) for folder in config.evaluations],
        "filters": _filters(config.source),
        **_heard(config, ears, report, progress),
    }
    drawn = learned["charts"] if learned else {}
    page |= {"charts": drawn, "bundle": charts.bundle() if drawn else ""}
    html = template.render("report/report.html", **page)
    storage.make_folder(config.out)
    atomic.write_text(report.path, html)
    report.size = len(html.encode("utf-8"))
    return report


def text(report: Report) -> str:
    """What was written, for people."""
    of = f", {report.shown} of {report.recordings} recordings" if report.recordings else ""
    lines = [f"wrote {report.path} ({report.size / 1e6:.1f} MB{of})"]
    if report.unread:
        lines.append(f"{len(report.unread)} recordings could not be read:")
        unread = [*report.unread.items()]
        lines += [f"  {name}: {reason}" for name, reason in unread[:20]]
        if len(unread) > 20:
            lines.append(f"  and {len(unread) - 20} more, named on the page")
    return "\n".join(lines)


def _run(folder: str) -> dict[str, Any]:
    """What a run left: settings, curves, and what its figures amount to."""

    def read(name: str) -> Any:
        return atomic.read_json(os.path.join(folder, name))

    found, baselines = read(RUN_FILE), read(BASELINES_FILE) or {}
    history = read_history(os.path.join(folder, HISTORY_FILE))
    probe = probes.content(read(PROBE_FILE) or {})
    learned = curves.content(history, baselines)
    return {
        "run": found,
        "facts": about.facts(found),
        "curves": learned,
        "held_out": curves.held_out(history, baselines),
        "verdict": read(VERDICT_FILE),
        "probe": probe,
        "charts": learned["charts"] | (probe["charts"] if probe else {}),
    }


def _evaluation(folder: str) -> dict[str, Any]:
    return evaluations.content(atomic.read_json(os.path.join(folder, RESULTS_FILE)), folder)


def _filters(model: str) -> dict[str, Any]:
    student, _ = pretrained.load(model)
    found = filters.of_student(student)
    return {
        "source": data_uri(filters_figure.png(filters_figure.figure(found)), "image/png"),
        "centres_hz": [
            (int(channel), f"{hz:.0f}")
            for channel, hz in zip(found.channels, found.centres_hz, strict=True)
        ],
    }


def _heard(config: ReportConfig, ears: Listener, report: Report, progress: bool) -> dict[str, Any]:
    """Units, the timelines, and which recordings could not be read."""
    if config.inputs is None:
        return {"units": None, "recordings": [], "report": report, "named": []}
    paths = find.find_media(config.inputs)
    labels = None if config.labels is None else esc_dcase.load(config.dataset, config.labels)
    source = Files(paths, labels, config.channel, config.audio_stream)
    layer = ears.network.architecture.trunk[-1].name
    found = units.find(source, config.source, layer, top=_TOP_MOMENTS, progress=progress)
    report.recordings = len(paths)
    report.unread |= found.skipped
    readable = {id: path for id, path in paths.items() if id not in found.skipped}
    shown = {id: readable[id] for id in hearing.spread([*readable], config.recordings)}
    recordings = _timelines(config, ears, shown, report, progress)
    return {
        "units": units_page.content(found, source, config.units, progress),
        "recordings": recordings,
        "report": report,
        "named": [*report.unread.items()][:_MOST_NAMED],
    }


def _timelines(
    config: ReportConfig,
    ears: Listener,
    paths: Mapping[str, str],
    report: Report,
    progress: bool,
) -> list[dict[str, Any]]:
    teachers: dict[str, Teacher] = {head: load_teacher(s) for head, s in config.teachers.items()}
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
            shown.append(timelines.content(one, len(shown) + 1, names))
    report.shown = len(shown)
    return shown
