"""Settings of benchmarks; the defaults are those of the published figures."""

import os
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.data.settings import check_videos
from soundnet_tf.files import storage
from soundnet_tf.settings import Settings, setting

ALL = "all"
SUITES = ("forward", "step", "prepare", "pipeline", "cached", "board", "scaling")


@dataclass(frozen=True)
class BenchmarkConfig(Settings):
    """How much is measured.

    Attributes:
        rounds: how often each contestant runs; figures are medians.
        videos: folder, glob or list of videos for `prepare`; None: films that are made for it.
        work: folder for the films, shards and recordings that suites make; `run` makes one.
        batch_size, clip_secs: of what networks are given.
        film_secs: length of a film that is made.
        recording_minutes: length of the recording for `forward`.
        clips: of `prepare`, `pipeline`, `cached` and `board`: whole films and whole batches.
        scaling_clips: the N of `scaling`, whole films and whole batches.
        shared_batch_size: of the steps that workers share.
        scaling_hours: the shortest recording of `scaling`; the others are 2 and 4 times as long.
    """

    rounds: int = setting("How often each contestant runs.", 5, flag="repeats", at_least=1)
    videos: str | None = setting(
        "Folder, glob or list of videos for prepare, instead of those that are made.", None
    )
    work: str | None = None
    batch_size: int = 8
    clip_secs: float = constants.CLIP_SECS
    film_secs: float = 80.0
    recording_minutes: float = 20.0
    clips: int = 64
    scaling_clips: int = 32
    scaling_hours: float = 1.0
    shared_batch_size: int = 64


@dataclass(frozen=True)
class BenchmarkRunConfig(Settings):
    """Which suites are run, and the file of their figures."""

    out: str = setting("JSON file of the figures.")
    suite: str = setting("Which of the above, or all.", ALL, choices=(ALL, *SUITES))
    benchmark: BenchmarkConfig = BenchmarkConfig()

    def check_inputs(self) -> None:
        from benchmark import report

        super().check_inputs()
        if self.benchmark.videos is not None:
            check_videos(self.benchmark.videos)
        folder = os.path.dirname(self.out) or "."
        if not storage.is_remote(self.out):
            if not storage.is_folder(folder):
                raise FileNotFoundError(f"{self.out}: there is no folder {folder}; make it first")
            report.read(self.out)
