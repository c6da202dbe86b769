"""Tables for TensorBoard's texts, which are Markdown; names of classes and files are anything."""

import re
from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    """Shown as it is, in one line: whatever could be Markdown or HTML becomes an entity."""
    return re.sub(r"[^\w .,;:%()]|_", lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
