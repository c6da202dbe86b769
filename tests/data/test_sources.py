"""Shards and videos as sources: the same clips, counted right, in any order that is wanted."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
import synthetic_media
import tensorflow as tf
from media_writer import Sound, counted_film, write

from soundnet_tf.data import records, sources
from soundnet_tf.data.clips import LeftOut
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig
from soundnet_tf.data.videos import find_videos

CUTTING = Cutting(clip_secs=4.0, frame_every_secs=1.0)


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


def read(source, numbers=None, usable_only=False):
    """Serialized clips of these numbers, or of all."""
    numbers = range(source.count) if numbers is None else numbers
    return [clip.numpy() for clip in source.read(tf.constant([*numbers], tf.int64), usable_only)]


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


class FirstIsDamaged:
    """Workers in this process, for whom the first stretch cannot be used, or no stretch can."""

    all_are = False

    def __init__(self, count, limits):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, function, items, failed):
        for run in items:
            is_damaged = self.all_are or (run.starts_secs == (0.0,) and run.video.id == "long.mp4")
            damaged = (LeftOut(run.starts_secs[0], "damaged"),)
            yield run, damaged if is_damaged else function(run)


def test_the_next_usable_clip_stands_in_the_place_of_one_that_is_not(on_the_fly, monkeypatch):
    """In training; wherever in the order it comes, so that a run can be left and gone on with. In
    evaluation it has no frames."""
    plain = read(on_the_fly)
    first = ids(plain).index("long.mp4@0.000")
    monkeypatch.setattr(sources, "Workers", FirstIsDamaged)
    judged, trained = read(on_the_fly), read(on_the_fly, usable_only=True)
    assert records.decode(judged[first]).jpegs == ()
    instead = plain[(first + 1) % on_the_fly.count]
    assert trained[first] == instead and read(on_the_fly, [0, first], True)[1] == instead
    for found in (judged, trained):
        assert [c for i, c in enumerate(found) if i != first] == [
            c for i, c in enumerate(plain) if i != first
        ]
    monkeypatch.setattr(FirstIsDamaged, "all_are", True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="none of 6 stretches of video gives"):
        read(on_the_fly, usable_only=True)


def test_any_clips_can_be_read_in_any_order(on_the_fly, shards):
    """Also one of them twice, or none."""
    for source in (on_the_fly, shards):
        everything = read(source)
        order = [source.count - 1, 0, 2, 0]
        assert read(source, order) == [everything[number] for number in order]
        assert read(source, []) == []


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards")
    prepare(PrepareConfig(str(films), str(out), Cutting(1.0, 1.0), 4, 0.0, workers=1), False)
    return sources.from_records(f"{out}/train-*")


def clips_in(path):
    return json.loads(path.read_text())["shard"]["clips"]


def test_shards_without_places_in_their_json_are_read_through(films, shards, tmp_path):
    """As earlier versions wrote them; a JSON of another shard is refused."""
    prepare(PrepareConfig(str(films), str(tmp_path), Cutting(1.0, 1.0), 4, 0.0, workers=1), False)
    for path in sorted(tmp_path.glob("train-*.json"), key=clips_in):
        content = json.loads(path.read_text())
        assert len(content.pop("clip_bytes")) == content["shard"]["clips"]
        path.write_text(json.dumps(content))
    assert read(sources.from_records(f"{tmp_path}/train-*")) == read(shards)
    content["clip_bytes"] = [1] * content["shard"]["clips"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"\.tfrecord is not as its JSON says: remove both"):
        sources.from_records(f"{tmp_path}/train-*")


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


def test_clips_have_a_digest_that_others_do_not_have(films, on_the_fly, prepared):
    """The same clips the same one; other starts, another film, and the other split do not."""
    videos = find_videos(str(films))
    again = sources.from_videos(videos, CUTTING, workers=1, progress=False)
    assert again.sha256 == on_the_fly.sha256
    longer = dataclasses.replace(CUTTING, clip_secs=CUTTING.clip_secs + 1)
    others = [
        sources.from_videos(videos, longer, workers=1, progress=False),
        sources.from_videos(videos[:1], CUTTING, workers=1, progress=False),
        *sources.from_prepared(str(prepared)),
    ]
    digests = {source.sha256 for source in (on_the_fly, *others)}
    assert len(digests) == 5
    assert sources.from_prepared(str(prepared))[0].sha256 == others[2].sha256


def test_shards_of_the_same_names_and_lengths_have_the_digest_of_their_content(tmp_path):
    """Two films of 4 s, of which the second is louder."""
    digests = []
    for name in ("soft", "loud"):
        folder = tmp_path / name
        folder.mkdir()
        level = {"soft": 0.2, "loud": 0.8}[name]
        sound = level * np.sin(np.arange(4 * 22050) / 10)
        film = write(folder / "film.mkv", Sound("flac", 22050, sound), counted_film("mpeg4", 4))
        assert film.exists()
        shards = str(tmp_path / f"{name}_shards")
        config = PrepareConfig(str(folder), shards, CUTTING, num_shards=1, val_fraction=0.0)
        prepare(config, progress=False)
        digests.append(sources.from_records(f"{shards}/train-*").sha256)
    assert digests[0] != digests[1]


def test_a_folder_without_shards_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a prepared folder"):
        sources.from_records(f"{tmp_path}/train-*")


def test_a_prepared_folder_gives_the_training_clips_first(prepared):
    splits = load_manifest(str(prepared)).splits
    training, validation = sources.from_prepared(str(prepared))
    counts = [splits[name].clips for name in ("train", "val")]
    assert [training.count, validation.count] == counts and counts[0] != counts[1]
