"""The moments that excite units most, of any number of recordings, each once a unit."""

from typing import NamedTuple

import numpy as np

from soundnet_tf.serving.stream import Steps


class Peaks(NamedTuple):
    """Where each unit is excited most in one recording.

    Attributes:
        values: float32 [units]; -inf of units that no step excites.
        secs: float64 [units], from the recording's beginning.
    """

    values: np.ndarray
    secs: np.ndarray


def inside(steps: Steps, duration_secs: float, without_last: bool) -> Steps:
    """The steps that count: those whose centre lies in the sound.

    The others hear more of the padding than of the sound. If there are no others, as of a sound
    that is shorter than a step's hop, they count, at the nearest moment in the sound.

    Args:
        steps: values [steps, units] of one recording.
        duration_secs: of the recording.
        without_last: whether the last step never counts (but alone), as of the trunk's last layer:
            no head ever hears it, so it did not learn what to make of the padding.
    """
    if without_last and len(steps.secs) > 1:
        steps = Steps(steps.values[:-1], steps.secs[:-1])
    is_inside = (steps.secs >= 0) & (steps.secs <= duration_secs)
    if is_inside.any():
        return Steps(steps.values[is_inside], steps.secs[is_inside])
    return Steps(steps.values, np.clip(steps.secs, 0, duration_secs))


def thin(steps: Steps) -> Steps:
    """Of the steps of a long recording those that can be a unit's peak whatever comes: those in
    which one is greatest, and the first and last three (`inside` may leave out others there)."""
    count = len(steps.secs)
    if count <= 6:
        return steps
    inner = _excited(steps.values[3:-3])
    ends = [0, 1, 2, count - 3, count - 2, count - 1]
    kept = np.unique(np.concatenate([inner.argmax(axis=0) + 3, ends]))
    return Steps(steps.values[kept], steps.secs[kept])


def peaks(steps: Steps) -> Peaks:
    """Each unit's greatest value, the first where it comes again; only values above 0 count, which
    a unit that was not excited has after its ReLU."""
    if not len(steps.secs):
        units = steps.values.shape[1]
        return Peaks(np.full(units, -np.inf, np.float32), np.zeros(units))
    values = _excited(steps.values)
    best = values.argmax(axis=0)
    return Peaks(values[best, np.arange(values.shape[1])], steps.secs[best])


def _excited(values: np.ndarray) -> np.ndarray:
    """-inf in place of what is not above 0, NaN too."""
    return np.where(values > 0, values, -np.inf)


class TopMoments:
    """The recordings that excite each unit most, in a memory that does not grow with their number.

    Attributes:
        values: float32 [units, top], falling; -inf where there are no more.
        recordings: int64 [units, top], their numbers; -1 where there are no more.
        secs: float64 [units, top].
        pieces: int64 [units, top], which of a recording's pieces, as `add` was told.
    """

    def __init__(self, units: int, top: int):
        self.values = np.full([units, top], -np.inf, np.float32)
        self.recordings = np.full([units, top], -1, np.int64)
        self.secs = np.zeros([units, top])
        self.pieces = np.zeros([units, top], np.int64)

    def add(self, recording: int, peaks: Peaks, piece: int = 0) -> None:
        """Takes the peaks of a recording, or of one of its pieces. Of equal ones the earlier
        stays before the later."""
        is_own = self.recordings == recording
        last = self.values.shape[1] - 1
        place = np.where(is_own.any(axis=1), is_own.argmax(axis=1), last)
        units = np.flatnonzero(peaks.values > self.values[np.arange(len(place)), place])
        if not units.size:
            return
        place = place[units]
        self.values[units, place] = peaks.values[units]
        self.recordings[units, place] = recording
        self.secs[units, place] = peaks.secs[units]
        self.pieces[units, place] = piece
        # What is new goes behind its equals: they are sorted by value, then by what is new.
        is_new = np.zeros([len(units), last + 1], bool)
        is_new[np.arange(len(units)), place] = True
        order = np.lexsort([is_new, -self.values[units]], axis=1)
        for kept in (self.values, self.recordings, self.secs, self.pieces):
            kept[units] = np.take_along_axis(kept[units], order, axis=1)
