"""Shards and videos as sources: the same clips, counted right, in an order that a seed decides."""

import numpy as np
import pytest
import soundfile
import synthetic_media
import tensorflow as tf

from soundnet_tf.data import records, sources
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig
from soundnet_tf.data.videos import find_videos

CUTTING = Cutting(clip_secs=4.0, frame_every_secs=1.0)
SEED = tf.constant([0, 0], tf.int64)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    synthetic_media.write_clock_video(folder / "long.mp4", 10, width=64, height=64)
    synthetic_media.write_clock_video(folder / "short.mkv", 3, width=64, height=64)
    # Sound for the first clip only: the second stretch is found to be empty when it is decoded.
    synthetic_media.write_clock_video(
        folder / "falls_silent.mkv", 8, width=64, height=64, sound_gap_secs=(3.9, 7.9)
    )
    return folder


def read(source, seed=None):
    return [clip.numpy() for clip in source.read(seed)]


def ids(serialized):
    return [records.decode(clip).id for clip in serialized]


@pytest.fixture(scope="module")
def on_the_fly(films):
    return sources.from_videos(find_videos(str(films)), CUTTING, workers=1)


def test_videos_give_the_very_bytes_that_shards_hold(films, on_the_fly, tmp_path):
    prepare(
        PrepareConfig(str(films), str(tmp_path), Cutting(4.0, 1.0), 1, 0.0, workers=1),
        progress=False,
    )
    shards = sources.from_records(f"{tmp_path}/train-*")
    stored = {records.decode(clip).id: clip for clip in read(shards)}
    assert shards.count == len(stored) and shards.frame_every_secs == 1.0
    decoded = {records.decode(clip).id: clip for clip in read(on_the_fly)}
    blank = set(decoded) - set(stored)
    assert all(records.decode(decoded[i]).jpegs == () for i in blank)
    assert {i: clip for i, clip in decoded.items() if i not in blank} == stored


def test_every_pass_gives_as_many_clips_as_are_counted(on_the_fly):
    evaluated, trained = read(on_the_fly), read(on_the_fly, SEED)
    assert len(evaluated) == len(trained) == on_the_fly.count
    assert all(records.decode(clip).jpegs for clip in trained)


def test_the_order_is_the_seeds(on_the_fly):
    assert ids(read(on_the_fly, SEED)) == ids(read(on_the_fly, SEED))
    orders = {tuple(ids(read(on_the_fly, tf.constant([0, e], tf.int64)))) for e in range(4)}
    assert len(orders) > 1


def test_shards_of_one_seed_come_in_one_order(films, tmp_path):
    prepare(
        PrepareConfig(str(films), str(tmp_path), Cutting(1.0, 1.0), 4, 0.0, workers=1),
        progress=False,
    )
    source = sources.from_records(f"{tmp_path}/train-*")
    assert ids(read(source, SEED)) == ids(read(source, SEED))
    assert sorted(ids(read(source, SEED))) == sorted(ids(read(source)))
    orders = {tuple(ids(read(source, tf.constant([s, 0], tf.int64)))) for s in range(8)}
    assert len(orders) > 1


def test_a_film_of_silence_has_no_clips(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(44100), 22050)
    (tmp_path / "list.txt").write_text(str(tmp_path / "silence.wav"))
    with pytest.raises(
        ValueError, match="none of 1 videos gives a clip .*silence.wav: no pictures"
    ):
        sources.from_videos(find_videos(str(tmp_path / "list.txt")), CUTTING, workers=1)


def test_an_empty_split_says_what_to_change(films):
    with pytest.raises(ValueError, match="of 3 videos none falls into 'val'.*fraction of 0.0"):
        sources.from_videos_split(find_videos(str(films)), 0.0, CUTTING, workers=1)


@pytest.mark.parametrize("fraction, held_out", [(0.4, 1), (0.6, 2)])
def test_the_splits_of_videos_share_no_video_and_miss_none(films, on_the_fly, fraction, held_out):
    """The names' hashes are 0.27 (falls_silent.mkv), 0.46 (long.mp4) and 0.99 (short.mkv): those
    below the fraction are held out, all clips of a video together."""
    split = sources.from_videos_split(find_videos(str(films)), fraction, CUTTING, workers=1)
    training, validation = (ids(read(part)) for part in split)
    assert [part.count for part in split] == [len(training), len(validation)]
    names = ("falls_silent.mkv", "long.mp4", "short.mkv")
    assert {i.split("@")[0] for i in validation} == set(names[:held_out])
    assert {i.split("@")[0] for i in training} == set(names[held_out:])
    assert sorted(training + validation) == sorted(ids(read(on_the_fly)))


def test_a_folder_without_shards_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a prepared folder"):
        sources.from_records(f"{tmp_path}/train-*")


def test_a_prepared_folder_gives_the_training_clips_first(prepared):
    splits = load_manifest(str(prepared)).splits
    training, validation = sources.from_prepared(str(prepared))
    counts = [splits[name].clips for name in ("train", "val")]
    assert [training.count, validation.count] == counts and counts[0] != counts[1]


def test_passes_of_a_source_have_orders_of_their_own(tmp_path):
    """The first is that of a single pass; in the source's own order there is one pass."""

    def read(seed):
        numbers = tf.data.Dataset.range(20)
        if seed is None:
            return numbers
        shuffled = numbers.shuffle(20, seed=sources.order_seed(seed))
        return shuffled

    single = sources.Source(20, 1.0, read)
    threefold = sources.repeated(single, 3)
    seed = tf.constant([3, 4], tf.int64)
    found = np.array(list(threefold.read(seed).as_numpy_iterator())).reshape(3, 20)
    assert threefold.count == 60 and [sorted(order) for order in found] == [[*range(20)]] * 3
    assert len({tuple(order) for order in found}) == 3
    np.testing.assert_array_equal(found[0], list(read(seed).as_numpy_iterator()))
    assert list(threefold.read(None).as_numpy_iterator()) == [*range(20)]
