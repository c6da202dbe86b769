"""Pictures of an evaluation: the confusion of classes, and accuracy by layer."""

import io
import os
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from soundnet_tf.files import atomic


def save(content: Mapping, folder: str) -> list[str]:
    """Writes `confusion.png`, and `layers.png` if there is more than one row.

    Args:
        content: of `evaluate.evaluate`.
        folder: where to; it is there.

    Returns:
        The paths written.
    """
    figures = {"confusion.png": confusion(content)}
    if len(content["rows"]) > 1:
        figures["layers.png"] = layers(content)
    return [write(figure, os.path.join(folder, name)) for name, figure in figures.items()]


def confusion(content: Mapping) -> Figure:
    """Share of each true class (rows) that was taken for each class."""
    counts = np.array(content["confusion"], float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes = content["classes"]
    size = 2.5 + 0.32 * len(classes)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    figure.colorbar(image, label="share of the true class")
    axes.set_xticks(range(len(classes)), classes, rotation=90)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    axes.set_title(f"{content['layer']}: {100 * content['accuracy_mean']:.1f} % right")
    if len(classes) <= 20:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour)
    return figure


def layers(content: Mapping) -> Figure:
    """Accuracy of every row with its deviation over folds, the floors as lines."""
    rows, floor = content["rows"], content["baselines"]
    figure = Figure(figsize=(2 + 0.7 * len(rows), 4), layout="constrained")
    axes = figure.subplots()
    bars = [f"{row['layer']}\nx {row['input_scale']:g}" for row in rows]
    means, deviations = ([100 * row[f"accuracy_{k}"] for row in rows] for k in ("mean", "std"))
    axes.bar(bars, means, yerr=deviations, capsize=3)
    names = {"untrained": "untrained network", "mfcc": "MFCC"}
    lines = {name: floor[k]["accuracy_mean"] for k, name in names.items() if k in floor}
    lines["most frequent class"] = floor["chance"]
    for i, (name, share) in enumerate(lines.items()):
        axes.axhline(100 * share, linestyle="--", color=f"C{i + 1}", label=name)
    axes.set_ylim(0, 100)
    axes.set_ylabel("accuracy in %")
    axes.legend(loc="lower left")
    return figure


def write(figure: Figure, path: str) -> str:
    """Writes a figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    atomic.write_bytes(path, content.getvalue())
    return path
