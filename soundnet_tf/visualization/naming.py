"""What the moments of a unit share: a label that is among them more often than chance gives."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from soundnet_tf.visualization.recordings import Names

SURE = 0.05  # of `p_corrected`, below which a name is no chance


class Shared(NamedTuple):
    """A name that some of a unit's moments share.

    Attributes:
        kind: of the label, a key of `Names`.
        name: the label.
        count, of: how many of the unit's labelled recordings have it.
        count_in_all, of_all: how many of all that were heard and are labelled.
        p: the chance that as many recordings as the unit has, drawn blindly from all, would have
            the name as often or more often (hypergeometric).
        p_corrected: the same for the surest of all units with all names (Bonferroni), at most 1.
    """

    kind: str
    name: str
    count: int
    of: int
    count_in_all: int
    of_all: int
    p: float
    p_corrected: float

    @property
    def lift(self) -> float:
        """How many times more often the unit's recordings have it than all."""
        return (self.count / self.of) / (self.count_in_all / self.of_all)

    @property
    def is_sure(self) -> bool:
        return self.p_corrected < SURE


def compared(units: int, counts: Mapping[str, Mapping[str, int]]) -> int:
    """How many units and names are held against each other: names that two recordings have."""
    return units * sum(count > 1 for of in counts.values() for count in of.values())


def counts_of(names: Names, recordings: Iterable[str]) -> dict[str, dict[str, int]]:
    """Of each kind how many of these recordings have each name."""
    heard = list(recordings)
    return {
        kind: dict(collections.Counter(named[id] for id in heard if id in named))
        for kind, named in names.items()
    }


def name_units(
    units: Sequence[Sequence[str]], names: Names, counts: Mapping[str, Mapping[str, int]]
) -> list[Shared | None]:
    """The surest name of each unit.

    Args:
        units: the recordings of each unit's moments; none of a unit that nothing excites.
        names: of recordings.
        counts: of all that were heard, by `counts_of`.

    Returns:
        Of each unit what has the smallest p, if that is alike the commoner among its moments; None
        if no two of them share a name.
    """
    from scipy import stats  # takes a second

    found = [(unit, *one) for unit, of in enumerate(units) for one in _shared(of, names, counts)]
    if not found:
        return [None] * len(units)
    shares = np.array([one[3:] for one in found])
    count, of, count_in_all, of_all = shares.T
    p = stats.hypergeom.sf(count - 1, of_all, count_in_all, of)
    tests = compared(sum(map(bool, units)), counts)
    best: list[Shared | None] = [None] * len(units)
    for (unit, kind, name, *numbers), chance in zip(found, p.tolist(), strict=True):
        shared = Shared(kind, name, *numbers, chance, min(1.0, chance * tests))
        known = best[unit]
        if known is None or (chance, -shared.count) < (known.p, -known.count):
            best[unit] = shared
    return best


def _shared(recordings: Sequence[str], names: Names, counts: Mapping[str, Mapping[str, int]]):
    """Kind, name, and the numbers of `Shared` of each name that two of the recordings have."""
    for kind, named in names.items():
        own = collections.Counter(named[id] for id in recordings if id in named)
        of_all = sum(counts[kind].values())
        for name, count in sorted(own.items()):
            if count > 1:
                yield kind, name, count, own.total(), counts[kind][name], of_all
