"""The stage: one page of what a network is, how it learned, how good it is, and what it hears."""

import os
from typing import Any

from soundnet_tf.evaluation.settings import RESULTS_FILE
from soundnet_tf.files import atomic, storage
from soundnet_tf.files.skipped import skipped_lines
from soundnet_tf.models import filters, filters_figure, pretrained
from soundnet_tf.pages import charts, template
from soundnet_tf.pages.inside import data_uri
from soundnet_tf.reporting import about, curves, evaluations, probes, recordings
from soundnet_tf.reporting.recordings import Report
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving import listener
from soundnet_tf.serving.export.settings import LAST
from soundnet_tf.training.baselines import BASELINES_FILE
from soundnet_tf.training.claimed import RUN_FILE
from soundnet_tf.training.loop import VERDICT_FILE
from soundnet_tf.training.monitor import HISTORY_FILE, read_history
from soundnet_tf.training.probe import PROBE_FILE

PAGE = "index.html"


def run(config: ReportConfig, progress: bool = True) -> Report:
    """Writes OUT/index.html, whole or not at all, and of recordings units.csv and units.json.

    Raises:
        FileNotFoundError, ValueError: a model, run, evaluation, teacher or labels that cannot be
            read; or none of the recordings can be heard.
        ImportError: curves, without the package that draws them.
    """
    ears = listener.load(config.source)
    report = Report(os.path.join(config.out, PAGE))
    storage.make_folder(config.out)
    storage.remove(report.path)  # of a former run, until this one's is there
    learned = None if config.run is None else _run(config.run, config.which)
    page = {
        "about": about.content(config, ears, learned and learned["run"]),
        "learned": learned,
        "evaluations": [_evaluation(folder) for folder in config.evaluations],
        "filters": _filters(config.source),
        **recordings.content(config, ears, report, progress),
    }
    drawn = learned["charts"] if learned else {}
    page |= {"charts": drawn, "bundle": charts.bundle() if drawn else ""}
    html = template.render("report/report.html", **page)
    atomic.write_text(report.path, html)
    report.size = len(html.encode("utf-8"))
    return report


def text(report: Report) -> str:
    """What was written, for people."""
    of = f", {report.shown} of {report.recordings} recordings" if report.recordings else ""
    lines = [f"wrote {report.path} ({report.size / 1e6:.1f} MB{of})"]
    if report.unread:
        plural = "s" * (len(report.unread) != 1)
        lines.append(f"{len(report.unread)} recording{plural} could not be read:")
        lines += skipped_lines(report.unread, "on the page")
    return "\n".join(lines)


def _run(folder: str, which: str) -> dict[str, Any]:
    """What a run left: settings, curves, and what its figures amount to."""

    def read(name: str) -> Any:
        return atomic.read_json(os.path.join(folder, name))

    found, baselines = read(RUN_FILE), read(BASELINES_FILE) or {}
    history = read_history(os.path.join(folder, HISTORY_FILE))
    probed = read(PROBE_FILE) or {}
    probe = probes.content(probed)
    row = curves.of_student(which, history, probed)
    learned = curves.content(history, baselines)
    return {
        "run": found,
        "facts": about.facts(found),
        "curves": learned,
        "held_out": curves.held_out(row, baselines),
        "epoch": row and int(row["epoch"]) + 1,
        "is_last": which == LAST,
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
