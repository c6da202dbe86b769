"""How much is measured; the defaults are those of the published figures."""

from dataclasses import dataclass

from soundnet_tf import constants


@dataclass(frozen=True)
class Settings:
    """What all suites share.

    Attributes:
        work: folder for the films, shards and recordings that suites make; `run` makes one.
        rounds: how often each contestant runs; figures are medians.
        videos: folder, glob or list of videos for `prepare`; None: films that are made for it.
        batch_size, clip_secs: of what networks are given.
        film_secs: length of a film that is made.
        recording_minutes: length of the recording for `forward`.
        clips: of `prepare`, `pipeline` and `cached`: whole films and whole batches.
        scaling_clips: the N of `scaling`, whole films and whole batches.
        scaling_hours: the shortest recording of `scaling`; the others are 2 and 4 times as long.
    """

    work: str | None = None
    rounds: int = 5
    videos: str | None = None
    batch_size: int = 8
    clip_secs: float = constants.CLIP_SECS
    film_secs: float = 80.0
    recording_minutes: float = 20.0
    clips: int = 64
    scaling_clips: int = 32
    scaling_hours: float = 1.0

    def __post_init__(self):
        if self.rounds < 1:
            raise ValueError(f"rounds is {self.rounds}; it should be at least 1")
