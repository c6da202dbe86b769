"""Embeddings of many files as arrays: which rows are whose, and what they were made of."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

_BLOCK_BYTES = 1 << 25

Block = tuple[np.ndarray, np.ndarray]
Blocks = Callable[[], Iterable[Block]]


@dataclass(frozen=True)
class Index:
    """What a file of features says of its rows.

    Attributes:
        names: ids of the files, in order.
        offsets: int64 [files + 1]; file i has the rows offsets[i] to offsets[i + 1].
        durations: float64 [files], seconds.
        skipped: id to reason of files that gave nothing.
        settings: how the embeddings were made.
        inputs: by id, of files that gave something or nothing, which content they had, as
            `Identity.as_text` says it; nothing of those of whom it was not noted.
    """

    names: list[str]
    offsets: np.ndarray
    durations: np.ndarray
    skipped: dict[str, str]
    settings: dict
    inputs: dict[str, str] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True)
class Features(Index):
    """A whole file of features.

    Attributes:
        embeddings: float32 [rows, channels].
        timestamps: float64 [rows], seconds; of a pooled row the middle of the sound.
    """

    embeddings: np.ndarray
    timestamps: np.ndarray

    def rows(self, file: int) -> Block:
        """Embeddings [rows, channels] and timestamps [rows] of `names[file]`."""
        own = slice(self.offsets[file], self.offsets[file + 1])
        return self.embeddings[own], self.timestamps[own]


def gathered(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same rows in blocks of 32 MB or more, but for the last."""
    held, held_bytes = [], 0
    for block in blocks:
        held.append(block)
        held_bytes += block[0].nbytes
        if held_bytes >= _BLOCK_BYTES:
            yield _joined(held)
            held, held_bytes = [], 0
    if held:
        yield _joined(held)


def _joined(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    embeddings, timestamps = zip(*blocks, strict=True)
    return np.concatenate(embeddings), np.concatenate(timestamps)
