"""Clips that a map places: files as a whole, or the clips of a prepared folder."""

import os
import pathlib
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from soundnet_tf import constants
from soundnet_tf.data import records
from soundnet_tf.evaluation import multimodal
from soundnet_tf.files import find, lists, storage, windows
from soundnet_tf.media import probe
from soundnet_tf.serving.extraction.many_files import hear_files
from soundnet_tf.serving.listener import Listener
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.visualization.prepared import Shards
from soundnet_tf.visualization.recordings import Excerpt, Files, Piece, of_labelled
from soundnet_tf.visualization.settings import MapConfig

LABELS = "their labels"


class MapSource(Protocol):
    """Clips of recordings; a clip is named by its recording and its number.

    Attributes:
        pieces: how many there are.
        labels: of recordings, as people gave them.
        labels_are: what kind of labels these are.
        posteriors_of: names of the teachers that have looked at all clips already.
    """

    pieces: int
    labels: Mapping[str, str]
    labels_are: str
    posteriors_of: tuple[str, ...]

    def heard(self, ears: Listener, layer: str) -> Iterator[list[Piece]]: ...

    def excerpt(self, recording: str, number: int, secs: float, width_secs: float) -> Excerpt: ...

    def squares(self, recording: str, number: int, count: int) -> np.ndarray | None: ...

    def posteriors(self, number: int) -> np.ndarray | None: ...

    def link(self, recording: str, folder: str) -> str | None: ...


class WholeFiles(Files):
    """Sound and video files, each of which is one clip."""

    posteriors_of: tuple[str, ...] = ()

    def __init__(
        self,
        paths: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
        labels_are: str = LABELS,
        channel: str = constants.CHANNELS[0],
        audio_stream: int | None = None,
    ):
        """
        Args:
            paths: by ids, as of `files.find.find_media`.
            labels: paths to labels; a file goes by any of its names.
            labels_are: what these are.
            channel, audio_stream: as of `media.read_audio`.

        Raises:
            ValueError: there are labels, but of none of these files.
        """
        super().__init__(paths, None, channel, audio_stream)
        self.labels_are = labels_are
        self.labels: dict[str, str] = {}
        if labels is not None:
            known = {storage.real(path): label for path, label in labels.items()}
            real = {id: storage.real(path) for id, path in paths.items()}
            self.labels = {id: known[file] for id, file in real.items() if file in known}
            if not self.labels:
                raise ValueError(
                    f"none of {len(paths)} recordings has a label; name labels of the same "
                    "files, or leave them out"
                )

    def heard(self, ears: Listener, layer: str) -> Iterator[list[Piece]]:
        """Every file once, some at a time, in order, with all its steps."""
        options = (self.channel, "loop", self.audio_stream)
        for files in hear_files(self.paths, ears, layer, *options):
            yield [Piece(file.name, 0, 0.0, file.heard, file.reason) for file in files]

    def squares(self, recording: str, number: int, count: int) -> np.ndarray | None:
        """The middle frames of `count` equal parts, uint8 [frames, side, side, 3]; None of a file
        without pictures.

        Raises:
            MediaError, OSError: they cannot be read.
        """
        path = self.paths[recording]
        if probe(path, self.audio_stream).width is None:
            return None
        return multimodal.squares(path, count)

    def posteriors(self, number: int) -> np.ndarray | None:
        """None: no teacher has looked at a file."""
        return None

    def link(self, recording: str, folder: str) -> str | None:
        """The file's address in a page of a local folder; None of what no browser can open there:
        members of tars, and remote files."""
        path = self.paths[recording]
        if storage.is_remote(path) or windows.member(path):
            return None
        relative = os.path.relpath(os.path.realpath(path), os.path.realpath(folder))
        return urllib.parse.quote(os.fsencode(pathlib.PurePath(relative).as_posix()))


class MapShards(Shards):
    """Clips of a prepared folder, each for itself."""

    labels_are = LABELS

    def __init__(self, directory: str):
        """Raises: as `Shards`."""
        super().__init__(directory)
        self.labels: dict[str, str] = {}
        self.posteriors_of = tuple(teacher.name for teacher in self.teachers.values())

    def squares(self, recording: str, number: int, count: int) -> np.ndarray | None:
        """As of `WholeFiles`, of the frames that the record has."""
        jpegs = self.clip(number)[records.JPEGS]
        if not len(jpegs):
            return None
        # The middles of equal parts; of fewer frames each once.
        chosen = np.unique(((np.arange(count) + 0.5) * len(jpegs) / count).astype(int))
        return np.stack([records.decode_square(jpegs[int(i)]).numpy() for i in chosen])

    def posteriors(self, number: int) -> np.ndarray | None:
        """float32 [classes of all heads], the mean over a clip's frames; None without frames."""
        clip = self.clip(number, self.teachers)
        if not len(clip[records.FRAME_SECS]):
            return None
        keys = map(records.posteriors_key, self.teachers)
        return np.concatenate([clip[key].numpy().mean(axis=0) for key in keys])

    def link(self, recording: str, folder: str) -> str | None:
        """None: no browser opens a shard."""
        return None


def open_source(config: MapConfig) -> MapSource:
    """What is to be placed.

    Raises:
        FileNotFoundError, ValueError: inputs or labels that cannot be read.
    """
    if config.data is not None:
        return MapShards(config.data)
    options = (config.channel, config.audio_stream)
    if config.labels is None:
        paths = find.find_media(config.inputs or "")
        if config.label_column is None:
            return WholeFiles(paths, None, LABELS, *options)
        named = lists.read_column(config.inputs or "", config.label_column)
        return WholeFiles(paths, named, f"their {config.label_column}", *options)
    known = esc_dcase.load_labels(config.dataset, config.labels)
    paths = find.find_media(config.inputs) if config.inputs else of_labelled(known)
    return WholeFiles(paths, {c.path: c.label for c in known.clips}, LABELS, *options)
