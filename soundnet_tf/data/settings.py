"""How clips become batches: the settings of `data.pipeline`."""

import dataclasses
import math

from soundnet_tf import constants

SHORT_POLICIES = ("loop", "mask")
TARGETS = ("online", "cached")


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """How clips become batches.

    Attributes:
        batch_size: clips a batch.
        crop_secs: of sound that the student hears at once.
        frame_every_secs: spacing of the frames, as the clips were prepared.
        short: clips shorter than the crop are padded with silence to whole `frame_every_secs` and
            looped with their frames ("loop", paper and released code), or padded with silence that
            does not count ("mask").
        random_crop: train on a random stretch of a longer clip; evaluation takes the first.
        gain_db: train with a random gain of up to this many dB up or down (never clipping).
        flip: train with frames mirrored left to right in half of the clips.
        shuffle_clips: size of the shuffle buffer of training, in clips of about 1 MB.
        seed: of all randomness.
        targets: "online", frames for teachers that look at them, or "cached", the posteriors that
            the source's clips hold.
    """

    batch_size: int = constants.BATCH_SIZE
    crop_secs: float = constants.CLIP_SECS
    frame_every_secs: float = constants.FRAME_EVERY_SECS
    short: str = "loop"
    random_crop: bool = True
    gain_db: float = 0.0
    flip: bool = False
    shuffle_clips: int = 256
    seed: int = 0
    targets: str = "online"

    def __post_init__(self):
        if self.short not in SHORT_POLICIES:
            raise ValueError(f"short={self.short!r} is unknown; choose one of {SHORT_POLICIES}")
        if self.targets not in TARGETS:
            raise ValueError(f"targets={self.targets!r} is unknown; choose one of {TARGETS}")
        if self.targets == "cached" and self.flip:
            raise ValueError(
                "cached targets are of frames as they are, flip mirrors frames: leave one out"
            )
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; it should be at least 1")
        if self.crop_secs < self.frame_every_secs:
            raise ValueError(
                f"a crop of {self.crop_secs} s may hold no frame when frames are "
                f"{self.frame_every_secs} s apart; prepare with a smaller frame_every"
            )

    @property
    def crop_samples(self) -> int:
        return round(self.crop_secs * constants.SAMPLE_RATE)

    @property
    def frames(self) -> int:
        """Frames a crop holds."""
        return math.ceil(self.crop_secs / self.frame_every_secs)
