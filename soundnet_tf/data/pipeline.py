"""From serialized clips to batches: crop, loop or pad, augment, decode, batch, prefetch.

One element spec, whatever the source (`data.sources`): every clip arrives as a serialized record,
so decoding on the fly and reading shards give the same batches. Batches are dicts:

    id          string  [batch]
    video       string  [batch], of whose clips it is one
    waveform    float32 [batch, crop_samples], mono, 22 050 Hz, in [-1, 1]
    lengths     int32   [batch], samples of sound; the rest is padding (only with short="mask")
    frames      uint8   [batch, frames, 256, 256, 3] RGB, the centre square
    frame_secs  float32 [batch, frames], times from the crop's start; 0 where invalid
    frame_mask  bool    [batch, frames], valid frames first

With targets="cached" no picture is decoded; in place of `frames` there is for each head

    posteriors/<head>  float32 [batch, frames, classes], what its teacher saw; 0 where invalid
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.data import augment, order, records
from soundnet_tf.data.batch_settings import CACHED, MASK, PipelineConfig
from soundnet_tf.data.order import ALL, Share
from soundnet_tf.data.sources import Source


def train_batches(
    source: Source,
    config: PipelineConfig,
    steps: int,
    seed: int = 0,
    first_step: int = 0,
    share: Share = ALL,
    replicas: int = 1,
):
    """The batches of steps `first_step` to `steps` of a run, in orders that the seed decides.

    They depend on (seed, step) alone, see `order`: a run that starts at `first_step` gets what an
    unbroken run gets from there on, and what several shares get are the parts of what one would.
    For a share that several replicas divide, each step's part comes as so many batches.

    Raises:
        ValueError: fewer clips than one batch or a batch that cannot be shared, cached targets of
            clips without posteriors, or a crop that may hold no frame.
    """
    check_fit(source, config, share, replicas)
    teachers = _cached_teachers(source, config)
    batch_size, count = config.batch_size, source.count
    first, end = first_step * batch_size, steps * batch_size

    def one_pass(number):
        numbers = order.of_pass(count, seed, number)
        places = order.places(number, count, first, batch_size, share)
        clips = source.read(tf.gather(numbers, places % count), True)
        return tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(places), clips))

    def example(place, clip):
        return _train_example(clip, source, config, teachers, order.pair(seed, place))

    passes = tf.data.Dataset.range(first // count, -(-end // count))
    examples = passes.flat_map(one_pass).map(example, num_parallel_calls=tf.data.AUTOTUNE)
    batches = examples.batch(share.of(batch_size) // replicas, drop_remainder=True)
    count = (steps - first_step) * replicas
    return _counted(batches.take(count), count)


def check_fit(
    source: Source, config: PipelineConfig, share: Share = ALL, replicas: int = 1
) -> None:
    """ValueError if the training clips are fewer than one batch, if a batch cannot be divided among
    all shares and the replicas of each, or if a crop may hold no frame."""
    config.frames(source.frame_every_secs)
    if source.count < config.batch_size:
        raise ValueError(
            f"{source.count} training clips are fewer than a batch of {config.batch_size}; "
            f"set batch_size to at most {source.count}"
        )
    if share.of(config.batch_size) % replicas:
        raise ValueError(
            f"a batch of {config.batch_size} cannot be divided among {share.count} x {replicas} "
            f"devices; make it a multiple of {share.count * replicas}"
        )


def eval_batches(
    source: Source, config: PipelineConfig, share: Share = ALL, at_most: int | None = None
):
    """Every clip once, or the first so many, in the source's order, its first crop, nothing random;
    the last batch may be smaller. Several shares take clips by turns.

    Raises:
        ValueError: cached targets of clips without posteriors, or a crop that may hold no frame.
    """
    teachers = _cached_teachers(source, config)
    count = source.count if at_most is None else min(source.count, at_most)
    numbers = np.arange(share.index, count, share.count)
    examples = source.read(tf.constant(numbers, tf.int64), False).map(
        lambda clip: _eval_example(clip, source, config, teachers),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    size = share.of(config.batch_size)
    return _counted(examples.batch(size), math.ceil(len(numbers) / size))


def looked_at(source: Source, config: PipelineConfig, numbers: Sequence[int]) -> tf.data.Dataset:
    """Some clips for people to look at, one by one: examples as those of `eval_batches` hold them,
    and `jpegs`, string [valid frames], the frames at their `frame_secs` as they are, whatever the
    targets are.

    Args:
        numbers: of the clips, from 0.

    Raises:
        ValueError: as `eval_batches`.
    """
    teachers = _cached_teachers(source, config)
    return source.read(tf.constant(numbers, tf.int64), False).map(
        lambda clip: _eval_example(clip, source, config, teachers, with_jpegs=True),
        num_parallel_calls=2,
    )


def _cached_teachers(source: Source, config: PipelineConfig):
    """Whose posteriors are to be read, by head; of none if frames are."""
    if config.targets != CACHED:
        return {}
    if not source.teachers:
        raise ValueError(
            "not all clips have posteriors of one teacher: write them into the shards with "
            "bin/label.py (videos have to be prepared for that)"
        )
    return source.teachers


def _counted(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """Prefetched batches that tell Keras how many they are, and fail if that is not true."""
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _train_example(serialized, source: Source, config: PipelineConfig, teachers, seed):
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    crop_seed, sound_seed, flip_seed, speed_seed = seeds
    record = records.parse(serialized, teachers, source.audio_codec)
    frame_every_secs = source.frame_every_secs
    if config.augment.resample_semitones:
        factor = augment.resampling_factor(config.augment.resample_semitones, speed_seed)
        record["waveform"] = augment.resample(record["waveform"], factor)
        record["frame_secs"] /= factor
        frame_every_secs /= factor
    clip = _fit(record, frame_every_secs, config)
    spare = tf.size(clip["waveform"]) - config.crop_samples
    start = tf.constant(0)
    if config.random_crop:
        start = tf.random.stateless_uniform([], crop_seed, 0, spare + 1, tf.int32)
    example = _see(record, _crop(clip, start, source, config), source, config, teachers)
    example["waveform"] = augment.augment(
        example["waveform"], example["lengths"], config.augment, sound_seed
    )
    if config.flip:
        mirrored = tf.random.stateless_uniform([], flip_seed) < 0.5
        squares = example["frames"]
        example["frames"] = tf.where(mirrored, tf.reverse(squares, axis=[2]), squares)
    return example


def _eval_example(
    serialized, source: Source, config: PipelineConfig, teachers, with_jpegs: bool = False
):
    record = records.parse(serialized, teachers, source.audio_codec)
    clip = _crop(_fit(record, source.frame_every_secs, config), tf.constant(0), source, config)
    jpegs = {"jpegs": tf.gather(record["jpegs"], clip["frame"])} if with_jpegs else {}
    return _see(record, clip, source, config, teachers) | jpegs


def _fit(record, frame_every_secs, config: PipelineConfig):
    """A clip at least as long as the crop: of `length` samples, showing the record's frames
    number `frame` (int32) at `frame_secs`."""
    clip = {name: record[name] for name in ("id", "waveform", "frame_secs")}
    clip["video"] = record["video_id"]
    samples = tf.size(clip["waveform"])
    if config.short == MASK:
        missing = tf.maximum(config.crop_samples - samples, 0)
        return clip | {
            "waveform": tf.pad(clip["waveform"], [[0, missing]]),
            "length": samples,
            "frame": tf.range(tf.size(clip["frame_secs"])),
        }
    # Loop: the sound is padded to whole frame intervals first, so that frames keep their rhythm.
    interval = tf.cast(tf.round(frame_every_secs * constants.SAMPLE_RATE), tf.int32)
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
        "frame": tf.tile(tf.cast(within, tf.int32), [turns]),
    }


def _crop(clip, start, source: Source, config: PipelineConfig):
    """Cuts sound and frames together: [start, start + crop) of both, times from the new start."""
    frames = config.frames(source.frame_every_secs)
    secs = clip["frame_secs"] - tf.cast(start, tf.float32) / constants.SAMPLE_RATE
    inside = tf.where((secs >= 0) & (secs < config.crop_secs))[:frames, 0]
    missing = frames - tf.size(inside)
    waveform = clip["waveform"][start : start + config.crop_samples]
    return {
        "id": clip["id"],
        "video": clip["video"],
        "waveform": tf.ensure_shape(waveform, [config.crop_samples]),
        "lengths": tf.clip_by_value(clip["length"] - start, 0, config.crop_samples),
        "frame": tf.gather(clip["frame"], inside),
        "frame_secs": _padded(tf.gather(secs, inside), missing, frames),
        "frame_mask": _padded(tf.ones_like(inside, tf.bool), missing, frames),
    }


def _see(record, example, source: Source, config: PipelineConfig, teachers):
    """Puts in place of the frames' numbers what there is to see: squares, or posteriors."""
    frame, frames = example.pop("frame"), config.frames(source.frame_every_secs)
    if not teachers:
        jpegs = tf.gather(record["jpegs"], frame)
        return example | {"frames": records.decode_squares(jpegs, frames)}
    missing = frames - tf.size(frame)
    for key in map(records.posteriors_key, teachers):
        example[key] = _padded(tf.gather(record[key], frame), missing, frames)
    return example


def _padded(values, missing, size: int):
    rest = [[0, 0]] * (values.shape.rank - 1)
    return tf.ensure_shape(tf.pad(values, [[0, missing], *rest]), [size, *values.shape[1:]])
