"""Manifests: written at the end, read first, and plain about what is wrong."""

import dataclasses
import json
import re

import pytest

from soundnet_tf.data import prepare
from soundnet_tf.data.batch_settings import SourceConfig
from soundnet_tf.data.manifest import Manifest, Shard, Skipped, Split, load_manifest, write_manifest


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"12345")
    shard = Shard("train-00000-of-00001.tfrecord", 2, 3, 42.5, 5, "0" * 64)
    return Manifest(
        directory=str(tmp_path),
        version="0.1.0",
        videos="films",
        settings={"clip_secs": 20.0, "channel": "mean"},
        splits={"train": Split.of((shard,)), "val": Split.of(())},
        skipped=(Skipped("ä.mp4", "silent"),),
    )


def test_totals_are_sums_of_the_shards():
    first = Shard("a", videos=1, clips=2, seconds=30.5, bytes=100, sha256="")
    second = Shard("b", videos=3, clips=5, seconds=80.25, bytes=900, sha256="")
    assert Split.of((first, second)) == Split(4, 7, 110.75, 1000, (first, second))


def test_what_is_written_is_read(manifest, tmp_path):
    write_manifest(manifest)
    assert load_manifest(str(tmp_path)) == manifest
    assert manifest.shard_paths("train") == [str(tmp_path / "train-00000-of-00001.tfrecord")]
    assert manifest.shard_paths("val") == []
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_a_folder_with_no_clips_to_hold_out_is_told_by_prepare_and_train(manifest, tmp_path):
    """As `prepare` leaves it: a shard of the split is there, and empty."""
    (tmp_path / "val-00000-of-00001.tfrecord").touch()
    empty = Split.of((Shard("val-00000-of-00001.tfrecord", 0, 0, 0.0, 0, "0" * 64),))
    manifest = dataclasses.replace(manifest, splits={**manifest.splits, "val": empty})
    message = rf"{tmp_path} has no clips in 'val'; prepare more videos, or others with"
    assert re.search(message, prepare.summary(manifest))
    assert "Next:" not in prepare.summary(manifest)
    write_manifest(manifest)
    with pytest.raises(ValueError, match=message):
        SourceConfig(data=str(tmp_path)).check_inputs()


def test_with_clips_in_both_splits_training_is_next(manifest):
    held_out = Split.of((Shard("val-00000-of-00001.tfrecord", 1, 1, 2.0, 5, "0" * 64),))
    both = dataclasses.replace(manifest, splits={**manifest.splits, "val": held_out})
    assert "Next: bin/train.py" in prepare.summary(both)


def test_a_folder_may_be_moved(manifest, tmp_path):
    write_manifest(manifest)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert load_manifest(str(moved)) == dataclasses.replace(manifest, directory=str(moved))


def test_an_equal_manifest_is_not_written_again(manifest, tmp_path):
    write_manifest(manifest)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text() + " ")
    write_manifest(manifest)
    assert path.read_text().endswith(" ")
    write_manifest(dataclasses.replace(manifest, videos="others"))
    assert json.loads(path.read_text())["videos"] == "others"


def test_an_unprepared_folder_is_named(tmp_path):
    """Whoever names the videos' folder is not told to prepare into it."""
    said = f"{tmp_path} is not a prepared folder: it has no manifest.json; "
    said += "bin/prepare.py --videos=VIDEOS --out=SHARDS makes one"
    with pytest.raises(FileNotFoundError, match=re.escape(said)):
        load_manifest(str(tmp_path))


def test_a_half_prepared_folder_is_told_from_an_unprepared_one(manifest, tmp_path):
    with pytest.raises(FileNotFoundError, match="only half prepared.*again with the flags"):
        load_manifest(str(tmp_path))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda shard: shard.unlink(), "should have 5 bytes, is missing"),
        (lambda shard: shard.write_bytes(b"123"), "should have 5 bytes, has 3"),
    ],
)
def test_a_missing_or_cut_shard_is_named(manifest, tmp_path, damage, message):
    write_manifest(manifest)
    damage(tmp_path / "train-00000-of-00001.tfrecord")
    with pytest.raises(FileNotFoundError, match=f"train-00000-of-00001.tfrecord {message}"):
        load_manifest(str(tmp_path))


def test_another_format_is_refused(manifest, tmp_path):
    write_manifest(manifest)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(ValueError, match="has format 2, this version reads 1"):
        load_manifest(str(tmp_path))
