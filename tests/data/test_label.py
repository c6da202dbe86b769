"""Labelling: every posterior at its frame, nothing done twice, the same bytes after a kill."""

import dataclasses
import subprocess
import sys

import numpy as np
import prepare_material
import pytest
import small_vision
import synthetic_media
import tensorflow as tf
from labelled_shards import clips_in, contents, copy_of, run

from soundnet_tf.data import label as module
from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import PipelineConfig, SourceConfig
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import LabelConfig
from soundnet_tf.data.videos import split_and_shard
from soundnet_tf.models.settings import BFLOAT16, FLOAT32
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training.settings import RunConfig


def test_posteriors_are_what_the_teacher_says_of_the_pipelines_frames(labelled, both):
    """Half a unit in the last of float16's 11 binary digits, or of its smallest number, and 1e-6
    for float32 sums in batches of other sizes."""
    clips = clips_in(labelled)
    settings = PipelineConfig(batch_size=1, crop_secs=2.0)
    compared = 0
    for source in sources.from_prepared(str(labelled)):
        batches = list(pipeline.eval_batches(source, dataclasses.replace(settings, short="mask")))
        for head, spec in both.items():
            teacher = load_teacher(spec)
            for batch in batches:
                stored = clips[batch["id"].numpy()[0].decode()].posteriors[head]
                expected = teacher(batch["frames"]).numpy()[0][batch["frame_mask"].numpy()[0]]
                np.testing.assert_allclose(
                    stored.values.astype(np.float64), expected, rtol=2**-11 + 1e-6, atol=2**-25
                )
                assert stored.values.dtype == np.float16
                assert (stored.teacher, stored.fingerprint) == (teacher.name, teacher.fingerprint)
                compared += 1
    assert compared == 2 * 12


def test_all_else_of_a_clip_stays_as_it_was(prepared, labelled):
    before, after = clips_in(prepared), clips_in(labelled)
    assert list(before) == list(after)
    bare = {i: dataclasses.replace(clip, posteriors={}) for i, clip in after.items()}
    assert bare == before


def test_the_manifest_says_who_labelled_each_shard(labelled, both):
    manifest = load_manifest(str(labelled))
    expected = {}
    for head, spec in both.items():
        teacher = load_teacher(spec)
        expected[head] = {
            "teacher": teacher.name, "fingerprint": teacher.fingerprint, "classes": teacher.classes
        }  # fmt: skip
    digests = contents(labelled)
    for split in manifest.splits.values():
        for shard in split.shards:
            assert shard.teachers == (expected if shard.clips else {})
            assert shard.sha256 == digests[shard.name]
            assert shard.bytes == (labelled / shard.name).stat().st_size


def test_sources_know_the_teachers_and_their_classes(labelled, both):
    for source in sources.from_prepared(str(labelled)):
        assert sorted(source.teachers) == ["objects", "scenes"]
        for head, teacher in source.teachers.items():
            loaded = load_teacher(both[head])
            assert teacher.labels == loaded.labels
            assert (teacher.name, teacher.fingerprint) == (loaded.name, loaded.fingerprint)


def test_shards_without_clips_do_not_ask_for_teachers(labelled, tmp_path):
    """One of the four has none, so that no teacher has labelled it."""
    shards = load_manifest(str(labelled)).splits["train"].shards
    assert [shard.teachers for shard in shards if not shard.clips] == [{}]
    RunConfig(SourceConfig(data=str(labelled)), str(tmp_path / "run")).check_inputs()


def test_a_second_run_changes_nothing(labelled, both, monkeypatch):
    before = prepare_material.mtimes(labelled)
    monkeypatch.setattr(module.panel, "label_shard", None)
    result = run(labelled, both)
    assert (result.written, result.already, result.left) == (0, 3, 0)
    assert prepare_material.mtimes(labelled) == before


def test_heads_one_after_the_other_give_the_bytes_of_both_at_once(fresh, labelled, both):
    run(fresh, {"scenes": both["scenes"]})
    assert list(sources.from_prepared(str(fresh))[0].teachers) == ["scenes"]
    run(fresh, {"objects": both["objects"]})
    shards = [name for name in contents(fresh) if name.endswith(".tfrecord")]
    assert len(shards) == 4
    for name in shards:
        assert contents(fresh)[name] == contents(labelled)[name]
    assert load_manifest(str(fresh)).splits == load_manifest(str(labelled)).splits


def test_teachers_of_16_bits_replace_those_of_32_and_their_posteriors_say_so(fresh, tmp_path):
    """Nearly the same ones: 0.02 is what 8 bits of each score make of a probability."""
    spec = {"scenes": f"file:{small_vision.save(tmp_path)}"}
    found = {}
    for precision in (FLOAT32, BFLOAT16):
        module.label(LabelConfig(data=str(fresh), teachers=spec, precision=precision))
        found[precision] = [clip.posteriors["scenes"] for clip in clips_in(fresh).values()]
    assert {p.teacher for p in found[BFLOAT16]} == {"small-mixed_bfloat16"}
    apart = [np.abs(a.values - b.values).max() for a, b in zip(*found.values(), strict=True)]
    assert 0 < max(apart) < 0.02


