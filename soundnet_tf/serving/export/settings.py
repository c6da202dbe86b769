"""Settings of an export; without TensorFlow."""

import os
from dataclasses import dataclass

from soundnet_tf.files import storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.settings import Settings, setting

FORMATS = ("savedmodel", "keras", "litert")
BEST, LAST, BEST_PROBE = "best", "last", "best_probe"


@dataclass(frozen=True)
class ExportConfig(Settings):
    """What to export, as what, and whereto; either `run` or `weights`.

    Attributes:
        out: folder to write.
        run: folder of a training run, of which `which` is taken.
        weights: what `models.pretrained.load` takes.
        which: "last"; "best", by the held-out KL, which on few videos is reached before the layers
            are worth most; or "best_probe", of a run with labelled sounds to probe with.
        formats: some of FORMATS, see `export.run`.
    """

    out: str = setting("Folder to write.")
    run: str | None = setting("Folder that bin/train.py wrote.", None)
    weights: str | None = setting(
        "Instead of --run: published, a .npy or .t7 file of the released forms, or a folder that "
        "bin/export.py wrote.",
        None,
    )
    which: str = setting("Which student of the run.", LAST, choices=(LAST, BEST, BEST_PROBE))
    formats: tuple[str, ...] = setting(
        "savedmodel, keras, litert, or several with commas, which go into subfolders of --out.",
        FORMATS[:1],
        flag="format",
        choices=FORMATS,
    )

    def __post_init__(self):
        super().__post_init__()
        if (self.run is None) == (self.weights is None):
            raise ValueError("give either --run, a folder of bin/train.py, or --weights")
        if not self.formats:
            raise ValueError(f"formats (--format) is empty; choose some of {', '.join(FORMATS)}")

    def check_inputs(self) -> None:
        super().check_inputs()
        check_student(self.source)
        storage.check_folder(self.out)

    @property
    def source(self) -> str:
        """For `models.pretrained.load`."""
        return self.weights or os.path.join(self.run or "", self.which)  # one of them is given
