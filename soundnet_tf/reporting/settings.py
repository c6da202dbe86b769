"""Settings of the stage that writes a report; without TensorFlow."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.data.settings import check_teachers, teachers_by_head
from soundnet_tf.evaluation.settings import RESULTS_FILE
from soundnet_tf.files import atomic, storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.pages import charts
from soundnet_tf.pages.settings import check_out
from soundnet_tf.serving.export.settings import ExportConfig
from soundnet_tf.serving.settings import (
    RecognizeConfig,
    audio_stream_setting,
    channel_setting,
    check_recordings,
)
from soundnet_tf.settings import Settings, same_as, setting
from soundnet_tf.sounds.settings import CSV, check_labels
from soundnet_tf.training.claimed import RUN_FILE
from soundnet_tf.visualization.settings import RecordingsConfig


@dataclass(frozen=True)
class ReportConfig(Settings):
    """What a report is about, and what it shows.

    Attributes:
        out: local folder of the page.
        run: a training run, whose curves are shown and whose student is the network.
        which: of the run's students, as of `ExportConfig`.
        model: without a run, see `models.pretrained.load`; None: "published".
        inputs: recordings, as `files.find.find_media` takes them.
        labels, dataset: a labelled set of these recordings, as of `sounds.esc_dcase.load_labels`.
        evaluations: folders in which `evaluate` left its results.
        teachers: by head, who look at the videos among the recordings.
        recordings: how many have a timeline.
        units: how many are shown.
        channel, short: as of `embed`.
        audio_stream: as of `embed_file`.
    """

    out: str = setting("Local folder of the page, OUT/index.html.")
    run: str | None = setting("Folder that bin/train.py wrote, see --which.", None)
    which: str = same_as(ExportConfig, "which")
    model: str | None = setting(
        "Instead of --run: published (the default), a folder of bin/export.py, or a .npy or .t7 "
        "file of released weights.",
        None,
    )
    inputs: str | None = same_as(RecordingsConfig, "inputs")
    labels: str | None = setting(
        "Labels of --inputs, which name units and colour the map: a CSV file with path,label, "
        "or the folder of --dataset.",
        None,
    )
    dataset: str = same_as(RecordingsConfig, "dataset")
    evaluations: tuple[str, ...] = setting(
        "Folders that bin/evaluate.py wrote, with commas.", (), flag="evaluation"
    )
    teachers: Mapping[str, str] = teachers_by_head(
        "Whose answers to the videos' pictures stand beside the objects heard, as of bin/train.py.",
        "Whose answers to the videos' pictures stand beside the scenes heard, as of bin/train.py.",
    )
    recordings: int = setting(
        "Recordings that have a timeline; of more, so many spread evenly over their sorted names.",
        40,
        at_least=0,
    )
    units: int = setting("Units that are shown, the most surely named.", 12, at_least=1)
    channel: str = channel_setting()
    audio_stream: int | None = audio_stream_setting()
    short: str = same_as(RecognizeConfig, "short")

    def __post_init__(self):
        super().__post_init__()
        check_out(self.out)
        if self.run is not None and self.model is not None:
            raise ValueError(
                f"run is {self.run}, model is {self.model}; a report is about one network: give "
                "--run, or --model"
            )
        if self.inputs is None and (self.labels is not None or self.teachers):
            raise ValueError(
                "labels and teachers are of recordings; name these by --inputs, or leave the "
                "others out"
            )
        if self.dataset != CSV and self.labels is None:
            raise ValueError(f"dataset is {self.dataset}; name its folder by --labels")

    @property
    def source(self) -> str:
        """For `models.pretrained.load`."""
        if self.run is not None:
            return os.path.join(self.run, self.which)
        return constants.PUBLISHED if self.model is None else self.model

    def check_inputs(self) -> None:
        super().check_inputs()
        storage.check_folder(self.out)
        if self.run is not None:
            _check_file(self.run, RUN_FILE, "--run", "bin/train.py")
            self._check_saved(self.run)
        check_student(self.source)
        if self.run is not None:
            charts.bundle()  # ImportError now, not when all was heard
        for folder in self.evaluations:
            _check_file(folder, RESULTS_FILE, "--evaluation", "bin/evaluate.py")
        check_teachers(self.teachers)
        if self.labels is not None:
            check_labels(self.dataset, self.labels)
        if self.inputs is not None:
            check_recordings(self.inputs)

    def _check_saved(self, run: str) -> None:
        if "classes" in atomic.read_json(os.path.join(run, RUN_FILE)):
            raise ValueError(
                f"run {run} is one of bin/finetune.py; a report is about a run of bin/train.py, or "
                "the network of --model"
            )
        if not storage.exists(self.source):
            raise FileNotFoundError(
                f"run {run} has no {self.which} student (--which); a run saves last and best after "
                "its first epoch, best_probe if it has labelled sounds to probe with"
            )


def _check_file(folder: str, name: str, flag: str, command: str) -> None:
    if not storage.exists(os.path.join(folder, name)):
        raise FileNotFoundError(
            f"{flag}={folder} has no {name}; give a folder that {command} has written"
        )
