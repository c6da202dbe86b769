"""What an evaluation found: figures of the predictions, and the files that hold them."""

from collections.abc import Mapping

import numpy as np

from soundnet_tf.sounds.labelled_set import LabelledSet


def figures(data: LabelledSet, predictions: np.ndarray) -> dict:
    """Accuracies of one row of predictions.

    Args:
        data: the set.
        predictions: int [clips], -1 for clips that were not tested.

    Returns:
        `accuracy_mean` and `accuracy_std` over the test folds (shares of 1; the standard deviation
        of the folds themselves), `per_fold`, `per_class` (each class's share over all its tested
        clips) and `confusion` (rows are true classes).
    """
    from sklearn.metrics import confusion_matrix  # takes a second, which --help should not

    is_right = predictions == data.labels
    is_tested = predictions >= 0
    folds = np.array([clip.fold for clip in data.clips])
    per_fold = {name: float(is_right[folds == name].mean()) for name in data.test_folds}
    per_class = {
        name: float(is_right[is_tested & (data.labels == i)].mean())
        for i, name in enumerate(data.classes)
        if (is_tested & (data.labels == i)).any()
    }
    accuracies = list(per_fold.values())
    confusion = confusion_matrix(
        data.labels[is_tested], predictions[is_tested], labels=range(len(data.classes))
    )
    return {
        "accuracy_mean": float(np.mean(accuracies)),
        "accuracy_std": float(np.std(accuracies)),
        "per_fold": per_fold,
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }


def chance(data: LabelledSet) -> float:
    """Accuracy of always giving the class that most of the clips have."""
    return float(np.bincount(data.labels).max() / len(data.labels))


def markdown(rows: list[Mapping[str, object]]) -> str:
    """Rows of the same keys as a Markdown table; None leaves a cell blank."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns)]
    lines += [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def percent(figures_of_row: Mapping | None) -> str | None:
    """`91.8 ± 2.1` of a row's mean and standard deviation."""
    if figures_of_row is None:
        return None
    mean, std = figures_of_row["accuracy_mean"], figures_of_row["accuracy_std"]
    return f"{100 * mean:.1f} ± {100 * std:.1f}"
