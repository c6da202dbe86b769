"""From serialized clips to batches: crop, loop or pad, augment, decode, batch, prefetch.

One element spec, whatever the source (`data.sources`): every clip arrives as a serialized record,
so decoding on the fly and reading shards give the same batches. Batches are dicts:

    id          string  [batch]
    waveform    float32 [batch, crop_samples], mono, 22 050 Hz, in [-1, 1]
    lengths     int32   [batch], samples of sound; the rest is padding (only with short="mask")
    frames      uint8   [batch, frames, 256, 256, 3] RGB, the centre square
    frame_secs  float32 [batch, frames], times from the crop's start; 0 where invalid
    frame_mask  bool    [batch, frames], valid frames first
"""

import dataclasses
import math

import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data import records
from soundnet_tf.data.sources import Source, from_records, from_videos, order_seed

__all__ = ["PipelineConfig", "eval_batches", "from_records", "from_videos", "train_batches"]

SHORT_POLICIES = ("loop", "mask")


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

    def __post_init__(self):
        if self.short not in SHORT_POLICIES:
            raise ValueError(f"short={self.short!r} is unknown; choose one of {SHORT_POLICIES}")
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


def train_batches(source: Source, config: PipelineConfig, epochs: int, first_epoch: int = 0):
    """Batches of `epochs - first_epoch` epochs, one after the other, shuffled anew in each.

    The batches of an epoch depend on (seed, epoch) alone: a run that starts at `first_epoch` gets
    what an unbroken run gets from there on. An epoch has `count // batch_size` full batches.

    Raises:
        ValueError: fewer clips than one batch.
    """
    check_fills_a_batch(source, config)

    def one_epoch(epoch):
        # Of this function's graph only: the order is to depend on the arguments, not on the
        # program's global seed (and a global seed of 0 cannot be combined with a tensor).
        tf.random.set_seed(1)
        seed = tf.stack([tf.constant(config.seed, tf.int64), epoch])
        clips = source.read(seed).shuffle(
            config.shuffle_clips, seed=order_seed(seed), reshuffle_each_iteration=False
        )
        examples = clips.enumerate().map(
            lambda i, clip: _train_example(clip, config, _fold_in(seed, i)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return examples.batch(config.batch_size, drop_remainder=True)

    batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch)
    return _counted(batches, (epochs - first_epoch) * (source.count // config.batch_size))


def check_fills_a_batch(source: Source, config: PipelineConfig) -> None:
    """ValueError if the training clips are fewer than one batch."""
    if source.count < config.batch_size:
        raise ValueError(
            f"{source.count} training clips are fewer than a batch of {config.batch_size}; "
            f"set batch_size to at most {source.count}"
        )


def eval_batches(source: Source, config: PipelineConfig):
    """Every clip once, in the source's order, its first crop, nothing random; the last batch may
    be smaller."""
    examples = source.read(None).map(
        lambda clip: _eval_example(clip, config), num_parallel_calls=tf.data.AUTOTUNE
    )
    batches = examples.batch(config.batch_size)
    return _counted(batches, math.ceil(source.count / config.batch_size))


def _counted(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """Prefetched batches that tell Keras how many they are, and fail if that is not true."""
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _train_example(serialized, config: PipelineConfig, seed):
    crop_seed, gain_seed, flip_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    clip = _fit(records.parse(serialized), config)
    spare = tf.size(clip["waveform"]) - config.crop_samples
    start = tf.constant(0)
    if config.random_crop:
        start = tf.random.stateless_uniform([], crop_seed, 0, spare + 1, tf.int32)
    example = _decode_frames(_crop(clip, start, config), config)
    if config.gain_db:
        example["waveform"] = _random_gain(example["waveform"], config.gain_db, gain_seed)
    if config.flip:
        mirrored = tf.random.stateless_uniform([], flip_seed) < 0.5
        frames = example["frames"]
        example["frames"] = tf.where(mirrored, tf.reverse(frames, axis=[2]), frames)
    return example


def _eval_example(serialized, config: PipelineConfig):
    clip = _fit(records.parse(serialized), config)
    return _decode_frames(_crop(clip, tf.constant(0), config), config)


def _fit(clip, config: PipelineConfig):
    """Makes a clip at least as long as the crop, together with its frames; adds `length`."""
    samples = tf.size(clip["waveform"])
    if config.short == "mask":
        missing = tf.maximum(config.crop_samples - samples, 0)
        return clip | {
            "waveform": tf.pad(clip["waveform"], [[0, missing]]),
            "length": samples,
        }
    # Loop: the sound is padded to whole frame intervals first, so that frames keep their rhythm.
    interval = round(config.frame_every_secs * constants.SAMPLE_RATE)
    period = tf.cast(tf.math.ceil(samples / interval), tf.int32) * interval
    turns = tf.cast(tf.math.ceil(config.crop_samples / period), tf.int32)
    short = samples < config.crop_samples
    turns = tf.where(short, turns, 1)
    padding = tf.where(short, period - samples, 0)
    waveform = tf.tile(tf.pad(clip["waveform"], [[0, padding]]), [turns])
    period_secs = tf.cast(period, tf.float32) / constants.SAMPLE_RATE
    starts_secs = tf.range(tf.cast(turns, tf.float32)) * period_secs
    # Pictures that outlast the sound would come after the first ones of the next turn.
    within = tf.where(~short | (clip["frame_secs"] < period_secs))[:, 0]
    frame_secs = tf.gather(clip["frame_secs"], within)
    return clip | {
        "waveform": waveform,
        "length": tf.size(waveform),
        "frame_secs": tf.reshape(starts_secs[:, None] + frame_secs[None], [-1]),
        "jpegs": tf.tile(tf.gather(clip["jpegs"], within), [turns]),
    }


def _crop(clip, start, config: PipelineConfig):
    """Cuts sound and frames together: [start, start + crop) of both, times from the new start."""
    secs = clip["frame_secs"] - tf.cast(start, tf.float32) / constants.SAMPLE_RATE
    inside = tf.where((secs >= 0) & (secs < config.crop_secs))[: config.frames, 0]
    missing = config.frames - tf.size(inside)
    waveform = clip["waveform"][start : start + config.crop_samples]
    return {
        "id": clip["id"],
        "waveform": tf.ensure_shape(waveform, [config.crop_samples]),
        "lengths": tf.clip_by_value(clip["length"] - start, 0, config.crop_samples),
        "jpegs": tf.gather(clip["jpegs"], inside),
        "frame_secs": _padded(tf.gather(secs, inside), missing, config.frames),
        "frame_mask": _padded(tf.ones_like(inside, tf.bool), missing, config.frames),
    }


def _padded(values, missing, size: int):
    return tf.ensure_shape(tf.pad(values, [[0, missing]]), [size])


def _decode_frames(example, config: PipelineConfig):
    jpegs = example.pop("jpegs")
    spec = tf.TensorSpec([constants.FRAME_SHORT_SIDE, constants.FRAME_SHORT_SIDE, 3], tf.uint8)
    frames = tf.map_fn(_decode_square, jpegs, fn_output_signature=spec)
    missing = config.frames - tf.size(jpegs)
    frames = tf.pad(frames, [[0, missing], [0, 0], [0, 0], [0, 0]])
    return example | {"frames": tf.ensure_shape(frames, [config.frames, *spec.shape])}


def _decode_square(jpeg):
    # The exact inverse transform, so that frames are the same on every machine.
    frame = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize_with_crop_or_pad(
        frame, constants.FRAME_SHORT_SIDE, constants.FRAME_SHORT_SIDE
    )


def _random_gain(waveform, gain_db: float, seed):
    gain = tf.pow(10.0, tf.random.stateless_uniform([], seed, -gain_db, gain_db) / 20.0)
    loudest = tf.math.divide_no_nan(1.0, tf.reduce_max(tf.abs(waveform)))
    return waveform * tf.minimum(gain, tf.maximum(loudest, 1.0))


def _fold_in(seed, index):
    return tf.random.experimental.stateless_fold_in(seed, index)
