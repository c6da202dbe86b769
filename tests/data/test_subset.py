"""Fewer clips of a prepared folder: sizes, nested choices, and the folders that are written."""

import itertools

import cached_records
import numpy as np
import pytest
from labelled_shards import clips_in, contents
from subset_material import clip, write_folder

from soundnet_tf.data import folder, sources, subset
from soundnet_tf.data.manifest import load_manifest

CLIPS = {f"v{k}": 1 + k % 3 for k in range(40)}  # 79 clips in 40 videos


@pytest.mark.parametrize(
    "clips, expected",
    [
        (119, (30, 47, 75, 119)),  # a factor of (119 / 30) ** (1 / 3)
        (240, (30, 60, 120, 240)),
        (960, (30, 60, 120, 240, 480, 960)),
        (16, (2, 4, 8, 16)),
        (8, (1, 2, 4, 8)),
    ],
)
def test_sizes_rise_by_one_factor_to_all(clips, expected):
    assert subset.sizes(clips) == expected


@pytest.mark.parametrize("clips", range(60, 3000, 97))
def test_there_are_four_sizes_or_more_from_thirty(clips):
    found = subset.sizes(clips)
    factors = [b / a for a, b in itertools.pairwise(found)]
    assert len(found) >= 4 and (found[0], found[-1]) == (30, clips)
    assert max(factors) < 2.5 and max(factors) / min(factors) < 1.1


@pytest.mark.parametrize("clips", [0, 1, 3])
def test_too_few_clips_are_refused(clips):
    with pytest.raises(ValueError, match=f"^{clips} training clips are too few for 4 sizes"):
        subset.sizes(clips)


@pytest.mark.parametrize("seed", [0, 1])
def test_choices_are_nested_and_of_whole_videos(seed):
    """One video too few would have less than the size."""
    chosen = [subset.choose(CLIPS, size, seed) for size in (5, 10, 20, 40, 79)]
    for smaller, larger in itertools.pairwise(chosen):
        assert set(smaller) < set(larger)
    for size, videos in zip((5, 10, 20, 40, 79), chosen, strict=True):
        counts = [CLIPS[id] for id in videos]
        assert sum(counts) >= size > sum(counts[:-1])
    assert set(chosen[-1]) == set(CLIPS)


def test_a_seed_chooses_the_same_whatever_the_order_and_another_others():
    turned = dict(reversed(CLIPS.items()))
    assert subset.choose(CLIPS, 20, 0) == subset.choose(turned, 20, 0)
    assert set(subset.choose(CLIPS, 20, 0)) != set(subset.choose(CLIPS, 20, 1))


@pytest.fixture
def prepared(tmp_path):
    """Two shards of 4 videos and 6 clips, and 2 clips held out."""
    return write_folder(tmp_path / "P", ["aab", "ccd"], "ef")


def test_a_written_folder_is_a_prepared_one(prepared):
    training, validation = sources.from_prepared(prepared.directory)
    assert (training.count, validation.count) == (6, 2)
    assert training.teachers == cached_records.TEACHERS
    totals = {name: (split.videos, split.clips) for name, split in prepared.splits.items()}
    assert totals == {"train": (4, 6), "val": (2, 2)}
    assert prepared.splits["train"].seconds == 18.0
    assert subset.clips_of_videos(prepared) == {"a": 2, "b": 1, "c": 2, "d": 1}


def test_a_folder_without_clips_for_a_split_is_not_written(tmp_path):
    out = tmp_path / "P"
    shards = {"train-00000-of-00001.tfrecord": [clip(0, "a")], "val-00000-of-00001.tfrecord": []}
    with pytest.raises(ValueError, match="no clips for val; give more"):
        folder.write_folder(str(out), shards, {"frame_every_secs": 1.0}, "V", {})
    assert not out.exists()


def test_a_subset_has_its_clips_once_and_those_held_out(prepared, tmp_path):
    """Three clips of six, as they were."""
    written = subset.write_subset(prepared, ("a", "d"), str(tmp_path / "S"))
    whole, kept = clips_in(prepared.directory), clips_in(tmp_path / "S")
    assert {clip.video_id for clip in kept.values()} == {"a", "d", "e", "f"}
    for id, found in kept.items():
        assert found.audio == whole[id].audio and found.frame_secs == whole[id].frame_secs
        for head, posteriors in found.posteriors.items():
            np.testing.assert_array_equal(posteriors.values, whole[id].posteriors[head].values)
    training, validation = sources.from_prepared(str(tmp_path / "S"))
    assert (training.count, validation.count) == (3, 2)
    assert len({*training.read(None).as_numpy_iterator()}) == 3
    assert written.settings["subset_clips"] == 3
    assert training.teachers == cached_records.TEACHERS


def test_a_subset_is_written_once_unless_it_changes(prepared, tmp_path):
    out = tmp_path / "S"
    subset.write_subset(prepared, ("a",), str(out))
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    subset.write_subset(prepared, ("a",), str(out))
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    bytes_before = contents(out)
    subset.write_subset(prepared, ("b",), str(out))
    assert contents(out) != bytes_before
    assert {c.video_id for c in clips_in(out).values()} == {"b", "e", "f"}
    assert load_manifest(str(out)).settings["subset_clips"] == 1
