"""Ranges in the names of files, as WebDataset writes them: `part-{0000..0009}.tar`."""

import re

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def has_range(pattern: str) -> bool:
    return _RANGE.search(pattern) is not None


def with_stars(pattern: str) -> str:
    """The pattern with a star for each range."""
    return _RANGE.sub("*", pattern)


def each_number(pattern: str) -> list[str]:
    """What a pattern stands for: `{08..11}` for 08, 09, 10 and 11, several for each with each.

    Raises:
        ValueError: a range that ends before it begins.
    """
    found = _RANGE.search(pattern)
    if found is None:
        return [pattern]
    first, last = found.groups()
    if int(first) > int(last):
        raise ValueError(f"{pattern}: {found[0]} ends before it begins; write {{{last}..{first}}}")
    width = len(first) if first.startswith("0") else 0
    before, after = pattern[: found.start()], each_number(pattern[found.end() :])
    return [
        f"{before}{number:0{width}d}{rest}"
        for number in range(int(first), int(last) + 1)
        for rest in after
    ]
