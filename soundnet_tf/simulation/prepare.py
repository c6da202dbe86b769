"""A set of labelled sounds becomes a prepared folder, which bin/train.py takes as it is.

Films have a frame a second, all of them the same grey; posteriors are a simulated teacher's.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence

import numpy as np

from soundnet_tf import constants
from soundnet_tf.data import folder
from soundnet_tf.data.clips import ClipRecord, Posteriors, jpeg
from soundnet_tf.data.codecs import pcm16
from soundnet_tf.data.videos import TRAIN, VAL, split_and_shard
from soundnet_tf.files.progress import Bar, progress_bar
from soundnet_tf.simulation import films, teachers
from soundnet_tf.simulation.films import Film
from soundnet_tf.sounds.labelled_set import LabelledSet

FRAME_EVERY_SECS = 1.0
SHARDS = {TRAIN: 8, VAL: 1}
_SEED = 0
_FRAMES = round(constants.CLIP_SECS / FRAME_EVERY_SECS)
_GREY = np.full((constants.FRAME_SHORT_SIDE, constants.FRAME_SHORT_SIDE, 3), 128, np.uint8)


def prepare(data: LabelledSet, teacher: str, out: str, progress: bool = True) -> None:
    """Writes the films of a set with a teacher's posteriors, unless they are there.

    The same recordings and teacher give the same bytes.

    Args:
        data: the recordings; the kinds of films are its classes.
        teacher: of `teachers`.
        out: local folder.
        progress: whether to show it on stderr.

    Raises:
        ValueError: a set of which the last fold, or all others, lack a class.
        MediaError: a recording that cannot be read.
    """
    settings = _settings(data, teacher)
    if folder.is_written(out, settings):
        return
    members: dict[str, list[Film]] = {
        f"{split}-{i:05d}-of-{count:05d}.tfrecord": []
        for split, count in SHARDS.items()
        for i in range(count)
    }
    found = films.joined(data, _SEED)
    for film in found:
        _, shard = split_and_shard(film.id, film.split == VAL, SHARDS)
        members[f"{film.split}-{shard:05d}-of-{SHARDS[film.split]:05d}.tfrecord"].append(film)
    with progress_bar(len(found), f"{teacher} teacher", "film", progress) as bar:
        clips = {n: _clips(m, teacher, len(data.classes), bar) for n, m in members.items()}
        said = teachers.cached(teacher, len(data.classes), _SEED)
        folder.write_folder(out, clips, settings, data.name, said)


def _settings(data: LabelledSet, teacher: str) -> dict:
    recordings = json.dumps([(clip.path, clip.label, clip.fold) for clip in data.clips])
    return {
        "clip_secs": constants.CLIP_SECS,
        "frame_every_secs": FRAME_EVERY_SECS,
        "sample_rate": constants.SAMPLE_RATE,
        "joins": films.JOINS[TRAIN],
        "recordings": hashlib.sha256(recordings.encode()).hexdigest(),
        **teachers.settings(teacher, len(data.classes), _SEED),
    }


def _clips(members: Sequence[Film], teacher: str, kinds: int, bar: Bar) -> Iterator[ClipRecord]:
    seers, named = teachers.make(teacher, kinds, _SEED), teachers.cached(teacher, kinds, _SEED)
    picture = jpeg(_GREY)
    for film in members:
        sound = films.read(film)
        posteriors = {
            head: Posteriors(
                named[head].name,
                named[head].fingerprint,
                seer.posteriors(film.kind, film.number, _FRAMES).astype(np.float16),
            )
            for head, seer in seers.items()
        }
        yield ClipRecord(
            id=f"{film.id}@0.000",
            video_id=film.id,
            start_secs=0.0,
            audio=pcm16(sound),
            sample_count=len(sound),
            jpegs=(picture,) * _FRAMES,
            frame_secs=tuple(k * FRAME_EVERY_SECS for k in range(_FRAMES)),
            posteriors=posteriors,
        )
        bar.update()
