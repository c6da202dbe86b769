"""Settings of the stage that looks at videos before they are learned from; without TensorFlow."""

from dataclasses import dataclass

from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.settings import Cutting, Limits, PrepareConfig, check_videos
from soundnet_tf.files import storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.pages.settings import check_out
from soundnet_tf.settings import Settings, same_as, setting

PICTURE_RATE = 25  # pictures a second that are looked at; cuts and delays are seen to 0.04 s
HASH_EVERY = 12  # of these one is compared with other videos, about two a second


@dataclass(frozen=True)
class InspectConfig(Settings):
    """What is looked at, and from where on something is a finding.

    Attributes:
        videos, data: either files, as of `PrepareConfig`, or a folder that `prepare` wrote.
        out: local folder of the page and its tables.
        clip_secs, channel, audio_stream, video_stream: as of `Cutting`, of `videos`.
        val_fraction, workers: as of `PrepareConfig`.
        limits: as of `Cutting`.
        model: a student whose answers to the sound are compared with the posteriors in `data`; None
            leaves that out.
        still_levels, still_share: pictures that change by less than so many of 255 levels from one
            to the next (about half a second) stand still, and a clip with such a share of them.
        silent_dbfs, silent_share: windows of 20 ms below the level are silent, and a clip with such
            a share of them.
        clipped_share: of a clip's samples at full scale, from which on it is shown as clipped.
        picture_bits, sound_bits: in which hashes of 64 bits may differ and be of the same.
        copied_share: of the hashes of sound of the shorter of two videos that agree at one shift,
            from which on it is a copy; of its pictures twice as much.
        delay_peak: standard deviations by which the best shift of sound and picture stands out,
            from which on the delay is told.
    """

    out: str = setting("Local folder of the page, its tables and keep.csv.")
    videos: str | None = setting(
        "Folder, glob or list of videos (as of bin/prepare.py) to look at; or give --data.", None
    )
    data: str | None = same_as(SourceConfig, "data")
    clip_secs: float = same_as(Cutting, "clip_secs")
    channel: str = same_as(Cutting, "channel")
    audio_stream: int | None = same_as(Cutting, "audio_stream")
    video_stream: int | None = same_as(Cutting, "video_stream")
    val_fraction: float = same_as(PrepareConfig, "val_fraction")
    workers: int | None = same_as(PrepareConfig, "workers")
    limits: Limits = Limits()
    model: str | None = setting(
        "published or another student (as of bin/recognize.py), whose answers to the sound are "
        "compared with what teachers saw, of --data that is labelled; default: left out.",
        None,
    )
    still_levels: float = setting(
        "Change (mean difference of small grey pictures, of 255 levels) below which a picture "
        "stands still.",
        0.5,
        at_least=0,
    )
    still_share: float = setting("Of a clip, from which on it is still.", 0.7, above=0, at_most=1)
    silent_dbfs: float = setting("Level below which 20 ms are silent.", -60.0, at_most=0)
    silent_share: float = setting(
        "Of a clip, from which on it is silent.", 0.99, above=0, at_most=1
    )
    clipped_share: float = setting(
        "Of a clip's samples, from which on it is shown as clipped.", 0.001, above=0, at_most=1
    )
    picture_bits: int = setting(
        "Of 64 that may differ between pictures of a copy.", 7, at_least=0, at_most=11
    )
    sound_bits: int = setting(
        "Of 64 that may differ between sounds of a copy.", 7, at_least=0, at_most=11
    )
    copied_share: float = setting(
        "Of the sound of the shorter of two videos, from which on it is a copy; of the pictures "
        "twice as much.",
        0.25,
        above=0,
        at_most=1,
    )
    delay_peak: float = setting(
        "Standard deviations by which a delay of the sound must stand out to be told.",
        5.0,
        above=0,
    )

    def __post_init__(self):
        super().__post_init__()
        if (self.data is None) == (self.videos is None):
            raise ValueError(
                "give either --videos, a folder of videos, or --data, a prepared folder"
            )
        if self.model is not None and self.data is None:
            raise ValueError(
                f"model is {self.model}; it is compared with what teachers saw, so give --data, a "
                "folder that bin/prepare.py and bin/label.py wrote, or leave --model out"
            )
        check_out(self.out)

    def check_inputs(self) -> None:
        from soundnet_tf.data import manifest

        super().check_inputs()
        storage.check_folder(self.out)
        if self.videos is not None:
            check_videos(self.videos)
        elif self.data is not None:
            manifest.load_manifest(self.data)
        if self.model is not None:
            check_student(self.model)

    def cutting(self) -> Cutting:
        """How videos are read here: as `prepare` cuts them, with more pictures."""
        return Cutting(
            clip_secs=self.clip_secs,
            frame_every_secs=1 / PICTURE_RATE,
            channel=self.channel,
            audio_stream=self.audio_stream,
            video_stream=self.video_stream,
            limits=self.limits,
        )

    def of_rows(self) -> dict[str, str | int | float | None]:
        """What shapes the figures of clips; all else is decided when they are there."""
        names = "videos data clip_secs channel audio_stream video_stream still_levels silent_dbfs"
        return {name: getattr(self, name) for name in names.split()}
