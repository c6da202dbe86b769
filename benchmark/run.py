"""The stage of bin/benchmark.py: suites one by one, and the file of all their figures."""

import dataclasses
import tempfile

from benchmark import board, cached, forward, pipeline, prepare, report, scaling, step
from benchmark.settings import ALL, BenchmarkConfig

SUITES = {
    "forward": forward,
    "step": step,
    "prepare": prepare,
    "pipeline": pipeline,
    "cached": cached,
    "board": board,
    "scaling": scaling,
}
MEANINGS = {name: meaning for suite in SUITES.values() for name, meaning in suite.FIGURES.items()}


def run(suite: str, out: str, settings: BenchmarkConfig) -> report.Figures:
    """Measures a suite, or all of them, and writes the figures of each as soon as it is done.

    Args:
        suite: one of SUITES, or "all".
        out: the JSON file; figures of other suites that it has stay.
        settings: how much is measured.

    Returns:
        All figures that are then in the file.

    Raises:
        ValueError: an unknown suite, or a file of another machine's figures.
        RuntimeError: a contestant failed.
    """
    if suite not in (ALL, *SUITES):
        raise ValueError(f"suite {suite!r} is unknown; choose one of {[ALL, *SUITES]}")
    figures = report.read(out)
    with tempfile.TemporaryDirectory(prefix="soundnet-benchmark-") as work:
        settings = dataclasses.replace(settings, work=work)
        for name in SUITES if suite == ALL else [suite]:
            found = SUITES[name].measure(settings)
            figures = report.merge(out, SUITES[name].FIGURES, found)
    return figures


def table(figures: report.Figures) -> str:
    """All figures in Markdown."""
    return report.table(figures, MEANINGS)
