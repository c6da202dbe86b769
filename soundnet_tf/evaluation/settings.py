"""Settings of an evaluation; without TensorFlow."""

import dataclasses
from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import identity, storage
from soundnet_tf.models.settings import HEADS, check_layers, check_student, teacher_spec
from soundnet_tf.settings import Settings, flag_of, setting
from soundnet_tf.sounds.settings import CSV, DATASETS, check_sounds

PAPER, MODERN, LINEAR = "paper", "modern", "linear"
MODALITIES = ("sound", "vision", "both")
ALL, HEADS_LAYER = "all", "conv8"
RESULTS_FILE = "results.json"
LAYERS = {  # that are probed, by the architecture's name
    "soundnet8": ("conv4", "conv5", "pool5", "conv6", "conv7"),
    "soundnet5": ("conv3", "pool3", "conv4"),
}

_LAYER, _MODALITIES_LAYER = "pool5", "conv7"  # of the probe; of modalities, as in the paper
_NOT_OF_MODALITIES = ("protocol", "input_scales", "baselines", "checksum")


@dataclass(frozen=True)
class EvaluateConfig(Settings):
    """What to evaluate, and how.

    Attributes:
        data: folder or manifest of the set, see `sounds.esc_dcase.load`.
        out: folder for results.json and pictures.
        dataset: "esc10", "esc50", "dcase" or "csv".
        model: "published", or what `models.pretrained.load` takes.
        layer: of the paper's and the linear protocol; "conv8" for all heads, "all" for the paper's
            table of layers, of the linear one without the heads. The modern
            one chooses its layers itself. None: see `chosen_layer`.
        protocol: "paper", "modern" or "linear".
        input_scales: what the sound is multiplied with, in turn; the first one's figures stand at
            the top of the results.
        baselines: whether to measure the floors too.
        checksum: whether recordings of an evaluation that is gone on with are known by content.
        modalities: of labelled videos, what a linear SVM is given: some of MODALITIES. None: the
            set is of sounds, and none of what follows is done.
        teacher: spec of the network that looks at the videos.
    """

    data: str = setting(
        "Folder of the data set, as its authors lay it out; or a CSV in UTF-8 with "
        "path,label,fold, whose relative paths are below its folder."
    )
    out: str = setting("Folder of results.json and pictures.")
    dataset: str = setting("What --data holds.", CSV, choices=DATASETS)
    model: str = setting(
        "published, a folder of bin/export.py, RUN/best or RUN/last, a .npy or .t7 file.",
        constants.PUBLISHED,
    )
    layer: str | None = setting(
        "conv1 … conv7, pool5, conv8 (both heads), or all for the paper's table; default: pool5, "
        "of modalities conv7 as in the paper. The modern protocol chooses its layers itself.",
        None,
    )
    protocol: str = setting("See above.", PAPER, choices=(PAPER, MODERN, LINEAR))
    input_scales: tuple[float, ...] = setting(
        "What sound is multiplied with, several with commas. 2 is what the released evaluation "
        "did.",
        (1.0, 2.0),
        flag="input_scale",
        above=0,
    )
    baselines: bool = setting("Measure the floors too.", True)
    checksum: bool = setting(identity.HELP, False)
    modalities: tuple[str, ...] | None = setting(
        "Of labelled videos: some of sound, vision, both, with commas.", None, choices=MODALITIES
    )
    teacher: str | None = setting("That looks at the videos, as of bin/train.py.", None)

    def __post_init__(self):
        super().__post_init__()
        if not self.input_scales:
            raise ValueError("input_scales (--input_scale) is empty; give one or more numbers")
        if self.modalities is not None:
            self._check_modalities()
        elif self.teacher:
            raise ValueError(f"--teacher={self.teacher} looks at videos; give --modalities too")

    def check_inputs(self) -> None:
        super().check_inputs()
        check_sounds(self.dataset, self.data)
        check_student(self.model)
        if self.modalities is None:
            check_layers([self.chosen_layer], self.model, (HEADS_LAYER, ALL))
        else:
            check_layers([self.chosen_layer], self.model, HEADS)
        if self.teacher:
            teacher_spec(self.teacher)
        storage.check_folder(self.out)

    def _check_modalities(self) -> None:
        if not self.modalities:
            raise ValueError(f"modalities is empty; choose some of {', '.join(MODALITIES)}")
        if self.dataset != CSV:
            raise ValueError(
                f"--dataset={self.dataset} has no videos; modalities need --dataset={CSV} with a "
                "manifest of videos as --data"
            )
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        if unfit := [n for n in _NOT_OF_MODALITIES if getattr(self, n) != defaults[n]]:
            named = " and ".join(f"--{flag_of(EvaluateConfig, name)}" for name in unfit)
            raise ValueError(f"{named} are not for --modalities; leave them out")
        if {"vision", "both"} & set(self.modalities) and not self.teacher:
            raise ValueError(
                f"modalities {', '.join(self.modalities)} need a teacher that looks at the "
                "videos; give its spec, such as keras:VGG16"
            )

    @property
    def chosen_layer(self) -> str:
        if self.layer is not None:
            return self.layer
        return _LAYER if self.modalities is None else _MODALITIES_LAYER
