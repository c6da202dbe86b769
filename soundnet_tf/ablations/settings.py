"""Settings of what to reproduce of the paper's tables, and with what; without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.ablations import tables
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.settings import check_teachers, teachers_by_head
from soundnet_tf.files import identity, storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.settings import Settings, flag_of, setting
from soundnet_tf.sounds.labelled_set import check_test_fold
from soundnet_tf.sounds.settings import CSV, DATASETS, check_sounds

_UNTRAINED_KINDS = {"untrained", "published"}  # here, of `tables.LEARNING`


@dataclass(frozen=True)
class ReproduceConfig(Settings):
    """What to reproduce, and with what.

    Attributes:
        table: one of `tables.TABLES` or `tables.LEARNING`.
        out: local folder of the table and of all that is made for it.
        data: folder that bin/prepare.py wrote, to train on; of scaling and recipe bin/label.py too.
        sounds: of simulated, what its films are made of, see `simulated.sounds`.
        eval_data: the labelled set, see `sounds.esc_dcase.load`.
        dataset: its kind.
        teachers: head to a teacher's spec; of modalities the one of "objects" looks at the videos.
        seeds: each trains every row once.
        folds: of rows that learn from labels, those that are tested on; none for all.
        steps, batch_size: instead of the flagfiles'.
        only: the rows to train; none for all. Others are shown if they are finished.
        model: of the tables for which nothing is trained, see `models.pretrained.load`; of the
            others it stands beside the floors.
        videos_manifest: labelled videos for modalities, see `sounds.labelled_set.from_manifest`.
        checksum: whether the recordings of finished runs are known by their content.
    """

    table: str = setting("Which.", choices=(*tables.TABLES, *tables.LEARNING))
    out: str = setting("Folder of the table and its runs.")
    data: str | None = setting("Folder that bin/prepare.py wrote, to train on.", None)
    sounds: str | None = setting(
        "For simulated: ESC-50's folder, of which the 40 classes that ESC-10 does not have are "
        "taken, or a CSV of other sounds with path,label,fold.",
        None,
    )
    eval_data: str | None = setting("The labelled set, as --data of bin/evaluate.py.", None)
    dataset: str = setting("What --eval_data holds.", "esc50", choices=DATASETS)
    teachers: Mapping[str, str] = teachers_by_head(
        objects="Teacher of objects, as of bin/train.py; watches --videos_manifest.",
        scenes="Teacher of scenes, as of bin/train.py.",
    )
    seeds: tuple[int, ...] = setting("Train each row with each of these, with commas.", (0,))
    folds: tuple[str, ...] = setting(
        "Of rows that learn from labels: folds to test on, with commas; default: all.", ()
    )
    steps: int | None = setting(
        "Instead of the flagfiles', for every network alike: "
        f"{constants.TRAINING_STEPS} of the paper's tables.",
        None,
        at_least=1,
    )
    batch_size: int | None = setting(
        f"Instead of the flagfiles': {constants.BATCH_SIZE} of the paper's tables.",
        None,
        at_least=1,
    )
    only: tuple[str, ...] = setting("Rows to train, with commas; default: all.", ())
    model: str = setting(
        "Of layers and modalities, and beside others; as of bin/evaluate.py.", constants.PUBLISHED
    )
    videos_manifest: str | None = setting(
        "For modalities: CSV of videos with path,label,fold, as --data of bin/evaluate.py.", None
    )

    checksum: bool = setting(identity.HELP, False)

    def __post_init__(self):
        super().__post_init__()
        if self.only and not (self.is_trained or self.table in tables.LEARNING):
            raise ValueError(f"one run gives all rows of table {self.table}; leave out only")
        names = [*tables.names(self.table)]
        if unknown := set(self.only) - set(names):
            raise ValueError(f"only has {sorted(unknown)}; table {self.table} trains {names}")
        missing = [name for name, value in self._needed().items() if not value]
        if missing:
            raise ValueError(f"table {self.table} needs {' and '.join(missing)}; give it too")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}; give one or more, each once")
        if self.folds and not self._learns_from_labels:
            raise ValueError(
                f"folds {','.join(self.folds)}: no wanted row of table {self.table} learns from "
                "labels, and the SVM of the others is tested on all folds; leave out folds"
            )
        if len(set(self.folds)) < len(self.folds):
            raise ValueError(f"folds {','.join(self.folds)}; give each once")

    def check_inputs(self) -> None:
        super().check_inputs()
        needed = self._needed()
        storage.check_folder(self.out)
        if self.table not in tables.LEARNING or self.model != constants.PUBLISHED:
            check_student(self.model)
        if self.folds and self.eval_data and not storage.is_remote(self.eval_data):
            from soundnet_tf.sounds import esc_dcase

            data = esc_dcase.load(self.dataset, self.eval_data)
            for fold in self.folds:
                check_test_fold(data, fold)
        if self.data is not None and "data" in needed:
            SourceConfig(self.data).check_inputs()
            if self.table in tables.LEARNING and not storage.is_remote(self.data):
                _check_labelled(self.data)
        if self.sounds is not None and "sounds" in needed:
            check_sounds(CSV if self.sounds.endswith(".csv") else "esc50", self.sounds)
        if self.eval_data is not None and "eval_data" in needed:
            check_sounds(self.dataset, self.eval_data)
        if self.videos_manifest is not None and "videos_manifest" in needed:
            check_sounds(CSV, self.videos_manifest)
        check_teachers({h: s for h, s in self.teachers.items() if teacher_flag(h) in needed})

    @property
    def is_trained(self) -> bool:
        return self.table in tables.TRAINED

    @property
    def _wanted(self) -> list[tables.Row]:
        return [row for row in tables.TABLES[self.table] if self.is_wanted(row.name)]

    @property
    def _learns_from_labels(self) -> bool:
        return self.is_trained and any(not row.heads for row in self._wanted)

    def is_wanted(self, name: str) -> bool:
        """Whether to run a row, or a kind of rows."""
        return not self.only or name in self.only

    def _needed(self) -> dict:
        if self.table == "modalities":
            needed, heads = {"videos_manifest": self.videos_manifest}, {"objects"}
        elif self.table == "layers":
            needed, heads = {"eval_data": self.eval_data}, set()
        elif self.table in tables.LEARNING:
            needed, heads = {"eval_data": self.eval_data}, set()
            trained = set(tables.LEARNING[self.table]) - _UNTRAINED_KINDS
            if any(self.is_wanted(name) for name in trained):
                source = "sounds" if self.table == "simulated" else "data"
                needed |= {source: getattr(self, source)}
        else:
            heads = {head for row in self._wanted for head in row.heads}
            needed = {"eval_data": self.eval_data} | ({"data": self.data} if heads else {})
        return needed | {teacher_flag(head): self.teachers.get(head) for head in sorted(heads)}


def _check_labelled(data: str) -> None:
    """ValueError if the clips of a prepared folder are not there to learn from and to hold out, or
    teachers have not labelled them."""
    from soundnet_tf.data import cached, manifest

    known = manifest.load_manifest(data)
    if problem := manifest.no_clips(known):
        raise ValueError(problem)
    shards = [shard for split in known.splits.values() for shard in split.shards]
    if not cached.teachers_of(data, shards):
        raise ValueError(
            f"{data}: not all clips have posteriors of one teacher; write them into the shards "
            "with bin/label.py first"
        )


def teacher_flag(head: str) -> str:
    """Here and in bin/train.py."""
    return flag_of(ReproduceConfig, "teachers", head)
