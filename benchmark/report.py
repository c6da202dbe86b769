"""`bench.json`, one flat dictionary of figures, and the table that people read."""

from collections.abc import Iterable, Mapping

from benchmark import machine
from soundnet_tf.files import atomic, claim

Figures = dict[str, float | str]


def read(path: str) -> Figures:
    """What earlier suites found on this machine; nothing if there is no such file.

    Raises:
        ValueError: the file is not of this form, or its figures are of another machine or of other
            versions, beside which ours would be misread.
    """
    try:
        content = atomic.read_json(path)
        if content is None:
            return {}
        of_machine = {name: value for name, value in content.items() if _is_fact(name)}
    except AttributeError as error:  # JSON of another kind
        raise ValueError(f"{path} is no file of figures ({error}); give another --out") from error
    if differing := claim.differences(of_machine, machine.facts()):
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
    atomic.write_json(path, content, indent=1)
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