def test_another_teacher_replaces_its_head_only_and_says_so(labelled, specs, tmp_path, caplog):
    folder = copy_of(labelled, tmp_path / "shards")
    before = clips_in(folder)
    run(folder, {"objects": specs["other"]})
    first, other = (load_teacher(specs[name]).fingerprint for name in ("objects", "other"))
    assert f"objects of objects ({first}) give way to other ({other})" in caplog.text
    for i, clip in clips_in(folder).items():
        assert clip.posteriors["objects"].fingerprint == other
        # The same colours in the opposite order.
        np.testing.assert_allclose(
            clip.posteriors["objects"].values, before[i].posteriors["objects"].values[:, ::-1],
            rtol=2**-10, atol=2**-24,
        )  # fmt: skip
        np.testing.assert_array_equal(
            clip.posteriors["scenes"].values, before[i].posteriors["scenes"].values
        )


# Kills the process in the middle of the second shard, or when that has taken the old one's place
# but its JSON does not yet say so.
KILLED = """
import os, signal, sys
from soundnet_tf.data import label, records, shards
from soundnet_tf.files import atomic
def kill(*args, **form): os.kill(os.getpid(), signal.SIGKILL)
calls = 0
def after(count, function):
    def counted(*args):
        global calls
        calls += 1
        return function(*args) if calls <= count else kill()
    return counted
if sys.argv[1] == "middle":
    records.encode = after(int(sys.argv[4]) + 1, records.encode)
else:
    rewrite = shards.rewrite_shard
    def rewriting(*args):
        global calls
        calls += 1
        if calls == 2: atomic.write_json = all_but_the_last
        rewrite(*args)
    write = atomic.write_json
    def all_but_the_last(path, *args, **form):
        write(path, *args, **form) if path.endswith(".pending") else kill()
    shards.rewrite_shard = rewriting
label.label(label.LabelConfig(sys.argv[2], eval(sys.argv[3]), 4), progress=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "lost"), [("middle", 2), ("before the JSON", 1)])
def test_a_killed_run_leaves_whole_shards_and_goes_on_to_the_same_bytes(
    fresh, labelled, both, moment, lost
):
    first_clips = load_manifest(str(fresh)).splits["train"].shards[1].clips
    arguments = [moment, str(fresh), repr(both), str(first_clips)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert done.returncode == -9
    shards = sorted(path for path in fresh.iterdir() if path.suffix == ".tfrecord")
    assert sum(1 for _ in tf.data.TFRecordDataset(list(map(str, shards)))) == 12
    with pytest.raises(FileNotFoundError, match=r"only half labelled: run bin/label.py --data"):
        load_manifest(str(fresh))
    assert run(fresh, both).written == lost  # of three
    assert contents(fresh) == contents(labelled)


def test_parts_together_give_the_bytes_of_one_run(fresh, labelled, both):
    first = run(fresh, both, part=0, parts=2)
    assert (first.written, first.left) == (2, 1)
    assert not (fresh / "manifest.json").exists()
    second = run(fresh, both, part=1, parts=2)
    assert (second.written, second.left) == (1, 0)
    assert contents(fresh) == contents(labelled)


def test_a_labelled_folder_is_still_prepared(labelled, good_folder, tmp_path):
    folder = copy_of(labelled, tmp_path / "shards")
    before = contents(folder)
    prepare_material.run(prepare_material.config(good_folder, folder, num_shards=3))
    assert contents(folder) == before


def test_only_the_shard_of_an_added_video_is_labelled_again(
    labelled, good_folder, both, tmp_path, caplog
):
    films = copy_of(good_folder, tmp_path / "films")
    folder = copy_of(labelled, tmp_path / "shards")
    counts = {"train": 3, "val": 1}
    new = next(  # that falls into the shard of another
        name
        for name in (f"new{i}.mp4" for i in range(100))
        if split_and_shard(name, 0.3, counts) == split_and_shard("a.mp4", 0.3, counts)
    )
    synthetic_media.write_clock_video(films / new, 2, **prepare_material.SMALL)
    prepare_material.run(prepare_material.config(films, folder, num_shards=3))
    found = sources.from_prepared(str(folder))
    assert not all(source.teachers for source in found)
    assert "1 shards are written anew, their posteriors of objects and scenes go" in caplog.text
    nothing = tmp_path / "nothing"
    prepare_material.run(prepare_material.config(films, nothing, num_shards=3))
    (shard,) = (p for p in folder.glob("*.tfrecord") if f"{new}@0.000".encode() in p.read_bytes())
    assert shard.read_bytes() == (nothing / shard.name).read_bytes()
    assert run(folder, both).written == 1
    assert all(set(source.teachers) == set(both) for source in sources.from_prepared(str(folder)))
    assert f"{new}@0.000" in clips_in(folder)


def test_shards_in_a_bucket_are_labelled_too(good_folder, labelled, both):
    """The bytes are those of local shards."""
    out = "memory://label/shards"
    prepare_material.run(prepare_material.config(good_folder, out, num_shards=3))
    run(out, both)
    assert load_manifest(out).splits == load_manifest(str(labelled)).splits
