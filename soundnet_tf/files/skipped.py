"""Files that a stage could not use, told in a few lines."""

from collections.abc import Mapping

MOST_LINES = 20


def skipped_lines(reasons: Mapping[str, str], others: str) -> list[str]:
    """The first names with their reasons, and how many more there are.

    Args:
        reasons: by name, in the order in which they are told.
        others: where the rest stands, as in "in manifest.json"; may be empty.
    """
    told = [f"  {name}: {reason}" for name, reason in [*reasons.items()][:MOST_LINES]]
    if len(reasons) > MOST_LINES:
        told.append(f"  and {len(reasons) - MOST_LINES} more {others}".rstrip())
    return told
