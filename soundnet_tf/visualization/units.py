"""What excites each unit of a layer: the recordings, the seconds in them, and what they share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models.architecture import Endpoint
from soundnet_tf.serving import listener
from soundnet_tf.serving.listener import Listener
from soundnet_tf.visualization import naming, peaks
from soundnet_tf.visualization.naming import Shared
from soundnet_tf.visualization.recordings import Excerpt, Names, Piece


class Source(Protocol):
    """Recordings: `recordings.Files`, or `prepared.Shards`."""

    names: Names
    pieces: int
    piece_name: str

    def heard(self, ears: Listener, layer: str) -> Iterator[list[Piece]]: ...

    def excerpt(self, recording: str, number: int, secs: float, width_secs: float) -> Excerpt: ...


@dataclass(frozen=True)
class Moment:
    """A moment of a recording that excites a unit.

    Attributes:
        recording: its id.
        secs: from the recording's beginning, the middle of what the unit hears.
        value: of the unit there, after its ReLU.
        piece: which of the recording's clips it is in, for `Source.excerpt`.
    """

    recording: str
    secs: float
    value: float
    piece: int = 0


@dataclass(frozen=True)
class Unit:
    """A unit, the moments that excite it most (each of another recording, the most first; none if
    nothing excites it), and what these share, if anything."""

    number: int
    moments: tuple[Moment, ...]
    shared: Shared | None


@dataclass(frozen=True)
class Found:
    """What excites units.

    Attributes:
        model, endpoint: of the layer they are in.
        units: by their numbers.
        recordings, heard_secs: how many were heard, and how long they are together.
        names: the labels of recordings, by kind.
        counts: of each kind how many of the recordings that were heard have each name.
        skipped: id to reason of recordings that could not be heard.
    """

    model: str
    endpoint: Endpoint
    units: tuple[Unit, ...]
    recordings: int
    heard_secs: float
    names: Names
    counts: dict[str, dict[str, int]]
    skipped: dict[str, str]

    @property
    def excited(self) -> list[Unit]:
        return [unit for unit in self.units if unit.moments]

    @property
    def named(self) -> list[Unit]:
        """Units whose name is sure, the surest first."""
        sure = [unit for unit in self.excited if unit.shared and unit.shared.is_sure]
        return sorted(sure, key=lambda unit: (unit.shared.p, unit.number))

    def in_order(self) -> list[Unit]:
        """Units that are excited, those to show first: by names the surest unit of each, then the
        second of each, and so on; then those without a sure name, the most excited first."""
        place: dict[str, int] = {}
        keys: dict[int, tuple] = {}
        for unit in self.named:
            name = f"{unit.shared.kind}/{unit.shared.name}"
            place[name] = place.get(name, 0) + 1
            keys[unit.number] = (0, place[name], unit.shared.p)
        for unit in self.excited:
            if unit.number not in keys:
                mean = sum(moment.value for moment in unit.moments) / len(unit.moments)
                keys[unit.number] = (1, 0, -mean)
        return sorted(self.excited, key=lambda unit: (*keys[unit.number], unit.number))


def find(
    source: Source,
    model: str,
    layer: str = "conv7",
    units: Sequence[int] | None = None,
    top: int = 10,
    progress: bool = True,
) -> Found:
    """Hears all recordings once, and keeps of each unit the moments that excite it most.

    Steps whose centre lies outside the recording do not count, nor does the last step of the
    trunk's last layer (see `peaks.inside`). Memory does not grow with the recordings, but for their
    names.

    Args:
        source: the recordings.
        model: as of `models.pretrained.load`.
        layer: of the trunk.
        units: numbers of those that are wanted; None for all.
        top: moments of each unit, at most one a recording.
        progress: whether to show it on stderr.

    Raises:
        ValueError: no such layer or unit, or nothing could be heard.
        FileNotFoundError: no such model.
    """
    ears = listener.load(model)
    endpoint = _endpoint(ears, layer)
    wanted = _wanted(units, endpoint, model)
    kept = peaks.TopMoments(len(wanted), top)
    is_last = layer == ears.network.architecture.trunk[-1].name
    numbers: dict[str, int] = {}
    skipped: dict[str, str] = {}
    heard_secs = 0.0
    with progress_bar(source.pieces, "hearing", source.piece_name, progress) as bar:
        for pieces in source.heard(ears, layer):
            for piece in pieces:
                bar.update()
                if piece.heard is None:
                    skipped[piece.recording] = piece.reason
                    continue
                number = numbers.setdefault(piece.recording, len(numbers))
                heard_secs += piece.heard.duration_secs
                steps = peaks.inside(piece.heard.steps[layer], piece.heard.duration_secs, is_last)
                found = peaks.peaks(steps)
                at = peaks.Peaks(found.values[wanted], found.secs[wanted] + piece.start_secs)
                kept.add(number, at, piece.number)
    if not numbers:
        reasons = "; ".join(f"{id}: {reason}" for id, reason in [*skipped.items()][:3])
        raise ValueError(f"no recording could be heard ({reasons or 'there is none'})")
    names = {kind: dict(named) for kind, named in source.names.items()}
    counts = naming.counts_of(names, numbers)
    moments = _moments(kept, [*numbers])
    shared = naming.name_units([[m.recording for m in of] for of in moments], names, counts)
    made = tuple(map(Unit, wanted.tolist(), moments, shared))
    return Found(model, endpoint, made, len(numbers), heard_secs, names, counts, skipped)


def _endpoint(ears: Listener, layer: str) -> Endpoint:
    trunk = [known.name for known in ears.network.architecture.trunk]
    if layer not in trunk:
        raise ValueError(f"no layer {layer} in this network; choose of {', '.join(trunk)}")
    return ears.network.endpoints[layer]


def _wanted(units: Sequence[int] | None, endpoint: Endpoint, model: str) -> np.ndarray:
    if units is None:
        return np.arange(endpoint.channels)
    if wrong := [unit for unit in units if not 0 <= unit < endpoint.channels]:
        raise ValueError(
            f"no unit {', '.join(map(str, wrong))} in {endpoint.name} of {model}; it has 0 to "
            f"{endpoint.channels - 1}"
        )
    return np.array(units, int)


def _moments(kept: peaks.TopMoments, ids: Sequence[str]) -> list[tuple[Moment, ...]]:
    rows = (kept.recordings, kept.secs, kept.values, kept.pieces)
    return [
        tuple(
            Moment(ids[recording], secs, value, piece)
            for recording, secs, value, piece in zip(*of_unit, strict=True)
            if recording >= 0
        )
        for of_unit in zip(*(row.tolist() for row in rows), strict=True)
    ]
