"""Settings of what feeds training: where clips come from, how their sound is changed, how they
become batches; without TensorFlow."""

import math
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.data.settings import VAL_FRACTION, Cutting, check_videos
from soundnet_tf.settings import Settings, setting

ONLINE, CACHED, AUTO = "online", "cached", "auto"
LOOP, MASK = "loop", "mask"


@dataclass(frozen=True)
class SourceConfig(Settings):
    """Where the clips of training come from: either `data` or `videos`.

    Attributes:
        data: folder that `prepare` wrote.
        videos: a folder, a pattern or a list, decoded on the fly.
        val_fraction, cutting, workers: of `videos`, as of `PrepareConfig`.
    """

    data: str | None = setting("Folder that bin/prepare.py wrote.", None)
    videos: str | None = setting(
        "Folder, glob or list of videos (as of bin/prepare.py), decoded on the fly instead of "
        "--data.",
        None,
    )
    val_fraction: float = setting(
        "Share of --videos that is held out.", VAL_FRACTION, at_least=0, below=1
    )
    cutting: Cutting = Cutting()
    workers: int | None = setting(
        "Processes that decode --videos; default: cores.", None, at_least=1
    )

    def __post_init__(self):
        super().__post_init__()
        if (self.data is None) == (self.videos is None):
            raise ValueError(
                "give either --data, a prepared folder, or --videos, a folder of videos"
            )

    def check_inputs(self) -> None:
        from soundnet_tf.data import manifest

        super().check_inputs()
        if self.videos is not None:
            check_videos(self.videos)
        if self.data is not None and (
            problem := manifest.no_clips(manifest.load_manifest(self.data))
        ):
            raise ValueError(problem)


@dataclass(frozen=True)
class AugmentConfig(Settings):
    """How the sound of training is changed, each time it is heard; see `augment`.

    Attributes:
        gain_db: louder or softer by up to this (never clipping).
        polarity: half of the clips upside down.
        resample_semitones: faster and higher, or slower and deeper, by up to this. The pictures'
            times follow.
        filter_db: each band of frequencies louder or softer by up to this.
        noise_db: white noise, softer than the sound by this at least; None for none.
        time_masks: so many stretches of up to half a second are silent.
    """

    gain_db: float = setting("Train with a random gain of up to so many dB.", 0.0, at_least=0)
    polarity: bool = setting("Train with half of the sounds upside down.", False)
    resample_semitones: float = setting(
        "Train on sound that is faster or slower by up to so many semitones, its frames too.",
        0.0,
        at_least=0,
        at_most=12,
    )
    filter_db: float = setting(
        "Train with bands of frequencies that are louder or softer by up to so many dB.",
        0.0,
        at_least=0,
    )
    noise_db: float | None = setting(
        "Train with noise that is softer than the sound by so many dB or more.", None
    )
    time_masks: int = setting("Train with so many silent stretches a clip.", 0, at_least=0)

    @property
    def fastest(self) -> float:
        """Seconds of a clip that are heard in one second, at most."""
        return 2 ** (self.resample_semitones / 12)


@dataclass(frozen=True)
class PipelineConfig(Settings):
    """How clips become batches.

    Attributes:
        batch_size: clips a batch.
        crop_secs: of sound that the student hears at once.
        short: clips shorter than the crop are padded with silence to whole frame intervals and
            looped with their frames ("loop", paper and released code), or padded with silence that
            does not count ("mask").
        random_crop: train on a random stretch of a longer clip; evaluation takes the first.
        augment: how sound is changed.
        flip: train with frames mirrored left to right in half of the clips.
        targets: "online", frames for teachers that look at them; "cached", the posteriors that the
            source's clips hold; "auto", cached where all clips hold them. Batches are made of one
            of the first two: `training.targets` decides.
    """

    batch_size: int = setting("Clips a step (paper: 64).", constants.BATCH_SIZE, at_least=1)
    crop_secs: float = setting(
        "Sound that the student hears at once.", constants.CLIP_SECS, flag="crop_seconds", above=0
    )
    short: str = setting("What to do with shorter clips.", LOOP, choices=(LOOP, MASK))
    random_crop: bool = setting("Train on random stretches of long clips.", True)
    augment: AugmentConfig = AugmentConfig()
    flip: bool = setting("Train with half of the frames mirrored.", False)
    targets: str = setting(
        "online: the teachers look at the frames in every step; cached: what bin/label.py wrote "
        "into the shards, all of it or that of the teachers given; auto: cached where it did.",
        AUTO,
        choices=(AUTO, ONLINE, CACHED),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.targets == CACHED and self.flip:
            raise ValueError(
                "cached targets are of frames as they are, flip mirrors frames: leave one out"
            )

    @property
    def crop_samples(self) -> int:
        return round(self.crop_secs * constants.SAMPLE_RATE)

    def frames(self, frame_every_secs: float) -> int:
        """Frames that a crop holds at most, of clips with one each so many seconds.

        Raises:
            ValueError: a crop may hold none.
        """
        if self.crop_secs < frame_every_secs:
            raise ValueError(
                f"a crop of {self.crop_secs} s may hold no frame when frames are "
                f"{frame_every_secs} s apart; prepare with a smaller frame_every"
            )
        return math.ceil(self.crop_secs * self.augment.fastest / frame_every_secs)
