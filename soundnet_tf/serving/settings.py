"""Settings of what is done with a trained network; without TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.settings import Settings, setting

POOLINGS = ("none", "mean", "max", "meanstd")
SHORT_POLICIES = ("loop", "pad")
TABLE, JSON, CSV = "table", "json", "csv"


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


@dataclass(frozen=True)
class RecognizeConfig(Settings):
    """What recordings are recognised by, and how it is printed.

    Attributes:
        model: see `models.pretrained.load`.
        top: classes of each head.
        format: see `recognition_report`.
        channel, short: as of `embed`.
        audio_stream: as of `embed_file`.
    """

    model: str = setting(
        "published, a folder of bin/export.py or RUN/best, or a .npy or .t7 file of released "
        "weights.",
        constants.PUBLISHED,
    )
    top: int = setting("Classes of each head.", 3, at_least=1)
    format: str = setting("What to print.", TABLE, choices=(TABLE, JSON, CSV))
    channel: str = channel_setting()
    audio_stream: int | None = audio_stream_setting()
    short: str = setting(
        "Repeat sound under 11 s, or put silence behind it.",
        SHORT_POLICIES[0],
        choices=SHORT_POLICIES,
    )

    def check_inputs(self, paths: Sequence[str] = ()) -> None:
        """Also refuses recordings of which none is there; else the others are recognised, and the
        stage tells which are missing."""
        super().check_inputs()
        check_student(self.model)
        if paths and not any(map(_may_be_a_file, paths)):
            if folder := next(filter(storage.is_folder, paths), None):
                raise ValueError(f"{folder}: is a folder; name the files in it")
            raise FileNotFoundError(f"no such media file: {', '.join(paths)}")


def _may_be_a_file(path: str) -> bool:
    if storage.is_remote(path):
        return True
    return storage.exists(path) and not storage.is_folder(path)
