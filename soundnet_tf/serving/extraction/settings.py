"""Settings of extracting features; without TensorFlow."""

import os
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import identity, lists, storage
from soundnet_tf.models.settings import HEADS, check_layers, check_student
from soundnet_tf.serving.settings import (
    POOLINGS,
    SHORT_POLICIES,
    audio_stream_setting,
    channel_setting,
    check_recordings,
)
from soundnet_tf.settings import Settings, setting

SUFFIXES = (".npz", ".h5", ".parquet")


def check_path(path: str) -> None:
    """Refuses what `feature_file.write` cannot write.

    Raises:
        ValueError: another suffix than SUFFIXES.
        ImportError: a .parquet, but pyarrow is missing.
    """
    if os.path.splitext(path)[1] not in SUFFIXES:
        wanted = " or ".join(SUFFIXES)
        raise ValueError(f"{path}: features go into a file that ends in {wanted}")
    if os.path.splitext(path)[1] == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError(
                f"{path} needs pyarrow ({error}): pip install 'soundnet-tf[parquet]', or choose "
                "another form"
            ) from error


@dataclass(frozen=True)
class ExtractConfig(Settings):
    """What to extract from what, and whereto.

    Attributes:
        inputs: a folder, pattern, list or file (see `files.find.find_media`).
        out: the file of features, .npz, .h5 or .parquet (see `feature_file`).
        layer, pooling, model, channel, short: as of `embed`.
        audio_stream: as of `embed_file`.
        checksum: whether files that were heard before are known by their content.
    """

    inputs: str = setting(
        "Folder (searched to the bottom), quoted glob such as 'films/**/*.mp4', one sound or video "
        f"file, or text file with {lists.RULE}."
    )
    out: str = setting("File to write: .npz, .h5 or .parquet, local or in a bucket.")
    layer: str = setting("conv1 ... conv7, or objects, scenes: their probabilities.", "pool5")
    pooling: str = setting("Over a file's time.", POOLINGS[0], choices=POOLINGS)
    model: str = setting(
        "published, a folder of bin/export.py, RUN/best or RUN/last.", constants.PUBLISHED
    )
    channel: str = channel_setting()
    audio_stream: int | None = audio_stream_setting()
    short: str = setting(
        "Repeat too short sound, or add silence.", SHORT_POLICIES[0], choices=SHORT_POLICIES
    )

    checksum: bool = setting(identity.HELP, False)

    def __post_init__(self):
        super().__post_init__()
        check_path(self.out)

    def check_inputs(self) -> None:
        from soundnet_tf.serving.extraction import feature_file, parts

        super().check_inputs()
        check_recordings(self.inputs)
        check_student(self.model)
        check_layers([self.layer], self.model, HEADS)
        storage.check_folder(os.path.dirname(self.out))
        if not storage.is_remote(self.out) and storage.exists(self.out):
            about, _ = feature_file.read_about(self.out)
            parts.refuse_other(self.out, about, self.claims())

    def claims(self) -> dict[str, str]:
        """What shapes the embeddings, of these settings."""
        named = ("layer", "pooling", "channel", "short", "model")
        claimed = {name: getattr(self, name) for name in named}
        if self.audio_stream is not None:  # as in the files of before there was a choice
            claimed["audio_stream"] = str(self.audio_stream)
        return claimed
