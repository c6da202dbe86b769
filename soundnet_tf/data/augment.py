"""Changes of sound that its pictures do not notice, in the graph, each drawn from a seed.

A network that hears a few hundred clips again and again learns them by heart: their level, their
microphone, their exact samples. What stays the same under these changes is more likely to be what
was seen.
"""

import math

import tensorflow as tf

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data.settings import AugmentConfig

LONGEST_MASK_SECS = 0.5
NOISE_RANGE_DB = 30.0  # from the loudest noise to what is as good as none
_TAPS = 65
_BANDS = 6
_LOWEST_HZ = 100.0


def augment(waveform: tf.Tensor, length: tf.Tensor, config: AugmentConfig, seed: tf.Tensor):
    """Filter, noise, time masks, polarity and gain, those that are asked for, in this order.
    (`resample` moves the pictures too, so that the pipeline calls it for itself.)

    Args:
        waveform: float32 [samples] in [-1, 1].
        length: int32 [], samples of sound; what follows is padding, which stays 0.
        config: how much.
        seed: int64 [2].

    Returns:
        float32 [samples]; a gain is held back where it would take the sound out of [-1, 1].
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    if config.filter_db:
        waveform = coloured(waveform, config.filter_db, seeds[0])
    if config.noise_db is not None:
        waveform = with_noise(waveform, config.noise_db, seeds[1], length)
    if config.filter_db or config.noise_db is not None:
        waveform = tf.where(tf.range(tf.size(waveform)) < length, waveform, 0.0)
    for i in range(config.time_masks):
        waveform = masked(waveform, _fold_in(seeds[2], i))
    if config.polarity:
        waveform *= tf.where(_uniform(seeds[3]) < 0.5, -1.0, 1.0)
    if config.gain_db:
        waveform = with_gain(waveform, config.gain_db, seeds[4])
    return waveform


def resampling_factor(semitones: float, seed: tf.Tensor) -> tf.Tensor:
    """float32 []: how much faster the sound is to run, evenly drawn among semitones up and down."""
    return tf.pow(2.0, _uniform(seed, -semitones, semitones) / 12.0)


def resample(waveform: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """A sound that runs `factor` times as fast, and is so much higher, as a tape would be.

    Between samples it is interpolated linearly, which dulls the highest tones a little: here that
    is one change more.

    Args:
        waveform: float32 [samples].
        factor: float32 [], above 0. What was heard at second t is heard at t / factor.

    Returns:
        float32 [1 + floor((samples - 1) / factor)], or as empty as it was.
    """
    samples = tf.size(waveform)
    wanted = (
        tf.cast(
            tf.math.floor(tf.cast(samples - 1, tf.float64) / tf.cast(factor, tf.float64)), tf.int32
        )
        + 1
    )
    places = tf.cast(tf.range(wanted), tf.float64) * tf.cast(factor, tf.float64)
    before = tf.minimum(tf.cast(places, tf.int32), samples - 1)
    after = tf.minimum(before + 1, samples - 1)
    share = tf.cast(places - tf.cast(before, tf.float64), tf.float32)
    return tf.gather(waveform, before) * (1 - share) + tf.gather(waveform, after) * share


def coloured(waveform: tf.Tensor, filter_db: float, seed: tf.Tensor) -> tf.Tensor:
    """A sound through another room or microphone: every octave or so louder or softer by up to
    `filter_db`, with linear phase, so that nothing moves in time."""
    gains_db = _uniform(seed, -filter_db, filter_db, [_BANDS])
    response = tf.pow(10.0, tf.linalg.matvec(_band_shares(), gains_db) / 20.0)
    taps = tf.roll(tf.signal.irfft(tf.cast(response, tf.complex64), [_TAPS]), _TAPS // 2, axis=0)
    taps *= tf.signal.hann_window(_TAPS + 2, periodic=False)[1:-1]
    heard = tf.nn.conv1d(waveform[None, :, None], taps[:, None, None], stride=1, padding="SAME")
    return heard[0, :, 0]


def _band_shares() -> tf.Tensor:
    """float32 [frequencies of the filter, bands]: linear interpolation over the logarithm of
    frequency."""
    hz = [max(_LOWEST_HZ, i * SAMPLE_RATE / _TAPS) for i in range(_TAPS // 2 + 1)]
    octaves = math.log2(SAMPLE_RATE / 2 / _LOWEST_HZ)
    places = [(_BANDS - 1) * math.log2(f / _LOWEST_HZ) / octaves for f in hz]
    return tf.constant([[max(0.0, 1 - abs(p - band)) for band in range(_BANDS)] for p in places])


def with_noise(
    waveform: tf.Tensor, noise_db: float, seed: tf.Tensor, length: tf.Tensor
) -> tf.Tensor:
    """A sound with white noise that is softer than it by `noise_db` to `noise_db` + NOISE_RANGE_DB,
    in the mean over its first `length` samples, behind which there is padding."""
    level_seed, noise_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    below_db = _uniform(level_seed, noise_db, noise_db + NOISE_RANGE_DB)
    level = tf.sqrt(tf.reduce_mean(tf.square(waveform[:length]))) * tf.pow(10.0, -below_db / 20.0)
    return waveform + level * tf.random.stateless_normal(tf.shape(waveform), noise_seed)


def masked(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A sound in which a stretch of up to LONGEST_MASK_SECS is silent."""
    secs, place = tf.unstack(_uniform(seed, 0.0, 1.0, [2]))
    samples = tf.size(waveform)
    width = tf.minimum(tf.cast(secs * LONGEST_MASK_SECS * SAMPLE_RATE, tf.int32), samples)
    start = tf.cast(place * tf.cast(samples - width, tf.float32), tf.int32)
    at = tf.range(samples)
    return tf.where((at >= start) & (at < start + width), 0.0, waveform)


def with_gain(waveform: tf.Tensor, gain_db: float, seed: tf.Tensor) -> tf.Tensor:
    """A sound that is louder or softer by up to `gain_db`, but no louder than [-1, 1] holds."""
    gain = tf.pow(10.0, _uniform(seed, -gain_db, gain_db) / 20.0)
    loudest = tf.math.divide_no_nan(1.0, tf.reduce_max(tf.abs(waveform)))
    return waveform * tf.minimum(gain, tf.maximum(loudest, 1.0))


def _uniform(seed, low: float = 0.0, high: float = 1.0, shape=()) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, low, high)


def _fold_in(seed: tf.Tensor, index: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, index)
