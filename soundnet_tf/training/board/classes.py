"""What the student has learned of each class: curves of the most frequent ones, a table of more."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from soundnet_tf.training.board import markdown
from soundnet_tf.training.by_class import Sums

_CURVES = 10  # classes of each head
_ROWS = 100


def draw(sums: Sums, labels: dict[str, Sequence[str]]) -> None:
    """To TensorBoard's writer of now.

    Args:
        sums: of an evaluation, see `steps.Judge.by_class`.
        labels: class names, by head.
    """
    for head, of_head in sums.items():
        names = labels[head]
        classes = frequent(of_head)
        for index in classes[:_CURVES]:
            _, kl, agreement = means(of_head[index])
            tf.summary.scalar(f"kl_{head}_by_class/{names[index]}", kl)
            tf.summary.scalar(f"agreement_{head}_by_class/{names[index]}", agreement)
        rows = [_row(names[index], of_head[index]) for index in classes[:_ROWS]]
        head_row = [f"the teacher's most probable of {head}", "steps", "KL, nats", "agreement"]
        tf.summary.text(f"classes/{head}", markdown.table(head_row, rows))


def frequent(of_head: np.ndarray) -> np.ndarray:
    """Classes that occur, the most frequent first; float64 [classes, 3] to int [found]."""
    by_count = np.argsort(-of_head[:, 0], kind="stable")
    return by_count[of_head[by_count, 0] > 0]


def means(of_class: np.ndarray) -> tuple[int, float, float]:
    """Steps, KL in nats a step and agreement (a share) of a class's sums."""
    steps, kl, agreements = of_class
    return int(steps), kl / steps, agreements / steps


def _row(name: str, of_class: np.ndarray) -> list[str]:
    steps, kl, agreement = means(of_class)
    return [markdown.escape(name), str(steps), f"{kl:.3f}", f"{agreement:.0%}"]
