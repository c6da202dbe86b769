"""The flags of bin/train.py, and what they say together: where clips come from, what is learned."""

from absl import flags

from soundnet_tf.bin import teacher_flags

flags.adopt_module_key_flags(teacher_flags)
_DATA = flags.DEFINE_string("data", None, "Folder that bin/prepare.py wrote.")
_VIDEOS = flags.DEFINE_string(
    "videos", None, "Folder, glob or list of videos, decoded on the fly instead of --data."
)
_VAL_FRACTION = flags.DEFINE_float("val_fraction", 0.1, "Share of --videos that is held out.")
_CLIP = flags.DEFINE_float("clip_seconds", 20.0, "Length of the clips that --videos are cut into.")
_FRAME_EVERY = flags.DEFINE_float("frame_every", 5.0, "Seconds between the frames of --videos.")
_WORKERS = flags.DEFINE_integer("workers", None, "Processes that decode --videos; default: cores.")
_TARGETS = flags.DEFINE_enum(
    "targets",
    "online",
    ["online", "cached"],
    "online: the teachers look at the frames in every step; cached: what bin/label.py wrote into "
    "the shards, all of it or that of the teachers given.",
)
_ARCHITECTURE = flags.DEFINE_enum("model", "soundnet8", ["soundnet8", "soundnet5"], "The student.")
_INIT_FROM = flags.DEFINE_string(
    "init_from", None, "Start from these weights: published, or RUN/best or the like."
)
_FREEZE = flags.DEFINE_bool(
    "freeze_batch_norm", False, "Keep batch norms as they are; for few clips or small batches."
)
_BFLOAT16 = flags.DEFINE_bool("mixed_bfloat16", False, "Compute the student in bfloat16.")
_EPOCHS = flags.DEFINE_integer("epochs", 10, "Passes over the training clips.", lower_bound=1)
_STEPS = flags.DEFINE_integer(
    "steps", None, "Train for so many steps, rounded up to whole epochs, instead of --epochs."
)
_BATCH = flags.DEFINE_integer("batch_size", 64, "Clips a step (paper: 64).")
_CROP = flags.DEFINE_float("crop_seconds", 20.0, "Sound that the student hears at once.")
_SHORT = flags.DEFINE_enum("short", "loop", ["loop", "mask"], "What to do with shorter clips.")
_RANDOM_CROP = flags.DEFINE_bool("random_crop", True, "Train on random stretches of long clips.")
_GAIN = flags.DEFINE_float("gain_db", 0.0, "Train with a random gain of up to so many dB.")
_FLIP = flags.DEFINE_bool("flip", False, "Train with half of the frames mirrored.")
_SHUFFLE = flags.DEFINE_integer("shuffle_clips", 256, "Shuffle buffer, in clips of about 1 MB.")
_LOSS = flags.DEFINE_enum("loss", "kl", ["kl", "l2"], "What to minimise.")
_REDUCTION = flags.DEFINE_enum(
    "reduction", "mean", ["mean", "paper"], "Mean over steps, or as the released code weighed them."
)
_ALIGNMENT = flags.DEFINE_enum(
    "alignment", "time", ["time", "index"], "Pair frames with outputs by time, or as the paper did."
)
_TEMPERATURE = flags.DEFINE_float("temperature", 1.0, "Softens teacher and student.")
_OBJECTS_WEIGHT = flags.DEFINE_float("objects_weight", 1.0, "Weight of the objects head's loss.")
_SCENES_WEIGHT = flags.DEFINE_float("scenes_weight", 1.0, "Weight of the scenes head's loss.")
_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Adam's learning rate (paper: 1e-3).")
_SCHEDULE = flags.DEFINE_enum("schedule", "constant", ["constant", "cosine"], "Of that rate.")
_WARMUP = flags.DEFINE_integer("warmup_steps", 0, "Steps in which the rate rises from 0.")
_HEAD_WARMUP = flags.DEFINE_integer(
    "head_warmup_steps", 0, "Steps in which only the heads learn, for heads that start fresh."
)
_TRUNK_SCALE = flags.DEFINE_float("trunk_scale", 1.0, "The trunk's rate as a share of the heads'.")
_CLIP_NORM = flags.DEFINE_float("clip_norm", 0.0, "Longest gradient over all weights; 0: any.")
_EMA = flags.DEFINE_float("ema_momentum", 0.0, "Average the weights with this momentum; 0: don't.")
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, shuffling and augmentation.")


def as_text() -> str:
    """The flags that were given, as a flagfile."""
    own = flags.FLAGS.get_key_flags_for_module(__name__)
    return "".join(f"{flag.serialize()}\n" for flag in own if flag.present)


def sources():
    """Training and validation clips (`data.sources.Source`) of --data or --videos.

    Raises:
        ValueError: not exactly one of the two was given, or a split is empty.
        FileNotFoundError: there is nothing there.
    """
    from soundnet_tf.data import sources, videos
    from soundnet_tf.data.clips import Cutting

    if (_DATA.value is None) == (_VIDEOS.value is None):
        raise ValueError("give either --data, a prepared folder, or --videos, a folder of videos")
    if _DATA.value:
        return sources.from_prepared(_DATA.value)
    found = videos.find_videos(_VIDEOS.value)
    cutting = Cutting(_CLIP.value, _FRAME_EVERY.value)
    return sources.from_videos_split(found, _VAL_FRACTION.value, cutting, _WORKERS.value)


def config(frame_every_secs: float):
    """The `training.loop.TrainConfig` that the flags describe, for frames that far apart."""
    from soundnet_tf.data.pipeline import PipelineConfig
    from soundnet_tf.training.distiller import DistillConfig
    from soundnet_tf.training.loop import TrainConfig
    from soundnet_tf.training.optimizer import OptimizerConfig

    weights = {"objects": _OBJECTS_WEIGHT.value, "scenes": _SCENES_WEIGHT.value}
    return TrainConfig(
        teachers=teacher_flags.specs(),
        epochs=_EPOCHS.value,
        steps=_STEPS.value,
        architecture=_ARCHITECTURE.value,
        init_from=_INIT_FROM.value,
        freeze_batch_norm=_FREEZE.value,
        mixed_bfloat16=_BFLOAT16.value,
        seed=_SEED.value,
        pipeline=PipelineConfig(
            batch_size=_BATCH.value,
            crop_secs=_CROP.value,
            frame_every_secs=frame_every_secs,
            short=_SHORT.value,
            random_crop=_RANDOM_CROP.value,
            gain_db=_GAIN.value,
            flip=_FLIP.value,
            shuffle_clips=_SHUFFLE.value,
            seed=_SEED.value,
            targets=_TARGETS.value,
        ),
        distill=DistillConfig(
            loss=_LOSS.value,
            reduction=_REDUCTION.value,
            alignment=_ALIGNMENT.value,
            temperature=_TEMPERATURE.value,
            weights=weights,
            mask_sound=_SHORT.value == "mask",
        ),
        optimizer=OptimizerConfig(
            learning_rate=_RATE.value,
            schedule=_SCHEDULE.value,
            warmup_steps=_WARMUP.value,
            head_warmup_steps=_HEAD_WARMUP.value,
            trunk_scale=_TRUNK_SCALE.value,
            clip_norm=_CLIP_NORM.value,
            ema_momentum=_EMA.value,
        ),
    )
