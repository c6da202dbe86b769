"""Recordings in sound and video files: heard once through, then a few seconds of some of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from absl import logging

from soundnet_tf import constants
from soundnet_tf.files import find, storage
from soundnet_tf.media import MediaError, probe, read_audio, read_clip
from soundnet_tf.serving.extraction.many_files import hear_files
from soundnet_tf.serving.listener import Heard, Listener
from soundnet_tf.sounds.labelled_set import Labels
from soundnet_tf.visualization import peaks

FRAME_SHORT_SIDE = 128  # pixels of the pictures beside a moment
_SAME_MOMENT_SECS = 1e-3

# Of each kind of label ("label", "scenes") the names of recordings.
Names = Mapping[str, Mapping[str, str]]


class Piece(NamedTuple):
    """What was heard in a recording, or a clip of it; None where it cannot be read, and why.

    Attributes:
        recording: its id.
        number: which of its clips, for `excerpt`.
        start_secs: where the clip begins in the recording.
    """

    recording: str
    number: int
    start_secs: float
    heard: Heard | None
    reason: str = ""


class Excerpt(NamedTuple):
    """Some seconds around a moment.

    Attributes:
        waveform: float32 [samples], mono, at `constants.SAMPLE_RATE`.
        start_secs: where it begins in the recording.
        frame: uint8 [height, width, 3], what is on screen at the moment; None without pictures.
    """

    waveform: np.ndarray
    start_secs: float
    frame: np.ndarray | None


class Files:
    """Sound and video files.

    Attributes:
        paths, channel, audio_stream: as given.
        names: labels, as far as there are any.
        pieces: how many `heard` gives.
    """

    piece_name = "file"

    def __init__(
        self,
        paths: Mapping[str, str],
        labels: Labels | None = None,
        channel: str = constants.CHANNELS[0],
        audio_stream: int | None = None,
    ):
        """
        Args:
            paths: by ids, as of `files.find.find_media`.
            labels: of these files; those that it does not name have none.
            channel, audio_stream: as of `media.read_audio`.
        """
        self.paths = dict(paths)
        self.channel, self.audio_stream = channel, audio_stream
        self.names: Names = {"label": _labelled(paths, labels)} if labels else {}
        self.pieces = len(self.paths)

    def heard(self, ears: Listener, layer: str) -> Iterator[list[Piece]]:
        """Every file once, some at a time, in order; of long ones the steps that `peaks.thin`
        keeps."""
        options = (self.channel, "loop", self.audio_stream, peaks.thin)
        for files in hear_files(self.paths, ears, layer, *options):
            yield [Piece(file.name, 0, 0.0, file.heard, file.reason) for file in files]

    def excerpt(self, recording: str, number: int, secs: float, width_secs: float) -> Excerpt:
        """The sound around a moment and the frame at it, by a seek.

        Raises:
            MediaError, OSError: the file cannot be read any more.
        """
        path = self.paths[recording]
        start_secs = max(0.0, secs - width_secs / 2)
        wanted_secs = secs - start_secs  # a frame there; the one at the start is not looked at
        try:
            has_pictures = probe(path, self.audio_stream).width is not None
            if has_pictures:
                clip = read_clip(
                    path,
                    start_secs,
                    width_secs,
                    wanted_secs if wanted_secs > 0 else width_secs,
                    FRAME_SHORT_SIDE,
                    self.channel,
                    self.audio_stream,
                )
                shown = np.flatnonzero(np.abs(clip.frame_secs - wanted_secs) < _SAME_MOMENT_SECS)
                frame = clip.frames[shown[0]] if shown.size else None
                return Excerpt(clip.waveform, start_secs, frame)
        except MediaError as error:  # the pictures may be what is wrong, the sound was heard
            logging.debug("%s", error)
        options = (self.channel, constants.SAMPLE_RATE, self.audio_stream)
        return Excerpt(read_audio(path, start_secs, width_secs, *options), start_secs, None)


def of_labelled(labels: Labels) -> dict[str, str]:
    """Paths of a set's recordings by ids, which are the paths below their common folder."""
    paths = [clip.path for clip in labels.clips]
    folders = [path.split("/")[:-1] for path in paths]
    depth = next(
        (i for i, level in enumerate(zip(*folders, strict=False)) if len(set(level)) > 1),
        min(map(len, folders)),
    )
    named = {find.printable("/".join(path.split("/")[depth:])): path for path in paths}
    return dict(sorted(named.items()))


def _labelled(paths: Mapping[str, str], labels: Labels) -> dict[str, str]:
    """Labels by id, by whatever name a file goes.

    Raises:
        ValueError: none of the files has one.
    """
    known = {storage.real(clip.path): clip.label for clip in labels.clips}
    named = {id: known[real] for id, path in paths.items() if (real := storage.real(path)) in known}
    if not named:
        raise ValueError(
            f"{labels.name} labels none of these {len(paths)} recordings; name a set of the same "
            "files by --labels, or leave --inputs out"
        )
    return named
