"""Unfinished work: a folder of features of some files each, which a later run goes on from."""

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from soundnet_tf.files import atomic, claim, remote, scratch, storage
from soundnet_tf.files.identity import Identity
from soundnet_tf.serving.extraction import feature_file
from soundnet_tf.serving.extraction.index import Block, Features, Index

_PART = re.compile(r"part-\d{5,}\.npz")
_SETTINGS_FILE = "settings.json"
_MAY_DIFFER = ("model",)  # the fingerprint of its weights tells


class Outcome(NamedTuple):
    """What one file gave: rows (embeddings float32 [rows, channels], timestamps float64 [rows]) of
    a sound of so many seconds, or None and the reason."""

    name: str
    rows: Block | None
    duration_secs: float = 0.0
    reason: str = ""


class Place(NamedTuple):
    """Where an outcome is kept: the file in the part at `path`, or the reason why there is none."""

    path: str
    file: int
    rows: int
    duration_secs: float
    reason: str


class Parts:
    """The folder of the parts, made if need be.

    Args:
        folder: where it is.
        settings: of the work; parts of other settings are not gone on from.

    Raises:
        ValueError: the folder has parts of other settings.
    """

    def __init__(self, folder: str, settings: Mapping):
        self._folder = folder
        self._local = scratch.new_path("") if storage.is_remote(folder) else folder
        settings_path = os.path.join(folder, _SETTINGS_FILE)
        found = atomic.read_json(settings_path)
        if found is not None:
            refuse_other(folder, found, settings)
        storage.make_folder(folder)
        atomic.write_json(settings_path, dict(settings))
        if storage.is_remote(folder):  # they are read several times
            storage.make_folder(self._local)
            for name in filter(_PART.fullmatch, storage.list_folder(folder)):
                remote.download(f"{folder}/{name}", f"{self._local}/{name}")
        self._next = 1 + max((int(path[-9:-4]) for path in self._paths()), default=-1)

    def add(self, outcomes: Iterable[Outcome], identities: Mapping[str, Identity]) -> None:
        """Writes the next part; by the identities of its files `done` knows them."""
        outcomes = list(outcomes)
        heard = [outcome for outcome in outcomes if outcome.rows]
        counts = [len(outcome.rows[0]) for outcome in heard]
        index = Index(
            names=[outcome.name for outcome in heard],
            offsets=np.cumsum([0, *counts]),
            durations=np.array([outcome.duration_secs for outcome in heard], np.float64),
            skipped={outcome.name: outcome.reason for outcome in outcomes if not outcome.rows},
            settings={},
            inputs={outcome.name: identities[outcome.name].as_text() for outcome in outcomes},
        )
        path = os.path.join(self._local, f"part-{self._next:05d}.npz")
        feature_file.write(path, index, lambda: [outcome.rows for outcome in heard])
        if storage.is_remote(self._folder):
            remote.upload(path, f"{self._folder}/{os.path.basename(path)}")
        self._next += 1

    def done(self, identities: Mapping[str, Identity]) -> dict[str, Place]:
        """Places of the outcomes of those files that have not changed since."""
        places: dict[str, Place] = {}
        for path in self._paths():
            places |= places_in(path, identities)
        return places

    def remove(self) -> None:
        """Removes the folder."""
        storage.remove_folder(self._folder)
        storage.remove_folder(self._local)

    def _paths(self) -> list[str]:
        names = filter(_PART.fullmatch, storage.list_folder(self._local))
        return [os.path.join(self._local, name) for name in names]


def places_in(path: str, identities: Mapping[str, Identity]) -> dict[str, Place]:
    """Places, in one file of features, of the outcomes of the files that have not changed since."""
    features = _load(path)
    rows = np.diff(features.offsets)
    places = {
        name: Place(path, i, int(rows[i]), float(features.durations[i]), "")
        for i, name in enumerate(features.names)
    }
    places |= {name: Place(path, 0, 0, 0.0, why) for name, why in features.skipped.items()}
    return {
        name: place
        for name, place in places.items()
        if name in identities
        and identities[name].is_that_of(Identity.from_text(features.inputs.get(name, "")))
    }


def blocks(places: Iterable[Place]) -> Iterator[Block]:
    """The rows of `places`, in their order."""
    load = functools.lru_cache(maxsize=4)(_load)
    for place in places:
        yield load(place.path).rows(place.file)


def refuse_other(path: str, found: Mapping, settings: Mapping) -> None:
    """ValueError unless what is at `path` was made with the same settings."""
    of_found = {name: found.get(name) for name in settings}  # it also says what came of them
    claim.refuse_other(path, of_found, settings, _MAY_DIFFER)


def _load(path: str) -> Features:
    return feature_file.read_features(path, memory_map=True)
