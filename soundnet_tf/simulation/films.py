"""Films of labelled sounds: recordings of a kind, joined, and which split each is in.

Four recordings of 5 s make a film of 20 s, and every recording is in JOINS films of the training
split, each time beside others. The last fold of the set is the validation split: no recording is in
both, nor, as ESC-50's folds were made, two cuts of one source.
"""

from dataclasses import dataclass

import numpy as np

from soundnet_tf import constants
from soundnet_tf.data.videos import TRAIN, VAL
from soundnet_tf.media import read_audio
from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet

RECORDING_SECS = 5.0
JOINED = round(constants.CLIP_SECS / RECORDING_SECS)
JOINS = {TRAIN: 4, VAL: 1}


@dataclass(frozen=True)
class Film:
    """Recordings of one kind.

    Attributes:
        id: tells the kind.
        split: "train" or "val".
        kind: index of the class.
        number: its own, among the films of all kinds.
        recordings: in their order.
    """

    id: str
    split: str
    kind: int
    number: int
    recordings: tuple[LabelledClip, ...]


def joined(data: LabelledSet, seed: int = 0) -> tuple[Film, ...]:
    """Which recordings make which film, kind by kind.

    Recordings that are left over at the end of a round are joined with those of its beginning.

    Args:
        data: the recordings.
        seed: of who stands beside whom.

    Raises:
        ValueError: a class without recordings in the last fold, or outside of it.
    """
    found: list[Film] = []
    for kind, name in enumerate(data.classes):
        members = [clip for clip in data.clips if clip.label == name]
        held_out = [clip for clip in members if clip.fold == data.folds[-1]]
        learned = [clip for clip in members if clip.fold != data.folds[-1]]
        if not held_out or not learned:
            where = "in" if learned else "outside of"
            raise ValueError(
                f"{data.name} has no recording of {name} {where} fold {data.folds[-1]}, the last "
                "one, which is held out; give some"
            )
        for split, clips in ((TRAIN, learned), (VAL, held_out)):
            rng = np.random.default_rng((seed, kind, len(split)))
            for join in range(JOINS[split]):
                order = rng.permutation(len(clips))
                for start in range(0, len(clips), JOINED):
                    chosen = np.take(order, range(start, start + JOINED), mode="wrap")
                    id = f"{name}/{split}-{join}-{start // JOINED}"
                    recordings = tuple(clips[i] for i in chosen)
                    found.append(Film(id, split, kind, len(found), recordings))
    return tuple(found)


def read(film: Film) -> np.ndarray:
    """The sound, float32 [441 000] in [-1, 1]: each recording repeated and cut to 5 s.

    Raises:
        MediaError: a recording that cannot be read.
    """
    samples = round(RECORDING_SECS * constants.SAMPLE_RATE)
    return np.concatenate([np.resize(read_audio(c.path), samples) for c in film.recordings])
