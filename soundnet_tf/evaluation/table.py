"""An evaluation as a Markdown table, line by line as its rows come."""

from collections.abc import Iterator, Mapping

from soundnet_tf.evaluation import paper_results, results
from soundnet_tf.evaluation.folder import MFCC, UNTRAINED, RowKey

_MFCC_OF_PAPER = "SVM on MFCC"


def head() -> str:
    """The names of the columns, and the line below them."""
    return _lines("", None, None, None)[0]


def row(key: RowKey, figures: Mapping, dataset: str) -> str:
    """The line of what was measured."""
    if key.of == MFCC:
        paper = paper_results.OTHERS.get(dataset, {}).get(_MFCC_OF_PAPER)
        return _lines("MFCC, mean and deviation", None, results.percent(figures), paper)[1]
    if key.of == UNTRAINED:
        return _lines(f"untrained network, {key.layer}", None, results.percent(figures), None)[1]
    return _lines(key.layer, key.input_scale, results.percent(figures), figures["paper"])[1]


def end(chance: float, dataset: str) -> Iterator[str]:
    """The lines of what costs nothing, and of what others reached, as the paper has it."""
    yield _lines("most frequent class", None, f"{100 * chance:.1f}", None)[1]
    for name, figure in paper_results.OTHERS.get(dataset, {}).items():
        if name != _MFCC_OF_PAPER:
            yield _lines(name, None, None, figure)[1]


def of_results(content: Mapping) -> str:
    """The whole table of what `evaluate.evaluate` returns."""
    dataset, floors = content["dataset"], content["baselines"]
    lines = [head()]
    for found in content["rows"]:
        lines.append(row(RowKey("network", found["layer"], found["input_scale"]), found, dataset))
    for found in content["untrained"]:
        lines.append(row(RowKey(UNTRAINED, found["layer"]), found, dataset))
    if MFCC in floors:
        lines.append(row(RowKey(MFCC), floors[MFCC], dataset))
    return "\n".join([*lines, *end(floors["chance"], dataset)])


def _lines(name: str, scale: float | None, accuracy: str | None, paper: float | None) -> list[str]:
    """The head, and one row."""
    cells = {
        "layer": name,
        "input scale": None if scale is None else f"{scale:g}",
        "accuracy %": accuracy,
        "paper %": paper,
    }
    columns, rule, line = results.markdown([cells]).splitlines()
    return [f"{columns}\n{rule}", line]
