"""Settings of a fine-tuning run; without TensorFlow."""

from dataclasses import dataclass

from soundnet_tf import constants
from soundnet_tf.files import identity, storage
from soundnet_tf.models.architecture import ARCHITECTURES
from soundnet_tf.models.settings import check_layers, check_student
from soundnet_tf.settings import Settings, setting
from soundnet_tf.sounds.labelled_set import check_test_fold
from soundnet_tf.sounds.settings import SoundsConfig
from soundnet_tf.training.settings import CONSTANT, COSINE

NONE, TRUNK, BALANCED = "none", "trunk", "balanced"


@dataclass(frozen=True)
class ChangesConfig(Settings):
    """How clips are changed in training beyond `FinetuneConfig.augment`; by default not at all.
    Networks of random weights need it: they learn the clips by heart.

    Attributes:
        crop_secs: train on stretches of this length, each beginning where its clip was shifted to;
            None for whole clips.
        resample_semitones: faster and higher, or slower and deeper, by up to this.
        polarity: half of the clips upside down.
        mix_share: of the clips, that are heard together with another one, see `training.mixing`.
    """

    crop_secs: float | None = setting(
        "Train on random stretches of this length; default: whole clips.",
        None,
        flag="crop_seconds",
        above=0,
    )
    resample_semitones: float = setting(
        "Train on clips that are faster or slower by up to so many semitones.",
        0.0,
        at_least=0,
        at_most=12,
    )
    polarity: bool = setting("Train with half of the clips upside down.", False)
    mix_share: float = setting(
        "Share of the clips that are mixed with another one, their labels too.",
        0.0,
        at_least=0,
        at_most=1,
    )


@dataclass(frozen=True)
class FinetuneConfig(Settings):
    """Everything that decides what a run learns, but its data.

    Attributes:
        model: where to start from, see `models.pretrained.load`; or "soundnet8" or "soundnet5" for
            random weights, to learn from the labels alone.
        test_fold: is tested on at the end and otherwise not looked at; None: the set's last one.
        val_share: of the other folds' clips, class by class, held out to tell when to stop; 0: none
            is, and all clips are learned for all epochs.
        layers: that the new head hears; none: see `classifier.DEFAULT_LAYERS`.
        freeze: "none", or "trunk" to train the head only. Batch norms of a trained network always
            stay as they are: statistics of a few short clips would be noise.
        learning_rate: of the head, at its highest.
        schedule: of the rate: "constant", or "cosine" down to 0 at the last of `epochs`.
        trunk_scale: the trunk's learning rate as a share of the head's.
        dropout: share of what the head hears that is left out at each step; for random weights 0.
        class_weights: "none", or "balanced" to give rare classes the weight of common ones.
        clip_secs: every recording is repeated or cut to this length.
        augment: train on clips that begin elsewhere and are louder or softer, see `augmentation`.
        changes: further ones.
        epochs: most passes over the training clips; all of them where none is held out.
        patience: stop after so many epochs without a lower loss on the held-out clips.
        batch_size: clips a step.
        seed: of the new head, the held-out clips, order, augmentation and dropout.
    """

    model: str = setting(
        "Start from: published, or a folder of bin/export.py, RUN/best or RUN/last; soundnet8 or "
        "soundnet5 for random weights.",
        constants.PUBLISHED,
    )
    test_fold: str | None = setting("Fold to test on; default: the last.", None)
    val_share: float = setting(
        "Share of the other folds' clips that is held out; 0: none, all epochs are run.",
        0.15,
        at_least=0,
        below=1,
    )
    layers: tuple[str, ...] = setting(
        "That the head hears; default: pool5,conv6 (5-layer: pool3,conv4).", ()
    )
    freeze: str = setting("trunk: train the new head only.", NONE, choices=(NONE, TRUNK))
    learning_rate: float = setting("Adam's learning rate of the head.", 1e-4, above=0)
    schedule: str = setting("Of the learning rate.", CONSTANT, choices=(CONSTANT, COSINE))
    trunk_scale: float = setting(
        "The trunk's learning rate as a share of the head's.", 1.0, at_least=0
    )
    dropout: float = setting(
        "Share of what the head hears that is left out at each step.", 0.5, at_least=0, below=1
    )
    class_weights: str = setting(
        "balanced: rare classes count like common ones.", NONE, choices=(NONE, BALANCED)
    )
    clip_secs: float = setting(
        "Recordings are repeated or cut to this length.", 5.0, flag="clip_seconds", above=0
    )
    augment: bool = setting("Train on clips that are shifted in time and change their gain.", True)
    changes: ChangesConfig = ChangesConfig()
    epochs: int = setting("Most passes over the training clips.", 80, at_least=1)
    patience: int = setting("Stop after so many epochs without improvement.", 12, at_least=1)
    batch_size: int = setting("Clips a step.", 16, at_least=1)
    seed: int = setting("Of all that is drawn.", 0)

    def __post_init__(self):
        super().__post_init__()
        crop_secs = self.changes.crop_secs
        if crop_secs and not self.augment:
            raise ValueError("crop_seconds needs augment, which chooses the stretch; leave one out")
        if crop_secs and crop_secs > self.clip_secs:
            raise ValueError(
                f"crops of {crop_secs} s do not fit clips of {self.clip_secs} s; give a smaller "
                "crop_seconds"
            )

    def check_inputs(self) -> None:
        super().check_inputs()
        if self.is_pretrained:
            check_student(self.model)
        check_layers(self.layers, self.model)

    @property
    def is_pretrained(self) -> bool:
        return self.model not in ARCHITECTURES


@dataclass(frozen=True)
class FinetuneRunConfig(Settings):
    """A run with its data and its folder."""

    sounds: SoundsConfig
    out: str = setting("Folder of the run.")
    checksum: bool = setting(identity.HELP, False)
    finetune: FinetuneConfig = FinetuneConfig()

    def check_inputs(self) -> None:
        from soundnet_tf.finetuning import folder
        from soundnet_tf.sounds import esc_dcase

        super().check_inputs()
        storage.check_folder(self.out)
        if not storage.is_remote(self.sounds.path):  # with all its recordings checked just now
            data = esc_dcase.load(self.sounds.kind, self.sounds.path)
            if self.finetune.test_fold:
                check_test_fold(data, self.finetune.test_fold)
            if not storage.is_remote(self.out):
                folder.check_folder(self.out, self.finetune, data)
