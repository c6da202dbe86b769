"""Settings that say which labelled set is meant; without TensorFlow."""

from dataclasses import dataclass

from soundnet_tf.files import storage
from soundnet_tf.settings import Settings, setting

CSV = "csv"
DATASETS = ("esc10", "esc50", "dcase", CSV)


def check_sounds(dataset: str, path: str) -> None:
    """Errors as of `esc_dcase.load`; of a remote set only whether its bucket answers."""
    from soundnet_tf.sounds import esc_dcase

    storage.check_bucket(path)
    if not storage.is_remote(path):
        esc_dcase.load(dataset, path)


def check_labels(dataset: str, path: str) -> None:
    """Errors as of `esc_dcase.load_labels`; of a remote set as `check_sounds`."""
    from soundnet_tf.sounds import esc_dcase

    storage.check_bucket(path)
    if not storage.is_remote(path):
        esc_dcase.load_labels(dataset, path)


@dataclass(frozen=True)
class SoundsConfig(Settings):
    """A labelled set: a CSV file, or a data set in the folder that its authors' archive makes.

    Attributes:
        manifest: CSV file, see `labelled_set.from_manifest`.
        dataset, data: instead of it, a name and a folder, see `esc_dcase.load`.
    """

    manifest: str | None = setting(
        "CSV file in UTF-8 with path,label,fold; relative paths are below its folder.", None
    )
    dataset: str | None = setting(
        "Instead of --manifest: a benchmark in --data.", None, choices=DATASETS[:-1]
    )
    data: str | None = setting("Folder of the benchmark, as its authors pack it.", None)

    def __post_init__(self):
        super().__post_init__()
        if (self.manifest is None) == (self.dataset is None):
            raise ValueError(
                "give either --manifest, a CSV file, or --dataset with its folder --data"
            )
        if (self.dataset is None) != (self.data is None):
            raise ValueError("--dataset and --data, its folder, go together")

    def check_inputs(self) -> None:
        super().check_inputs()
        check_sounds(self.kind, self.path)

    @property
    def kind(self) -> str:
        """One of DATASETS."""
        return self.dataset or CSV

    @property
    def path(self) -> str:
        """Of the manifest or the folder."""
        return self.data or self.manifest or ""  # one of them is given
