"""Labelling refuses what is damaged or unfit, and leaves whole what it found."""

import os

import numpy as np
import prepare_material
import pytest
import tensorflow as tf
from labelled_shards import contents, copy_of, run

from soundnet_tf.data import label as module
from soundnet_tf.data import sources
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import LabelConfig


def flip_a_byte(shard):
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)


def test_a_damaged_shard_is_named_and_left(fresh, both):
    shard = fresh / "train-00001-of-00003.tfrecord"
    flip_a_byte(shard)
    damaged = shard.read_bytes()
    with pytest.raises(ValueError, match=r"train-00001-of-00003.tfrecord is damaged .*prepare"):
        run(fresh, both)
    assert shard.read_bytes() == damaged
    assert not list(fresh.glob(".*"))


def test_a_shard_that_lost_clips_is_named(fresh, both, monkeypatch):
    def one_less(*args):
        *clips, _ = list(labelled_clips(*args))
        return iter(clips)

    labelled_clips = module._labelled_clips
    monkeypatch.setattr(module, "_labelled_clips", one_less)
    with pytest.raises(ValueError, match=r"tfrecord has \d+ clips, not the \d+ it was written"):
        run(fresh, both)


def test_numbers_that_are_not_finite_are_refused(fresh, both, monkeypatch):
    monkeypatch.setattr(
        module, "_sight", lambda heads: lambda _: {head: tf.fill([4, 3], np.nan) for head in heads}
    )
    with pytest.raises(ValueError, match="the objects teacher gives numbers that are not finite"):
        run(fresh, both)


def test_a_shard_without_its_json_is_named(fresh, both):
    os.remove(fresh / "val-00000-of-00001.json")
    with pytest.raises(FileNotFoundError, match="val-00000-of-00001.json is missing; prepare"):
        run(fresh, both)


def test_preparing_again_ends_a_labelling_that_was_interrupted(fresh, labelled, both, good_folder):
    run(fresh, both, part=0, parts=2)
    prepare_material.run(prepare_material.config(good_folder, fresh, num_shards=3))
    assert not (fresh / "labelling.json").exists()
    assert load_manifest(str(fresh)).splits["train"].clips
    assert run(fresh, both).written == 1  # the other two shards kept theirs
    assert contents(fresh) == contents(labelled)


def test_a_folder_that_forgot_its_teachers_classes_is_named(labelled, tmp_path):
    folder = copy_of(labelled, tmp_path / "shards")
    for path in (folder / "teachers").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="missing: the classes of .*bin/label.py"):
        sources.from_prepared(str(folder))


def test_an_unprepared_folder_is_named(tmp_path, both):
    with pytest.raises(FileNotFoundError, match="is not a prepared folder"):
        run(tmp_path, both)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teachers": {}}, "no teacher was given"),
        ({"batch_frames": 0}, "batch_frames is 0"),
        ({"part": 2, "parts": 2}, "part is 2 of 2 parts"),
        ({"part": -1}, "part is -1 of 1 parts"),
    ],
)
def test_unfit_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        LabelConfig(**({"data": "shards", "teachers": {"objects": "keras:VGG16"}} | changes))
