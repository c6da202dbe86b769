"""How clips are changed in training, a batch at a time, each change drawn from (seed, step).

The changes of sound themselves are those that a network learns from video with (`data.augment`,
`training.mixing`); here a clip has no pictures, so it may also begin elsewhere.
"""

import math

import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data import augment
from soundnet_tf.data.batch_settings import AugmentConfig
from soundnet_tf.finetuning.settings import ChangesConfig
from soundnet_tf.training import mixing

GAIN_DB = 6.0

# Each is drawn from the same seed, but another distribution of it.
_GAIN, _CHANGES, _MIX = ([0, k << 40] for k in (1, 2, 3))


def shifted(batch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Lets every clip begin at a random moment, its beginning after its end, and changes its gain
    by up to GAIN_DB.

    Args:
        batch: float32 [clips, samples].
        seed: int64 [2], (seed, step).
    """
    clips, samples = tf.shape(batch)[0], tf.shape(batch)[1]
    shift = tf.random.stateless_uniform([clips, 1], seed, maxval=samples, dtype=tf.int32)[:, 0]

    def turned(clip_and_shift):  # clip by clip it is copied; one gather takes seven times as long
        clip, shift = clip_and_shift
        return tf.roll(clip, -shift, axis=0)

    batch = tf.map_fn(turned, (batch, shift), fn_output_signature=tf.float32)
    gain_db = tf.random.stateless_uniform([clips, 1], seed + _GAIN, -GAIN_DB, GAIN_DB)
    return batch * 10.0 ** (gain_db / 20.0)


def changed(batch: tf.Tensor, config: ChangesConfig, seed: tf.Tensor) -> tf.Tensor:
    """The beginning of every clip, at a speed and with a sign of its own.

    Args:
        batch: float32 [clips, samples].
        config: `crop_secs`, `resample_semitones` and `polarity`.
        seed: int64 [2].

    Returns:
        float32 [clips, crop samples]. What a faster clip lacks at its end is its beginning again.
    """
    samples = batch.shape[1]
    if config.crop_secs:
        samples = round(config.crop_secs * constants.SAMPLE_RATE)
    if not config.resample_semitones and not config.polarity:
        return batch[:, :samples]
    drawn = AugmentConfig(polarity=config.polarity, resample_semitones=config.resample_semitones)
    needed = math.ceil(samples * drawn.fastest) + 1

    def change(clip_and_seed):
        clip, seed = clip_and_seed
        speed_seed, sound_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        clip = tf.gather(clip, tf.range(needed) % tf.size(clip))
        factor = augment.resampling_factor(drawn.resample_semitones, speed_seed)
        clip = augment.resample(clip, factor)[:samples]
        return tf.ensure_shape(augment.augment(clip, samples, drawn, sound_seed), [samples])

    seeds = tf.random.experimental.stateless_split(seed + _CHANGES, tf.shape(batch)[0])
    return tf.map_fn(change, (batch, seeds), fn_output_signature=tf.float32)


def mixed(batch: tf.Tensor, targets: tf.Tensor, share: float, seed: tf.Tensor):
    """Some clips heard together with the next one of the batch, see `training.mixing`.

    Args:
        batch: float32 [clips, samples].
        targets: float32 [clips, classes], the share of each class.
        share: of the clips, on average.
        seed: int64 [2].

    Returns:
        Both, mixed.
    """
    is_there = tf.ones([tf.shape(batch)[0], 1], tf.bool)
    one_head = {"classes": (targets[:, None, :], is_there)}
    batch, found = mixing.mix(batch, one_head, share, seed + _MIX)
    return batch, found["classes"][0][:, 0]
