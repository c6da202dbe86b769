"""Settings of the demonstration; without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.data.settings import check_teachers, check_videos
from soundnet_tf.files import storage
from soundnet_tf.models.settings import check_student
from soundnet_tf.settings import Setting, Settings, by_head, setting


@dataclass(frozen=True)
class DemoConfig(Settings):
    """What is shown on which videos.

    Attributes:
        videos: folder, glob or list of videos; None: two clips are fetched.
        out: folder of all that is made; what is there already is gone on with.
        teachers: head to a teacher's spec.
        epochs: passes over the clips.
        val_fraction: share of the videos that is held out.
    """

    videos: str | None = setting("Folder, glob or list of videos; default: fetched.", None)
    out: str = setting("Folder of all that is made; a second call goes on there.", "demo")
    teachers: Mapping[str, str] = by_head(
        objects=Setting(
            "Teacher of the objects head.", "pypi:efficientnet_lite0", "imagenet_teacher"
        ),
        scenes=Setting("Teacher of a scenes head, if any.", None, "places_teacher"),
    )
    epochs: int = setting("Passes over the clips.", 80, at_least=1)
    val_fraction: float = setting(
        "Share of your videos that is held out.", 0.2, at_least=0, below=1
    )

    def check_inputs(self) -> None:
        super().check_inputs()
        if self.videos is not None:
            check_videos(self.videos)
        check_teachers(self.teachers)
        check_student(constants.PUBLISHED)
        storage.check_folder(self.out)
