"""Labelling refuses what is damaged or unfit, and leaves whole what it found."""

import json
import os

import numpy as np
import prepare_material
import pytest
import tensorflow as tf
from labelled_shards import contents, copy_of, run

from soundnet_tf.data import panel as module
from soundnet_tf.data import sources
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import LabelConfig
from soundnet_tf.files import atomic, lock, storage


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


def interrupt(*_, **__):
    raise KeyboardInterrupt


# Where a run is stopped that replaces a shard: a function, and how the path ends that it is given.
MOMENTS = {
    "before anything": (atomic, "write_json", ".pending"),
    "when both JSONs are kept": (storage, "remove", "00001-of-00003.json"),
    "when no JSON is there": (storage, "rename", "00001-of-00003.tfrecord"),
    "when the shard is new": (atomic, "write_json", "00001-of-00003.json"),
    "when its JSON is new": (storage, "remove", ".pending"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_hash_stands_beside_other_bytes(fresh, labelled, both, good_folder, monkeypatch, moment):
    """Wherever a run is stopped. The next one settles what was left, of labelling or preparing."""
    module, name, end = MOMENTS[moment]
    function = getattr(module, name)

    def stop(*args, **form):
        (interrupt if args[name == "rename"].endswith(end) else function)(*args, **form)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, name, stop)
        run(fresh, both)
    assert not (fresh / "manifest.json").exists()
    digests = contents(fresh)
    for path in fresh.glob("*-of-*.json"):
        shard = json.loads(path.read_text())["shard"]
        assert shard["sha256"] == digests[shard["name"]], path
    assert not any(digest in (fresh / "labelling.json").read_text() for digest in digests.values())
    prepared = copy_of(fresh, fresh.with_name("prepared"))
    prepare_material.run(prepare_material.config(good_folder, prepared, num_shards=3))
    assert load_manifest(str(prepared)).splits["train"].clips == 9
    for folder in (fresh, prepared):
        run(folder, both)
        assert contents(folder) == contents(labelled)


def test_a_shard_that_another_part_is_replacing_is_no_error(fresh, both, monkeypatch):
    """Its JSON is not there just now; the part that ends meanwhile takes it as unlabelled."""
    rename = storage.rename

    def meanwhile(source, target, overwrite=False):
        if target.endswith("00001-of-00003.tfrecord"):
            monkeypatch.setattr(storage, "rename", rename)
            assert not (fresh / "train-00001-of-00003.json").exists()
            other = run(fresh, both, part=1, parts=2)
            assert (other.written, other.left) == (1, 2)
        rename(source, target, overwrite)

    monkeypatch.setattr(storage, "rename", meanwhile)
    assert run(fresh, both, part=0, parts=2).left == 0
    assert load_manifest(str(fresh)).splits["train"].clips == 9


def test_parts_work_beside_each_other_and_nothing_else_does(fresh, both, good_folder):
    before = contents(fresh)
    with lock.hold_folder(str(fresh), "label", (1, 2)):
        with pytest.raises(lock.HeldError, match="label, part 1 of 2, is writing"):
            run(fresh, both, part=1, parts=2)
        with pytest.raises(lock.HeldError, match="label, part 1 of 2, is writing"):
            prepare_material.run(prepare_material.config(good_folder, fresh, num_shards=3))
        with pytest.raises(lock.HeldError):
            run(fresh, both)
        left = {name: digest for name, digest in contents(fresh).items() if "lock" not in name}
        assert left == before
        assert run(fresh, both, part=0, parts=2).written == 2


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
