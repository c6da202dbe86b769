"""Recordings in a prepared folder: the clips of its shards, with what teachers saw in them."""

import io
import os
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from PIL import Image

from soundnet_tf import constants
from soundnet_tf.data import cached, records, shard_reader
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.places import places_of
from soundnet_tf.data.settings import PCM16
from soundnet_tf.files import storage
from soundnet_tf.serving.listener import Listener
from soundnet_tf.visualization.recordings import FRAME_SHORT_SIDE, Excerpt, Names, Piece

_TOGETHER_SAMPLES = 16 * constants.CLIP_SAMPLES


class Shards:
    """Clips of a prepared folder; those of one video are one recording.

    A recording's names, by head, are the teacher's most probable class in the mean over all its
    pictures; they are whole when `heard` has given all. The clips of a video are in one shard, as
    `prepare` has them, so no more than a shard's posteriors are summed up at a time.

    Attributes:
        teachers: by head, who labelled all of the shards.
        names: labels, none if the folder has no posteriors.
        pieces: how many `heard` gives.
    """

    piece_name = "clip"

    def __init__(self, directory: str):
        """
        Raises:
            FileNotFoundError, ValueError: as of `load_manifest`, `places_of` and `teachers_of`.
        """
        manifest = load_manifest(directory)
        shards = [s for split in manifest.splits.values() for s in split.shards if s.clips]
        self._codec = manifest.settings.get("audio_codec", PCM16)
        self._paths = [os.path.join(directory, shard.name) for shard in shards]
        self.teachers = cached.teachers_of(directory, shards)
        self._places = places_of(directory, shards, progress=False)
        self._classes: dict[str, dict[str, int]] = {head: {} for head in self.teachers}
        self.pieces = sum(shard.clips for shard in shards)

    @property
    def names(self) -> Names:
        return {
            head: {video: self.teachers[head].labels[index] for video, index in classes.items()}
            for head, classes in self._classes.items()
        }

    def heard(self, ears: Listener, layer: str) -> Iterator[list[Piece]]:
        """Every clip once, some at a time, in the order of the shards.

        Raises:
            ValueError: a shard that is damaged.
        """
        together: list[tuple[int, dict]] = []
        samples, shard = 0, 0
        sums: dict[tuple[str, str], np.ndarray] = {}
        for number, clip in enumerate(shard_reader.each(self._paths, self._parse)):
            if self._places.shards[number] != shard:
                sums, shard = {}, self._places.shards[number]
            self._add_posteriors(clip, sums)
            together.append((number, clip))
            samples += clip[records.WAVEFORM].size
            if samples >= _TOGETHER_SAMPLES:
                yield _pieces(ears, layer, together)
                together, samples = [], 0
        if together:
            yield _pieces(ears, layer, together)

    def excerpt(self, recording: str, number: int, secs: float, width_secs: float) -> Excerpt:
        """The sound around a moment, as far as its clip has it, and the clip's frame at it: the
        last one that began by then, read from where its record lies."""
        clip = self.clip(number)
        waveform, clip_secs = clip[records.WAVEFORM].numpy(), float(clip[records.START_SECS])
        first = max(0, round((secs - clip_secs - width_secs / 2) * constants.SAMPLE_RATE))
        count = round(width_secs * constants.SAMPLE_RATE)
        excerpt = waveform[first : first + count]
        begun = np.flatnonzero(clip[records.FRAME_SECS].numpy() <= secs - clip_secs + 1e-3)
        frame = _small(clip[records.JPEGS][int(begun[-1])].numpy()) if begun.size else None
        return Excerpt(excerpt, clip_secs + first / constants.SAMPLE_RATE, frame)

    def clip(
        self, number: int, teachers: Mapping[str, cached.CachedTeacher] | None = None
    ) -> dict[str, tf.Tensor]:
        """A clip's record, from where it lies, with the posteriors of these teachers."""
        path = os.fsdecode(self._places.paths[self._places.shards[number]])
        with storage.open_file(path, "rb") as file:
            file.seek(int(self._places.offsets[number]))
            framed = file.read(int(self._places.lengths[number]))
        if not shard_reader.is_whole(framed):
            raise ValueError(shard_reader.damage(path, int(self._places.offsets[number])))
        end = len(framed) - shard_reader.FRAME_BYTES + shard_reader.HEADER_BYTES
        record = framed[shard_reader.HEADER_BYTES : end]
        return records.parse(tf.constant(record), teachers, self._codec)

    def _parse(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        clip = records.parse(serialized, self.teachers, self._codec)
        return {key: value for key, value in clip.items() if key != records.JPEGS}

    def _add_posteriors(self, clip: dict, sums: dict[tuple[str, str], np.ndarray]) -> None:
        video = clip[records.VIDEO_ID].decode()
        if not len(clip[records.FRAME_SECS]):
            return
        for head, classes in self._classes.items():
            seen = clip[records.posteriors_key(head)].sum(axis=0)
            sums[head, video] = sums.get((head, video), 0) + seen
            classes[video] = int(sums[head, video].argmax())


def _pieces(ears: Listener, layer: str, together: list[tuple[int, dict]]) -> list[Piece]:
    heard = ears.hear([clip[records.WAVEFORM] for _, clip in together], [layer])
    return [
        Piece(clip[records.VIDEO_ID].decode(), number, float(clip[records.START_SECS]), one)
        for (number, clip), one in zip(together, heard, strict=True)
    ]


def _small(jpeg: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = min(1.0, FRAME_SHORT_SIDE / min(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BOX))
