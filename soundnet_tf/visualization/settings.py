"""Settings of the pictures of a trained network; without TensorFlow."""

import importlib.util
import os
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.files import lists, storage
from soundnet_tf.models.settings import HEADS, check_layers, check_student, teacher_spec
from soundnet_tf.pages.settings import check_out
from soundnet_tf.serving.settings import audio_stream_setting, channel_setting, check_recordings
from soundnet_tf.settings import Settings, same_as, setting
from soundnet_tf.sounds.settings import CSV, DATASETS, check_labels

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
ALL = "all"


def model_setting() -> str:
    """Whose inside is shown, as of `models.pretrained.load`."""
    return setting(
        "published, a folder of bin/export.py, RUN/best or RUN/last, or a .npy or .t7 file of "
        "released weights.",
        constants.PUBLISHED,
    )


@dataclass(frozen=True)
class FiltersConfig(Settings):
    """Of which network the filters are drawn, and whereto.

    Attributes:
        model: see `models.pretrained.load`.
        out: local file, of a kind in PICTURE_SUFFIXES.
    """

    out: str = setting("Local picture to write: .png, .svg or .pdf.")
    model: str = model_setting()

    def __post_init__(self):
        super().__post_init__()
        if os.path.splitext(self.out)[1] not in PICTURE_SUFFIXES or storage.is_remote(self.out):
            wanted = " or ".join(PICTURE_SUFFIXES)
            raise ValueError(f"out is {self.out}; give a local file that ends in {wanted}")

    def check_inputs(self) -> None:
        super().check_inputs()
        check_student(self.model)
        storage.check_folder(os.path.dirname(self.out))


@dataclass(frozen=True)
class RecordingsConfig(Settings):
    """Which recordings a network hears, and where a page of them is written.

    Attributes:
        out: local folder of the page and its tables.
        inputs: recordings, as `files.find.find_media` takes them.
        labels: a labelled set, whose recordings are heard if `inputs` names none.
        dataset: what `labels` is, one of `sounds.settings.DATASETS`.
        data: instead of both, a prepared folder.
        model: see `models.pretrained.load`.
        channel, audio_stream: as of `embed_file`; not of `data`, whose sound is cut already.
    """

    out: str = setting("Local folder of the page and its tables.")
    inputs: str | None = setting(
        "Recordings: a folder (searched to the bottom), quoted glob, one sound or video file, or "
        f"text file with {lists.RULE}.",
        None,
    )
    labels: str | None = setting(
        "Labels of the recordings: a CSV file with path,label, or the folder of --dataset. "
        "Without --inputs its recordings are heard.",
        None,
    )
    dataset: str = setting("What --labels is.", CSV, choices=DATASETS)
    data: str | None = same_as(SourceConfig, "data")
    model: str = model_setting()
    channel: str = channel_setting()
    audio_stream: int | None = audio_stream_setting()

    def __post_init__(self):
        super().__post_init__()
        if (self.data is None) == (self.inputs is None and self.labels is None):
            raise ValueError(
                "give either recordings, by --inputs or --labels or both, or --data, a prepared "
                "folder"
            )
        if self.dataset != CSV and self.labels is None:
            raise ValueError(f"dataset is {self.dataset}; name its folder by --labels")
        check_out(self.out)

    def check_inputs(self) -> None:
        from soundnet_tf.data import manifest

        super().check_inputs()
        storage.check_folder(self.out)
        if self.data is not None:
            manifest.load_manifest(self.data)
        if self.labels is not None:
            check_labels(self.dataset, self.labels)
        if self.inputs is not None:
            check_recordings(self.inputs)
        check_student(self.model)


@dataclass(frozen=True)
class UnitsConfig(RecordingsConfig):
    """Of which units it is asked what excites them, among which recordings. Labels, or the
    posteriors of a prepared folder, name what a unit's moments share.

    Attributes:
        layer: of the trunk, such as "conv7".
        units: numbers from 0, or "all".
        top: moments that are kept of each unit, each of another recording.
        shown: units that the page shows.
    """

    layer: str = setting("conv1 ... conv7, pool1 ... pool5.", "conv7")
    units: tuple[str, ...] = setting("Numbers from 0, such as 3,17, or all.", (ALL,))
    top: int = setting("Moments of each unit, each of another recording.", 10, at_least=1)
    shown: int = setting("Units that the page shows, the most surely named.", 40, at_least=0)

    def __post_init__(self):
        super().__post_init__()
        self.numbers()

    def numbers(self) -> tuple[int, ...] | None:
        """The units that are wanted, each once, rising; None for all.

        Raises:
            ValueError: not numbers from 0, or none.
        """
        if self.units == (ALL,):
            return None
        if not self.units or not all(unit.strip().isdecimal() for unit in self.units):
            raise ValueError(
                f"units is {','.join(self.units)}; give numbers from 0, such as 3,17, or {ALL}"
            )
        return tuple(sorted({int(unit) for unit in self.units}))

    def check_inputs(self) -> None:
        super().check_inputs()
        check_layers([self.layer], self.model)


@dataclass(frozen=True)
class MapConfig(RecordingsConfig):
    """Which recordings a map places, by what, and what is written of it.

    Attributes:
        label_column: a column of the table `inputs` that labels its files.
        layer: an endpoint, whose mean over time is a clip's features.
        teacher: spec of a network that looks at the clips' pictures.
        playable: clips whose sound the page holds.
        atlas: whether to write the table for other tools.
    """

    label_column: str | None = setting(
        "Of a table as --inputs (.csv or .parquet with a column path): its column of labels.", None
    )
    layer: str = setting("Whose mean over time is a clip's features.", "pool5")
    teacher: str | None = setting(
        "A second map, of what this network sees in the clips' pictures, as of bin/train.py. "
        "Without it, of --data that bin/label.py labelled: of its posteriors.",
        None,
    )
    playable: int = setting(
        "Clips whose sound and picture the page holds, some 90 kB each; the others are linked.",
        500,
        at_least=0,
    )
    atlas: bool = setting(
        "Write atlas.parquet too, for Embedding Atlas and Renumics Spotlight "
        "(soundnet-tf[parquet]).",
        True,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.label_column is not None and (self.inputs is None or self.labels is not None):
            raise ValueError(
                f"label_column is {self.label_column!r}, which is of a table; name that by "
                "--inputs, and leave --labels out"
            )

    def check_inputs(self) -> None:
        super().check_inputs()
        check_layers([self.layer], self.model, HEADS)
        if self.label_column is not None and self.inputs and not storage.is_remote(self.inputs):
            lists.read_column(self.inputs, self.label_column)
        if self.teacher:
            teacher_spec(self.teacher)
        if self.atlas and importlib.util.find_spec("pyarrow") is None:
            raise ImportError(
                "atlas.parquet needs pyarrow: pip install 'soundnet-tf[parquet]', or leave the "
                "file out by --noatlas"
            )
