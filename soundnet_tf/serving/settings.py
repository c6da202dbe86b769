"""Settings of what is done with a trained network; without TensorFlow."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import find, storage
from soundnet_tf.files.find import printable
from soundnet_tf.models.settings import check_student
from soundnet_tf.serving.file_names import unique_names
from soundnet_tf.settings import Settings, setting

POOLINGS = ("none", "mean", "max", "meanstd")
SHORT_POLICIES = ("loop", "pad")
TABLE, JSON, CSV = "table", "json", "csv"
AUDACITY, SRT, VTT = "audacity", "srt", "vtt"
LABEL_ENDINGS = {AUDACITY: ".txt", SRT: ".srt", VTT: ".vtt"}  # forms of one recording a file
SEGMENTS_TABLE = "segments.csv"


def channel_setting() -> str:
    """Which channel of the files is heard, as of `embed`."""
    return setting(
        "Of stereo (paper: first); the loudest where channels cancel out.",
        constants.CHANNELS[0],
        choices=constants.CHANNELS,
    )


def audio_stream_setting() -> int | None:
    """Which sound stream of the files is heard, as of `embed_file`."""
    return setting(
        "Sound stream of files that have several, from 0; default: the film's own by what the file "
        "says of them, else the largest.",
        None,
        at_least=0,
    )


def check_recordings(inputs: str) -> None:
    """Errors as of `find.find_media`; of remote files only whether their bucket answers."""
    storage.check_bucket(inputs)
    if not storage.is_remote(inputs):
        find.find_media(inputs)


@dataclass(frozen=True)
class RecognizeConfig(Settings):
    """What recordings are recognised by, and how it is printed.

    Attributes:
        model: see `models.pretrained.load`.
        top: classes of each head.
        format: see `recognition_report`, and `captions` of labels in files.
        out: a folder of labels in files.
        segments, segment_label: see `segments`.
        channel, short: as of `embed`.
        audio_stream: as of `embed_file`.
    """

    model: str = setting(
        "published, a folder of bin/export.py, RUN/best or RUN/last, or a .npy or .t7 file of "
        "released weights.",
        constants.PUBLISHED,
    )
    top: int = setting("Classes of each head.", 3, at_least=1)
    format: str = setting(
        "What to print: a table for people, json or csv for programs; or labels with begin and end "
        "for Audacity, or as subtitles (srt, vtt), of one recording a file.",
        TABLE,
        choices=(TABLE, JSON, CSV, *LABEL_ENDINGS),
    )
    out: str | None = setting(
        "Folder of the labels of audacity, srt and vtt, a file a recording, named after it; "
        "default: printed, of one recording.",
        None,
    )
    segments: str | None = setting(
        "New folder into which the moments of --segment_label are cut as WAV files, listed in its "
        f"{SEGMENTS_TABLE}.",
        None,
    )
    segment_label: str | None = setting(
        "Class of which moments are cut: those where it is among the --top of its head; a name, a "
        "synonym, or a pattern such as '*terrier*'.",
        None,
    )
    channel: str = channel_setting()
    audio_stream: int | None = audio_stream_setting()
    short: str = setting(
        "Repeat sound under 11 s, or put silence behind it.",
        SHORT_POLICIES[0],
        choices=SHORT_POLICIES,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.out and self.format not in LABEL_ENDINGS:
            raise ValueError(
                f"--out={self.out} is for --format={'|'.join(LABEL_ENDINGS)}; {self.format} is "
                "printed: send it to a file by > FILE"
            )
        if bool(self.segments) != bool(self.segment_label):
            raise ValueError(
                "--segments=DIR and --segment_label=NAME belong together: where to, and which "
                "class's moments"
            )

    def check_inputs(self, paths: Sequence[str] = ()) -> None:
        """Also refuses recordings of which none is there (else the others are recognised, and the
        stage tells which are missing), and what would be written over."""
        super().check_inputs()
        self._check_outputs(paths)
        check_student(self.model)
        if paths and not any(map(_may_be_a_file, paths)):
            if folder := next(filter(storage.is_folder, paths), None):
                raise ValueError(f"{folder}: is a folder; name the files in it")
            raise FileNotFoundError(f"no such media file: {', '.join(paths)}")

    def _check_outputs(self, paths: Sequence[str]) -> None:
        if self.format in LABEL_ENDINGS and not self.out and len({*paths}) > 1:
            raise ValueError(
                f"--format={self.format} is of one recording a file, {len({*paths})} were named; "
                "give --out=DIR for a file each, or name one"
            )
        if self.out:
            storage.check_folder(self.out)
            for file in label_files(self.format, self.out, paths).values():
                check_not_there(file)
        if self.segments:
            _check_new_folder(self.segments)


def label_files(form: str, folder: str, paths: Sequence[str]) -> dict[str, str]:
    """To each recording the file of its labels."""
    recordings = list(dict.fromkeys(paths))
    names = unique_names(recordings)
    return {
        path: os.path.join(folder, name + LABEL_ENDINGS[form])
        for path, name in zip(recordings, names, strict=True)
    }


def check_not_there(file: str) -> None:
    """FileExistsError if a file of labels, which would be written over, is there."""
    if storage.exists(file):
        raise FileExistsError(
            f"{printable(file)} is there already; give another --out, or remove it"
        )


def _check_new_folder(folder: str) -> None:
    if storage.is_remote(folder):
        raise ValueError(f"segments is {folder}; give a local folder, and copy it then")
    storage.check_folder(folder)
    if storage.is_folder(folder) and storage.list_folder(folder):
        raise FileExistsError(f"{folder} has files already; give a new folder, or remove them")


def _may_be_a_file(path: str) -> bool:
    if storage.is_remote(path):
        return True
    return storage.exists(path) and not storage.is_folder(path)
