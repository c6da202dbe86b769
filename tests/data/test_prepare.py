"""Preparation: the same bytes anywhere, every clip in its place, nothing done twice."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import odd_media
import pytest
import synthetic_media
import tensorflow as tf
from av.stream import Disposition
from prepare_material import GOOD, GOOD_CLIPS, SMALL, digests, ids_in, mtimes, run

from soundnet_tf.data import prepare as module
from soundnet_tf.data import records
from soundnet_tf.data.manifest import Taken, load_manifest
from soundnet_tf.data.settings import Cutting, PrepareConfig

OF_ALL = {"manifest.json", "dataset_info.json"}  # what tells of all shards
SHARED = Path(os.environ.get("SOUNDNET_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def test_shards_hold_every_clip_and_the_manifest_adds_up(config):
    manifest = run(config())
    assert load_manifest(config().out) == manifest
    assert ids_in(manifest) == GOOD_CLIPS
    assert sum(split.videos for split in manifest.splits.values()) == 4
    assert sum(split.clips for split in manifest.splits.values()) == 12
    seconds = sum(split.seconds for split in manifest.splits.values())
    assert seconds == pytest.approx(4 * 5, abs=4 * 0.1)  # codecs round to their frames
    assert manifest.skipped == ()
    assert manifest.settings["clip_secs"] == 2.0
    names = [shard.name for split in manifest.splits.values() for shard in split.shards]
    assert names == [
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]
    found = digests(config().out)
    for split in manifest.splits.values():
        for shard in split.shards:
            assert shard.sha256 == found[shard.name]
            assert shard.bytes == (Path(config().out) / shard.name).stat().st_size


def test_two_runs_in_other_places_with_other_workers_give_the_same_bytes(
    config, good_folder, tmp_path
):
    run(config())
    moved = tmp_path / "elsewhere" / "films"
    for name in reversed(GOOD):
        (moved / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(good_folder / name, moved / name)  # the JSONs note when it was written
    run(config(videos=f"{moved}/**/*", out=str(tmp_path / "again"), workers=2))
    first, second = digests(config().out), digests(tmp_path / "again")
    assert {k: v for k, v in first.items() if k != "manifest.json"} == {
        k: v for k, v in second.items() if k != "manifest.json"
    }
    assert len(first) == len(second) == 3 * 2 + 3  # the manifest, and what TFDS reads


def refuse_to_work(*_):
    raise AssertionError("no process is needed")


def test_a_second_run_changes_nothing(config, monkeypatch):
    manifest = run(config())
    before = mtimes(config().out)
    monkeypatch.setattr(module.cut_shards, "Workers", refuse_to_work)
    assert run(config()) == manifest
    assert mtimes(config().out) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda out, stem: (out / f"{stem}.tfrecord").unlink(),
        lambda out, stem: (out / f"{stem}.tfrecord").write_bytes(b"cut short"),
        lambda out, stem: (out / f"{stem}.json").unlink(),
    ],
    ids=["shard gone", "shard cut", "json gone"],
)
def test_only_the_spoilt_shard_is_done_again(config, spoil):
    run(config())
    out = Path(config().out)
    before, times = digests(out), mtimes(out)
    spoil(out, "train-00001-of-00002")
    run(config())
    assert digests(out) == before
    changed = {name for name, mtime in mtimes(out).items() if mtime != times[name]}
    stem = "train-00001-of-00002"
    assert changed == {f"{stem}.tfrecord", f"{stem}.json", *OF_ALL}


def test_an_added_video_touches_only_its_shard(config, good_folder, tmp_path):
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    run(config(videos=str(films)))
    out = Path(config().out)
    times = mtimes(out)
    synthetic_media.write_clock_video(films / "new.mp4", 2, **SMALL)
    manifest = run(config(videos=str(films)))
    changed = {name for name, mtime in mtimes(out).items() if mtime != times[name]}
    (stem,) = {name.split(".")[0] for name in changed - OF_ALL}
    assert changed == {f"{stem}.tfrecord", f"{stem}.json", *OF_ALL}
    assert b"new.mp4@0.000" in (out / f"{stem}.tfrecord").read_bytes()
    assert "new.mp4@0.000" in ids_in(manifest)
    (films / "new.mp4").unlink()
    assert "new.mp4@0.000" not in ids_in(run(config(videos=str(films))))


@pytest.fixture
def cut(monkeypatch):
    """Ids of the videos of which something is cut."""
    ids, map_of = [], module.cut_shards.Workers.map

    def counted(self, function, items, failed):
        items = list(items)
        ids.extend(getattr(item, "video", item).id for item in items)
        return map_of(self, function, items, failed)

    monkeypatch.setattr(module.cut_shards.Workers, "map", counted)
    return ids


def same_size_other_film(folder, name, tmp_path):
    """Another film in the place of one, with as many bytes."""
    path, other = folder / name, tmp_path / f"other-{name}"
    synthetic_media.write_clock_video(other, 3, **SMALL)
    content = other.read_bytes()
    assert len(content) < path.stat().st_size
    path.write_bytes(content + bytes(path.stat().st_size - len(content)))


@pytest.mark.parametrize("checksum", [False, True])
def test_a_film_of_the_same_size_is_another(config, good_folder, tmp_path, checksum, cut):
    """Of 5 s before, of 3 s after: of its clips at 0, 2 and 4 s the last is gone. All is as if it
    had been prepared from nothing, but only what changed was cut."""
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    run(config(videos=films, checksum=checksum))
    same_size_other_film(films, "a.mp4", tmp_path)
    cut.clear()
    manifest = run(config(videos=films, checksum=checksum))
    assert set(cut) == {"a.mp4"}
    assert ids_in(manifest) == [clip for clip in GOOD_CLIPS if clip != "a.mp4@4.000"]
    run(config(videos=films, checksum=checksum, out=tmp_path / "nothing"))
    assert digests(config().out) == digests(tmp_path / "nothing")


def test_a_film_that_was_touched_is_the_same_by_checksum_only(config, good_folder, tmp_path, cut):
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    run(config(videos=films, checksum=True))
    before = digests(config().out)
    cut.clear()
    run(config(videos=films))  # both were noted
    os.utime(films / "b.mkv", ns=(1, 1_000_000_001))
    run(config(videos=films, checksum=True))
    assert cut == [] and digests(config().out) == before
    os.utime(films / "b.mkv", ns=(1, 1_000_000_002))
    run(config(videos=films))
    assert set(cut) == {"b.mkv"}
    cut.clear()
    run(config(videos=films, checksum=True))  # nobody noted the content this time
    assert "b.mkv" in cut


def test_what_is_lost_is_said_and_what_is_unknown_is_done_again(
    config, good_folder, tmp_path, cut, caplog
):
    """Shards of the version before noted sizes alone."""
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    run(config(videos=films))
    before = digests(config().out)
    for path in Path(config().out).glob("*-of-*.json"):
        content = json.loads(path.read_text())
        for video in content["inputs"]:
            del video["modified_ns"]
        if content["inputs"]:
            path.write_text(json.dumps(content))
    cut.clear()
    run(config(videos=films))
    assert set(cut) == set(GOOD) and digests(config().out) == before
    assert "4 videos were prepared by a version that did not note" in caplog.text
    (films / "a.mp4").unlink()
    run(config(videos=films))
    assert "has no more 1 videos that were prepared; their clips go: a.mp4" in caplog.text


def test_the_manifest_says_which_streams_were_taken(config, good_folder, tmp_path):
    """Of films with several; also of those whose clips are kept when another video comes."""
    films = tmp_path / "films"
    films.mkdir()
    odd_media.write_two_sounds(films / "two.mkv", Disposition.comment, 0)
    shutil.copy2(good_folder / GOOD[0], films / "one.mp4")
    configured = config(videos=str(films), num_shards=1, val_fraction=0.0)
    taken = (Taken("two.mkv", audio_stream=1, video_stream=0),)
    assert run(configured).streams == taken
    assert load_manifest(configured.out).streams == taken
    odd_media.write_preview_first(films / "three.mkv")
    manifest = run(configured)
    assert {t.video_id: (t.audio_stream, t.video_stream) for t in manifest.streams} == {
        "two.mkv": (1, 0),
        "three.mkv": (0, 1),
    }


def test_streams_that_are_asked_for_shape_the_shards(config):
    cutting = Cutting(2.0, 1.0, audio_stream=0, video_stream=0)
    settings = PrepareConfig("V", "O", cutting).settings()
    assert (settings["audio_stream"], settings["video_stream"]) == (0, 0)
    assert "audio_stream" not in PrepareConfig("V", "O").settings()


def test_shards_may_lie_in_a_bucket(config):
    """The bytes are those of local shards."""
    run(config())
    remote = run(config(out="memory://bucket/shards"))
    assert load_manifest("memory://bucket/shards") == remote
    local = load_manifest(config().out)
    assert {k: v.shards for k, v in remote.splits.items()} == {
        k: v.shards for k, v in local.splits.items()
    }
    assert ids_in(remote) == ids_in(local)


def test_names_that_are_not_utf_8_are_prepared_too(config, good_folder, tmp_path):
    """Of the folder and of a video in it; the records' bytes are those of the video's."""
    folder = os.path.join(os.fsencode(tmp_path), b"film\xe9s")
    os.mkdir(folder)
    shutil.copyfile(good_folder / "a.mp4", os.path.join(folder, b"a\xff.mp4"))
    manifest = run(config(videos=os.fsdecode(folder), val_fraction=0.0))
    assert ids_in(manifest) == [rf"a\xff.mp4@{start}.000" for start in (0, 2, 4)]
    assert manifest.videos == rf"{tmp_path}/film\xe9s"
    assert load_manifest(config().out) == manifest


def test_a_link_that_leads_nowhere_is_skipped_by_name(config, good_folder, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    shutil.copyfile(good_folder / "a.mp4", films / "a.mp4")
    (films / "gone.mp4").symlink_to("nowhere.mp4")
    (films / "loop.mp4").symlink_to("loop.mp4")
    (films / "second.mp4").symlink_to("a.mp4")
    (films / "round").symlink_to(films, target_is_directory=True)
    manifest = run(config(videos=str(films), val_fraction=0.0))
    assert ids_in(manifest) == [f"a.mp4@{start}.000" for start in (0, 2, 4)]
    skipped = {skip.video_id: skip.reason for skip in manifest.skipped}
    assert skipped == {n: f"no such media file: {n}" for n in ("gone.mp4", "loop.mp4")}


def test_no_validation_split_on_wish(config):
    manifest = run(config(val_fraction=0.0))
    assert (manifest.splits["train"].clips, manifest.splits["val"].clips) == (12, 0)
    assert manifest.shard_paths("val") == []


@pytest.mark.parametrize(
    ("num_shards", "val_fraction", "expected"),
    [(16, 0.1, 2), (4, 0.01, 1), (16, 0.5, 8), (16, 0.0, 0)],
)
def test_validation_has_its_share_of_shards(config, num_shards, val_fraction, expected):
    """max(1, round(num_shards * val_fraction)), and none without a fraction."""
    plans = module.shard_plans((), config(num_shards=num_shards, val_fraction=val_fraction))
    assert sum(plan.split == "train" for plan in plans) == num_shards
    assert sum(plan.split == "val" for plan in plans) == expected


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data/videos").is_dir(), reason="needs the shared real videos")
def test_real_videos_all_give_clips(tmp_path):
    """Six of the 63, in MP4, MKV, WebM and AVI."""
    videos = SHARED / "data/videos"
    chosen = [p for e in ("mkv", "webm", "avi") for p in sorted(videos.glob(f"*.{e}"))[:2]]
    chosen += sorted(videos.glob("*.mp4"))[:2]
    (tmp_path / "list.txt").write_text("\n".join(map(str, chosen)))
    manifest = run(PrepareConfig(str(tmp_path / "list.txt"), str(tmp_path / "out"), workers=2))
    assert manifest.skipped == ()
    clips = [
        clip
        for split in manifest.splits
        for clip in tf.data.TFRecordDataset(manifest.shard_paths(split))
        .map(records.parse)
        .as_numpy_iterator()
    ]
    assert {clip["video_id"].decode() for clip in clips} == {path.name for path in chosen}
    for clip in clips:
        assert 22050 <= len(clip["waveform"]) <= 441000
        assert 1e-4 < np.abs(clip["waveform"]).max() <= 1
        assert 1 <= len(clip["jpegs"]) <= 4
        for jpeg in clip["jpegs"]:
            assert min(tf.io.decode_jpeg(jpeg).shape[:2]) == 256
