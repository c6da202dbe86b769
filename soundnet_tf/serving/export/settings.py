"""Settings of an export; without TensorFlow."""

import os
from dataclasses import dataclass

from soundnet_tf.files import storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.settings import Settings, setting

PAGE = "page"  # a file; the others are folders
FORMATS = ("savedmodel", "keras", "litert", PAGE)
WEBDATASET = "webdataset"  # of clips, not of a student
BEST, LAST, BEST_PROBE = "best", "last", "best_probe"


@dataclass(frozen=True)
class ExportConfig(Settings):
    """What to export, as what, and whereto; one of `run`, `weights` and `data`.

    Attributes:
        out: folder to write; of PAGE alone the file.
        run: folder of a training run, of which `which` is taken.
        weights: what `models.pretrained.load` takes.
        which: "last"; "best", by the held-out KL, which on few videos is reached before the layers
            are worth most; or "best_probe", of a run with labelled sounds to probe with.
        data: folder of clips that `prepare` wrote, see `data.webdataset`.
        formats: some of FORMATS, see `export.run`; of `data` WEBDATASET alone.
    """

    out: str = setting("Folder to write; with --format=page the .html file.")
    run: str | None = setting("Folder that bin/train.py wrote.", None)
    weights: str | None = setting(
        "Instead of --run: published, a .npy or .t7 file of the released forms, or a folder that "
        "bin/export.py wrote.",
        None,
    )
    data: str | None = setting(
        "Instead of --run: clips that bin/prepare.py wrote, with --format=webdataset.", None
    )
    which: str = setting("Which student of the run.", LAST, choices=(LAST, BEST, BEST_PROBE))
    formats: tuple[str, ...] = setting(
        "savedmodel, keras, litert, page (one HTML file that hears), or several with commas, which "
        "go into --out each under its name; of --data webdataset.",
        FORMATS[:1],
        flag="format",
        choices=(*FORMATS, WEBDATASET),
    )

    def __post_init__(self):
        super().__post_init__()
        if sum(given is not None for given in (self.run, self.weights, self.data)) != 1:
            raise ValueError(
                "give either --run, a folder of bin/train.py, or --weights, or --data, a folder of "
                "bin/prepare.py"
            )
        if (self.data is not None or WEBDATASET in self.formats) and not (
            self.data is not None and self.formats == (WEBDATASET,)
        ):
            raise ValueError(
                f"formats (--format) is {','.join(self.formats)}, data (--data) is {self.data}; "
                f"clips are exported as {WEBDATASET} and nothing else is: give both --data=SHARDS "
                f"and --format={WEBDATASET}, or neither"
            )
        if not self.formats:
            raise ValueError(f"formats (--format) is empty; choose some of {', '.join(FORMATS)}")
        if self.is_page and not self.out.endswith(".html"):
            raise ValueError(
                f"out (--out) is {self.out}; a page is a file that ends with .html, by which "
                "browsers know it"
            )

    def check_inputs(self) -> None:
        super().check_inputs()
        if self.data is None:
            check_student(self.source)
        else:
            from soundnet_tf.data.settings import check_prepared

            check_prepared(self.data)
        storage.check_folder(os.path.dirname(self.out) if self.is_page else self.out)
        if self.is_page and not storage.is_remote(self.out) and storage.is_folder(self.out):
            raise IsADirectoryError(f"{self.out} is a folder; a page is a file, name another one")

    @property
    def is_page(self) -> bool:
        """Whether `out` is the page itself."""
        return self.formats == (PAGE,)

    @property
    def source(self) -> str:
        """For `models.pretrained.load`."""
        return self.weights or os.path.join(self.run or "", self.which)  # one of them is given
