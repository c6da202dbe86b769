"""Decoded blocks, one after the other, laid down at the container's times."""

import statistics
from collections.abc import Iterator

import numpy as np

from soundnet_tf.media.container import MediaError
from soundnet_tf.media.waveform import (
    HIGHEST_PEAK,
    MEAN,
    SILENT_PEAK,
    is_cancelled,
    to_float,
    to_mono,
)

# Some 1.5 s of AAC or MP3: stamps rounded to 1 ms (Matroska) come out 0.05 ms off, and of the
# largest usual frames, a second each, no more than a minute is held back.
_STAMPS_COMPARED = 64
_JITTER_SECS = 0.05  # re-encoded streams show time stamps 20 ms off a steady count of samples
_LONGEST_GAP_SECS = 3600


class _Run:
    """Blocks that follow each other; it starts where the median stamp of the first ones says.

    Not their mean: in Vorbis a few stamps are off by a short block, in AAC often the first one is.
    """

    def __init__(self):
        self.length = self._start = 0
        self._starts: list[int] = []  # where each stamp says that the run starts

    @property
    def end(self) -> int:
        return self._start + self.length

    @property
    def is_settled(self) -> bool:
        return len(self._starts) == _STAMPS_COMPARED

    def append(self, position: int, length: int) -> None:
        if not self.is_settled:
            self._starts.append(position - self.length)
            self._start = statistics.median_low(self._starts)
        self.length += length


class Timeline:
    """Lays sound down at native positions, from `first` up to `stop`, and hands it out in order.

    What `place` and `finish` give is float32 [samples], mono, each block beginning where the one
    before ended; with `channel` None it is [samples, channels], all as they are. The first blocks
    of a run are held back until its place is known, and then, since packets are short and calls are
    dear, until there is a second of sound.
    """

    def __init__(self, path: str, rate: int, first: int, stop: float, channel: str | int | None):
        self.path, self.rate, self.first, self.stop = path, rate, first, stop
        self._channel = channel
        self._run: _Run | None = None
        self._held: list[np.ndarray] = []
        self._held_samples = 0
        self._cursor = first  # after the last sample handed out
        self._is_heard = self._is_lost = False

    @property
    def end(self) -> int | None:
        """Position after the last sample; None before the first."""
        return self._run and self._run.end

    @property
    def is_cancelled(self) -> bool:
        """Whether all sound handed out is silent, since its channels cancel out in their mean."""
        return self._is_lost and not self._is_heard

    @property
    def is_full(self) -> bool:
        return self.end is not None and self.end >= self.stop

    def place(
        self, position: int | None, columns: np.ndarray, anew: bool = False
    ) -> Iterator[np.ndarray]:
        """Adds `columns` [samples, channels] at `position`; None puts them after the last.

        With `anew` they follow on nothing: what is before them is another part, or was lost.
        """
        if position is None:
            position = self.end or 0
        far = self.end is None or abs(position - self.end) > _JITTER_SECS * self.rate
        if far or anew:
            yield from self.finish()
            self._run = _Run()
        elif self._held and not _are_alike(self._held[-1], columns):
            yield from self.finish()
        self._run.append(position, len(columns))
        self._held.append(columns)
        self._held_samples += len(columns)
        if self._run.is_settled and self._held_samples >= self.rate:
            yield from self.finish()

    def finish(self) -> Iterator[np.ndarray]:
        """Hands out what is held back."""
        if self._held:
            columns = np.concatenate(self._held)
            self._held, self._held_samples = [], 0
            yield from self._lay(self.end - len(columns), columns)

    def _lay(self, position: int, columns: np.ndarray) -> Iterator[np.ndarray]:
        """Zeros fill a gap, what overlaps earlier samples is dropped."""
        gap_end = int(min(position, self.stop))
        self._check_gap(gap_end - self._cursor)
        while self._cursor < gap_end:
            length = min(gap_end - self._cursor, self.rate)
            shape = (length,) if self._channel is not None else (length, columns.shape[1])
            zeros = np.zeros(shape, np.float32)
            self._cursor += len(zeros)
            yield zeros
        begin = self._cursor - position
        end = int(min(self.stop - position, len(columns)))
        if begin < end:
            columns = columns[begin:end]  # before them, a decoder that settles may give garbage
            _check_peak(self.path, columns)
            self._cursor = position + end
            if self._channel is None:
                yield to_float(columns)
                return
            mono = to_mono(columns, self._channel)
            if self._channel == MEAN and not self._is_heard:
                self._is_heard = float(np.abs(mono).max()) >= SILENT_PEAK
                self._is_lost = self._is_lost or is_cancelled(mono, columns)
            yield mono

    def _check_gap(self, gap: int) -> None:
        if gap > _LONGEST_GAP_SECS * self.rate:
            raise MediaError(
                f"{self.path}: its sound pauses for {gap / self.rate:.0f} s; its time stamps are "
                "broken, convert it anew or leave it out"
            )


def _are_alike(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether they can be joined: as many channels, of one format."""
    return some.shape[1] == others.shape[1] and some.dtype == others.dtype


def _check_peak(path: str, columns: np.ndarray) -> None:
    if columns.dtype.kind == "f" and columns.size:
        peak = float(np.abs(columns).max())  # NaN if any sample is
        if not peak <= HIGHEST_PEAK:
            raise MediaError(
                f"{path}: float samples reach {peak:g}, where full scale is 1; it is damaged or "
                "written in another scale, write it anew in [-1, 1]"
            )
