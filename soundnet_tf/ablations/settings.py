"""What to reproduce of the paper's tables, and with what."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from soundnet_tf.ablations import tables
from soundnet_tf.ablations.tables import Row

TEACHER_FLAGS = {"objects": "imagenet_teacher", "scenes": "places_teacher"}


@dataclass(frozen=True)
class ReproduceConfig:
    """What to reproduce, and with what.

    Attributes:
        table: one of `tables.TABLES`.
        out: local folder of the table and of all that is made for it.
        data: folder that bin/prepare.py wrote, to train on.
        eval_data: the labelled set, see `sounds.esc_dcase.load`.
        dataset: its kind.
        teachers: head to a teacher's spec; of modalities the one of "objects" looks at the videos.
        seeds: each trains every row once.
        steps, batch_size: instead of the flagfiles'.
        only: the rows to train; none for all. Others are shown if they are finished.
        model: of the tables for which nothing is trained, see `models.pretrained.load`; of the
            others it stands beside the floors.
        videos_manifest: labelled videos for modalities, see `sounds.labelled_set.from_manifest`.
    """

    table: str
    out: str
    data: str | None = None
    eval_data: str | None = None
    dataset: str = "esc50"
    teachers: Mapping[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    steps: int | None = None
    batch_size: int | None = None
    only: tuple[str, ...] = ()
    model: str = "published"
    videos_manifest: str | None = None

    def __post_init__(self):
        if self.table not in tables.TABLES:
            raise ValueError(f"table {self.table!r} is unknown; choose one of {[*tables.TABLES]}")
        if self.only and not self.is_trained:
            raise ValueError(f"one run gives all rows of table {self.table}; leave out only")
        names = [row.name for row in tables.TABLES[self.table]]
        if unknown := set(self.only) - set(names):
            raise ValueError(f"only has {sorted(unknown)}; table {self.table} trains {names}")
        missing = [name for name, value in self._needed().items() if not value]
        if missing:
            raise ValueError(f"table {self.table} needs {' and '.join(missing)}; give it too")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}; give one or more, each once")

    @property
    def is_trained(self) -> bool:
        return self.table in tables.TRAINED

    def is_wanted(self, row: Row) -> bool:
        return not self.only or row.name in self.only

    def _needed(self) -> dict:
        if self.table == "modalities":
            needed, heads = {"videos_manifest": self.videos_manifest}, {"objects"}
        elif self.table == "layers":
            needed, heads = {"eval_data": self.eval_data}, set()
        else:
            wanted = [row for row in tables.TABLES[self.table] if self.is_wanted(row)]
            heads = {head for row in wanted for head in row.heads}
            needed = {"eval_data": self.eval_data} | ({"data": self.data} if heads else {})
        return needed | {TEACHER_FLAGS[h]: self.teachers.get(h) for h in sorted(heads)}
