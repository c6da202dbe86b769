"""Cached targets: the posteriors of the very frames that online teachers would be shown."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from clock_records import clip, config, grey_of, source

from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import AugmentConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import Posteriors

CLASSES = 12
TEACHER = CachedTeacher("clock", "c10cc10cc10cc10c", tuple(f"frame {k}" for k in range(CLASSES)))
SECONDS = (9.0, 4.0, 2.5, 1.5, 6.0)  # of clips that are longer and shorter than a crop of 4 s


def labelled_clip(index, seconds):
    """A clip whose frame k has all its probability on class k."""
    record = clip(index, seconds)
    values = np.eye(CLASSES, dtype=np.float16)[: len(record.jpegs)]
    posteriors = {"objects": Posteriors(TEACHER.name, TEACHER.fingerprint, values)}
    return dataclasses.replace(record, posteriors=posteriors)


def labelled(*clips):
    return dataclasses.replace(source(*clips), teachers={"objects": TEACHER})


def both_ways(batches_of, **changes):
    """(online batch, cached batch) of the same clips."""
    clips = labelled(*(labelled_clip(i, seconds) for i, seconds in enumerate(SECONDS)))
    made = [
        batches_of(clips, config(batch_size=2, targets=targets, **changes))
        for targets in ("online", "cached")
    ]
    return list(zip(*made, strict=True))


def train_batches(clips, settings):
    return pipeline.train_batches(clips, settings, epochs=3)


@pytest.mark.parametrize("batches_of", [train_batches, pipeline.eval_batches])
@pytest.mark.parametrize("short", ["loop", "mask"])
def test_all_but_the_pictures_is_the_same_and_posteriors_are_those_of_the_frames(batches_of, short):
    """Frame k is grey 10 + 20 k and of class k."""
    pairs = both_ways(batches_of, short=short, augment=AugmentConfig(gain_db=3.0))
    assert len(pairs) == (6 if batches_of is train_batches else 3)
    valid_frames = 0
    for online, cached in pairs:
        assert set(online) - set(cached) == {"frames"}
        assert set(cached) - set(online) == {"posteriors/objects"}
        for name in set(online) & set(cached):
            np.testing.assert_array_equal(online[name], cached[name])
        mask = online["frame_mask"].numpy()
        seen = np.round((grey_of(online["frames"]) - 10) / 20).astype(int)
        expected = np.where(mask[..., None], np.eye(CLASSES)[np.maximum(seen, 0)], 0)
        np.testing.assert_array_equal(cached["posteriors/objects"], expected)
        valid_frames += mask.sum()
    assert valid_frames > 15


def test_crops_are_random_with_cached_targets_too():
    clips = labelled(labelled_clip(0, 9.0))
    firsts = {
        int(np.argmax(batch["posteriors/objects"][0, 0]))
        for batch in pipeline.train_batches(clips, config(targets="cached"), epochs=20)
    }
    assert len(firsts) > 2


def test_twenty_frames_of_a_clip_stay_in_order():
    """Frames every second for 12 s: row k is class k."""
    clips = labelled(labelled_clip(0, 12.0))
    (batch,) = pipeline.eval_batches(clips, config(crop_secs=12.0, targets="cached"))
    np.testing.assert_array_equal(batch["posteriors/objects"], np.eye(CLASSES)[None])
    np.testing.assert_array_equal(batch["frame_secs"], [np.arange(12.0)])


def test_static_shapes_are_known():
    clips = labelled(labelled_clip(0, 5.0))
    batches = pipeline.train_batches(clips, config(targets="cached"), epochs=1)
    spec = batches.element_spec["posteriors/objects"]
    assert spec == tf.TensorSpec([1, 4, CLASSES], tf.float32)


def test_no_picture_is_decoded():
    """The frames are no JPEGs at all, which the online pipeline cannot take."""
    record = labelled_clip(0, 5.0)
    spoilt = labelled(dataclasses.replace(record, jpegs=(b"no jpeg",) * len(record.jpegs)))
    assert len(list(pipeline.eval_batches(spoilt, config(targets="cached")))) == 1
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(pipeline.eval_batches(spoilt, config()))


def test_posteriors_of_another_teacher_end_the_run_and_both_are_named():
    other = dataclasses.replace(TEACHER, fingerprint="0ther0ther0ther0")
    clips = dataclasses.replace(labelled(labelled_clip(0, 5.0)), teachers={"objects": other})
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)0ther0ther.*c10cc10cc10cc10c"):
        list(pipeline.eval_batches(clips, config(targets="cached")))


@pytest.mark.parametrize("batches_of", [train_batches, pipeline.eval_batches])
def test_clips_without_posteriors_say_how_to_get_them(batches_of):
    with pytest.raises(ValueError, match="not all clips have posteriors .*bin/label.py"):
        batches_of(source(clip(0, 5.0)), config(targets="cached"))


def test_mirrored_frames_cannot_be_had():
    with pytest.raises(ValueError, match="flip mirrors frames: leave one out"):
        config(targets="cached", flip=True)


def test_unknown_targets_are_named():
    with pytest.raises(ValueError, match="targets 'offline' is unknown"):
        config(targets="offline")
