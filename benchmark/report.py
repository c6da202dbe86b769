"""`bench.json`, one flat dictionary of figures, and the table that people read."""

import json
import pathlib
from collections.abc import Iterable, Mapping

from benchmark import machine

Figures = dict[str, float | str]


def read(path: str) -> Figures:
    """What earlier suites found on this machine; nothing if there is no such file.

    Raises:
        ValueError: the file is not of this form, or its figures are of another machine or of other
            versions, beside which ours would be misread.
    """
    file = pathlib.Path(path)
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text("utf-8"))
        of_machine = {name: value for name, value in content.items() if _is_fact(name)}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no file of figures ({error}); give another --out") from error
    if differing := [
        f"{name} was {of_machine.get(name)}, is {value}"
        for name, value in machine.facts().items()
        if of_machine.get(name) != value
    ]:
        raise ValueError(
            f"{path} was measured elsewhere ({'; '.join(differing)}): give another --out, or "
            "remove it first"
        )
    return content


def merge(path: str, suite: Iterable[str], found: Mapping[str, float]) -> Figures:
    """Puts the figures of a suite in place of earlier ones, and gives all that are then there.

    Args:
        path: of the file, which is written under a temporary name and renamed.
        suite: names of all figures of the suite; those that were not found this time go.
        found: its figures.
    """
    kept = {name: value for name, value in read(path).items() if name not in set(suite)}
    content = kept | dict(found) | machine.facts()
    partial = pathlib.Path(f"{path}.partial")
    partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
    partial.rename(path)
    return content


def table(figures: Mapping[str, float | str], meanings: Mapping[str, str]) -> str:
    """The figures in Markdown, in the order of their meanings, under the name of the machine."""
    facts = {name: value for name, value in figures.items() if _is_fact(name)}
    rows = [
        f"| `{name}` | {_rounded(figures[name])} | {meaning} |"
        for name, meaning in meanings.items()
        if name in figures
    ]
    head = ["| figure | value | what it means |", "|---|---:|---|"]
    return "\n".join([f"Measured on {machine.sentence(facts)}.", "", *head, *rows])


def _rounded(value: float) -> str:
    """Three digits, no more: the fourth is noise."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _is_fact(name: str) -> bool:
    return name.startswith("machine.")
