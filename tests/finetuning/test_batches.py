"""What fine-tuning learns from: splits, class weights and batches against closed forms."""

import numpy as np
import pytest
from tone_manifest import write_tones

from soundnet_tf.finetuning import batches
from soundnet_tf.sounds import labelled_set as labelled


def test_class_weights():
    """Of 6 clips of 3 classes 3, 2 and 1: 6 / (3 * 3), 6 / (3 * 2), 6 / (3 * 1)."""
    weights = batches.class_weights(np.array([0, 1, 0, 2, 0, 1]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 1, 2])


def test_split_divides_every_class_and_no_clip_twice(tmp_path):
    """Of 8 clips a class in folds 1 and 2, round(0.3 x 8) = 2 are held out."""
    tones = labelled.from_manifest(write_tones(tmp_path))
    parts = batches.split(tones, "3", 0.3, seed=4)
    assert sorted(np.concatenate(parts)) == list(range(24))
    assert {tones.clips[i].fold for i in parts.test} == {"3"} and len(parts.test) == 8
    assert list(np.bincount(tones.labels[parts.validation])) == [2, 2]
    assert list(np.bincount(tones.labels[parts.train])) == [6, 6]


def labelled_set(*labels_and_folds):
    clips = [
        labelled.LabelledClip(f"{i}.wav", label, fold)
        for i, (label, fold) in enumerate(labels_and_folds)
    ]
    return labelled.LabelledSet("set", ("a", "b"), tuple(clips))


def test_a_class_with_one_recording_keeps_it_to_train_on():
    data = labelled_set(*[("a", "1")] * 4, ("b", "1"), ("a", "2"), ("b", "2"))
    parts = batches.split(data, "2", 0.5, seed=0)
    assert list(data.labels[parts.train]) == [0, 0, 1]
    assert list(data.labels[parts.validation]) == [0, 0]


def test_nothing_to_stop_by_is_an_error():
    data = labelled_set(("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"))
    with pytest.raises(ValueError, match="one recording a class to train on"):
        batches.split(data, "2", 0.5, seed=0)


def test_batches_depend_on_seed_and_epoch_alone():
    """An epoch has every clip once, in an order of its own; one that begins later is the same."""
    waveforms, labels = np.zeros((7, 5), np.float32), np.arange(7)
    drawn = batches.train_batches(waveforms, labels, 3, True, seed=2, epochs=3)
    found = [label.numpy().tolist() for _, label in drawn]
    assert [len(batch) for batch in found] == [3, 3, 1] * 3 and len(drawn) == 9
    orders = [[label for batch in found[i : i + 3] for label in batch] for i in (0, 3, 6)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    later = batches.train_batches(waveforms, labels, 3, True, 2, epochs=3, first_epoch=1)
    assert [label.numpy().tolist() for _, label in later] == found[3:]


def test_augmented_clips_are_shifted_and_of_another_gain():
    """A clip 1, 2, ... 50 becomes g (s + 1), ... g 50, g 1, ... g s: its greatest value tells the
    gain g, and where that stands, s. Gains lie within 6 dB, 0.501 to 1.995."""
    ramp = np.arange(1, 51, dtype=np.float32)
    waveforms = np.tile(ramp, (64, 1))
    (batch, _), (later, _) = batches.train_batches(
        waveforms, np.zeros(64, int), 64, True, seed=0, epochs=2
    )
    gains = batch.numpy().max(axis=1) / 50
    shifts = (49 - batch.numpy().argmax(axis=1)) % 50
    for row, gain, shift in zip(batch, gains, shifts, strict=True):
        np.testing.assert_allclose(row, gain * np.roll(ramp, -shift), rtol=1e-5)
    assert 0.501 < gains.min() < 0.6 and 1.6 < gains.max() < 1.996
    assert len(set(shifts)) > 25
    assert not np.array_equal(batch, later)


def test_clips_that_are_not_augmented_are_as_they_are():
    waveforms = np.random.default_rng(0).uniform(-1, 1, (7, 50)).astype(np.float32)
    labels = np.arange(7)
    for batch, order in batches.train_batches(waveforms, labels, 3, False, seed=2, epochs=2):
        np.testing.assert_array_equal(batch, waveforms[order.numpy()])


def test_what_is_held_out_depends_on_the_seed(tmp_path):
    tones = labelled.from_manifest(write_tones(tmp_path))
    parts = [batches.split(tones, "3", 0.3, seed) for seed in (4, 4, 5)]
    np.testing.assert_array_equal(parts[0].validation, parts[1].validation)
    assert not np.array_equal(parts[0].validation, parts[2].validation)
