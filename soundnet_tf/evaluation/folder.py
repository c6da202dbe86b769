"""The rows that an evaluation has measured so far, and whose they are. No TensorFlow."""

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from soundnet_tf.files import atomic, claim, identity

ROWS_FILE = "rows.json"
NETWORK, UNTRAINED, MFCC = "network", "untrained", "mfcc"


class RowKey(NamedTuple):
    """What a row is of: NETWORK, UNTRAINED or MFCC; of networks a layer and an input scale."""

    of: str
    layer: str = ""
    input_scale: float = 1.0

    @property
    def title(self) -> str:
        """For a bar."""
        scale = "" if self.input_scale == 1 else f" x {self.input_scale:g}"
        return "MFCC" if self.of == MFCC else f"{self.of} {self.layer}{scale}"


class Rows:
    """`OUT/rows.json`, written anew with every row, so that a killed evaluation goes on behind the
    last one. Layers, input scales and floors may be asked for later that were not at first.

    Args:
        out: the folder.
        settings: what makes two evaluations the same one, besides the recordings.
        recordings: `identity.note_of` of them.

    Attributes:
        seconds: that the rows took, in all runs.

    Raises:
        ValueError: the folder has another evaluation's rows, or the recordings have changed.
    """

    def __init__(self, out: str, settings: Mapping, recordings: Mapping[str, str | None]):
        self._path = os.path.join(out, ROWS_FILE)
        found = atomic.read_json(self._path) or {}
        known = found.get("recordings", {})
        if found:
            claim.refuse_other(out, found["settings"], settings)
            _refuse_changed(out, recordings, known)
        self._settings = dict(settings)
        self._recordings = {name: text or known.get(name) for name, text in recordings.items()}
        self._rows: dict[str, dict] = found.get("rows", {})
        self.seconds: float = found.get("seconds", 0.0)
        self._since = time.perf_counter()

    def __contains__(self, key: RowKey) -> bool:
        return _name(key) in self._rows

    def __getitem__(self, key: RowKey) -> dict:
        return self._rows[_name(key)]

    def add(self, key: RowKey, row: Mapping) -> None:
        """Keeps a row, and the time since the one before it, or since this was made."""
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now
        self._rows[_name(key)] = dict(row)
        content = {
            "settings": self._settings,
            "recordings": self._recordings,
            "seconds": self.seconds,
            "rows": self._rows,
        }
        atomic.write_json(self._path, content)


def _name(key: RowKey) -> str:
    return f"{key.of} {key.layer} {key.input_scale!r}"


def _refuse_changed(out: str, now: Mapping[str, str | None], known: Mapping) -> None:
    if not identity.is_note_of_the_same(now, known):
        raise ValueError(
            f"the rows in {out} are of recordings that have changed since, or their "
            f"{'contents' if now['content'] else 'times of change'} were not noted: choose another "
            "--out, or remove it first"
        )
