"""Preparation that goes wrong: bad videos, crashes, interruptions, settings that do not fit."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import fatal_decoder
import numpy as np
import pytest
import synthetic_media
from prepare_material import GOOD_CLIPS, SMALL, digests, ids_in, mtimes, run

from soundnet_tf.data import clips, planning, records, shards
from soundnet_tf.data import prepare as module
from soundnet_tf.data.clips import Run
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.settings import Cutting, Limits
from soundnet_tf.data.shards import ShardPlan
from soundnet_tf.data.videos import find_videos
from soundnet_tf.files import atomic

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip_secs": 3.0}, r"--clip_seconds was 2.0, is 3.0\): choose another --out"),
        ({"frame_every_secs": 0.5}, "--frame_every was 1.0, is 0.5"),
        ({"num_shards": 3}, "--num_shards was 2, is 3"),
        ({"val_fraction": 0.5, "channel": "first"}, "--channel was mean, is first; --val_fraction"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(config, change, message):
    run(config())
    before = mtimes(config().out)
    with pytest.raises(ValueError, match=message):
        run(config(**change))
    assert mtimes(config().out) == before


def test_an_interrupted_run_keeps_whole_shards_and_goes_on(config, monkeypatch, tmp_path):
    whole = run(config(out=str(tmp_path / "unbroken")))
    encode, encoded = records.encode, []

    def interrupted_at_the_last_clip(record):
        encoded.append(record.id)
        if len(encoded) == 12:
            raise KeyboardInterrupt
        return encode(record)

    out = Path(config().out)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records, "encode", interrupted_at_the_last_clip)
        run(config())
    kept = mtimes(out)
    assert kept and not any(name.endswith(".partial") for name in kept)
    assert {Path(name).stem for name in kept} < {
        Path(shard.name).stem for split in whole.splits.values() for shard in split.shards
    }
    with pytest.raises(FileNotFoundError, match="only half prepared"):
        load_manifest(str(out))
    run(config())
    assert kept.items() <= mtimes(out).items()
    assert digests(out) == digests(tmp_path / "unbroken")


def test_a_shard_stays_as_it_was_until_its_successor_is_whole(config, monkeypatch):
    """Interrupted while it is written, the old one stays; between shard and JSON, none counts."""
    run(config())
    before = mtimes(config().out)
    (plan, *_) = module.shard_plans(find_videos(config().videos), config())

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records, "encode", interrupt)
        run_of_one = Run(plan.videos[0], (0.0,), last=True)
        outcomes = clips.cut(run_of_one, Cutting(2.0, 1.0))
        shards.write_shard(config().out, plan, {}, iter([(run_of_one, outcomes)]))
    assert mtimes(config().out) == before
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(atomic, "write_json", interrupt)
        empty = ShardPlan(plan.name, plan.split, ())
        shards.write_shard(config().out, empty, {}, iter(()))
    assert shards.finished(config().out, plan, config().settings()) is None
    assert set(before) - set(mtimes(config().out)) == {plan.name.replace(".tfrecord", ".json")}


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    synthetic_media.write_clock_video(folder / "good.mp4", 2, **SMALL)
    synthetic_media.write_clock_video(folder / "mute.mp4", 2, sound=False, **SMALL)
    synthetic_media.write_clock_video(folder / "blind.mp4", 2, picture=False, **SMALL)
    synthetic_media.write_clock_video(folder / "short.mkv", 0.5, **SMALL)
    (folder / "empty.webm").touch()
    (folder / "garbage.avi").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            synthetic_media,
            "clock_sound",
            lambda start, seconds, rate: np.zeros(round(seconds * rate), np.float32),
        )
        synthetic_media.write_clock_video(folder / "silent.mov", 3, **SMALL)
    return folder


def test_videos_that_cannot_be_used_are_skipped_with_their_reasons(config, bad_folder):
    manifest = run(config(videos=str(bad_folder)))
    assert ids_in(manifest) == ["good.mp4@0.000"]
    reasons = {skipped.video_id: skipped.reason for skipped in manifest.skipped}
    assert len(reasons) == 6
    assert reasons["mute.mp4"] == "no sound"
    assert reasons["blind.mp4"] == "no pictures"
    assert reasons["silent.mov"] == "silent"
    assert "too short" in reasons["short.mkv"]
    assert "empty" in reasons["empty.webm"]
    assert "FFmpeg cannot read it" in reasons["garbage.avi"]
    written = json.loads((Path(config().out) / "manifest.json").read_text())
    assert {s["video_id"]: s["reason"] for s in written["skipped"]} == reasons


@pytest.mark.parametrize("bad", ["mute.mp4", "garbage.avi", "silent.mov"])
def test_strict_stops_at_a_bad_video_and_names_it(config, bad_folder, tmp_path, bad):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{bad_folder}/good.mp4\n{bad_folder}/{bad}\n")
    with pytest.raises(ValueError, match=rf"^{bad}: .*\(strict"):
        run(config(videos=str(listed), strict=True))
    assert not list(Path(config().out).glob("*.partial"))
    run(config(videos=str(listed)))
    with pytest.raises(ValueError, match=rf"^{bad}: .*\(strict"):  # from what the shards say
        run(config(videos=str(listed), strict=True))


def test_no_usable_video_at_all_is_an_error(config, bad_folder):
    source = f"{bad_folder}/[mbe]*.*"  # mute, blind, empty
    with pytest.raises(ValueError, match="none of 3 videos gave a clip .*mute.mp4: no sound"):
        run(config(videos=source))
    with pytest.raises(FileNotFoundError, match="half prepared"):
        load_manifest(config().out)


def test_a_video_that_crashes_the_decoder_costs_only_itself(
    config, good_folder, tmp_path, monkeypatch
):
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    shutil.copyfile(films / "a.mp4", films / "a-lethal.mp4")
    shutil.copyfile(films / "a.mp4", films / "b-lethal-header.mp4")
    monkeypatch.setattr(planning, "plan", fatal_decoder.plan)
    monkeypatch.setattr(clips, "cut", fatal_decoder.cut)
    manifest = run(config(videos=str(films), workers=2))
    assert ids_in(manifest) == GOOD_CLIPS
    assert sorted((s.video_id, s.reason) for s in manifest.skipped) == [
        ("a-lethal.mp4", "crashed the decoder"),
        ("b-lethal-header.mp4", "crashed the decoder"),
    ]


def test_a_video_that_hangs_or_wants_all_memory_costs_only_itself(
    config, good_folder, tmp_path, monkeypatch
):
    """It hangs with Python's lock, as a decoder in C may; the other one wants 3 GB."""
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    shutil.copyfile(films / "a.mp4", films / "a-hanging.mp4")
    shutil.copyfile(films / "a.mp4", films / "c-greedy.mp4")
    monkeypatch.setattr(clips, "cut", fatal_decoder.cut)
    limits = Limits(task_secs=20.0, task_gb=1.0)
    manifest = run(config(videos=str(films), workers=2, limits=limits))
    assert ids_in(manifest) == GOOD_CLIPS
    assert sorted((s.video_id, s.reason) for s in manifest.skipped) == [
        ("a-hanging.mp4", "took longer than 20 s (see --video_timeout_secs)"),
        ("c-greedy.mp4", "needs more than 1 GB of memory (see --video_memory_gb)"),
    ]
    assert "2 skipped (1 needs too much memory, 1 takes too long):" in module.summary(manifest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip_secs": 0.5}, r"clip_secs \(--clip_seconds\) is 0.5; it should be at least 1"),
        ({"frame_every_secs": 0.0}, r"\(--frame_every\) is 0.0; it should be above 0"),
        ({"frame_every_secs": 2.5}, r"\(--frame_every\) is 2.5; .* at most a clip's 2 s"),
        ({"num_shards": 0}, "num_shards is 0; it should be at least 1"),
        ({"val_fraction": 1.0}, "val_fraction is 1.0; it should be at least 0 and below 1"),
        ({"workers": 0}, "workers is 0; it should be at least 1"),
        ({"channel": "left"}, "channel 'left' is unknown; choose one of mean, first"),
    ],
)
def test_settings_out_of_range_are_refused(config, change, message):
    with pytest.raises(ValueError, match=message):
        config(**change)


def command(*flags: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(ROOT / "bin/prepare.py"), *flags],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_command_prints_a_table_the_skipped_and_what_comes_next(bad_folder, tmp_path):
    out = tmp_path / "shards"
    ran = command(f"--videos={bad_folder}", f"--out={out}", "--workers=1", "--val_fraction=0")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["split", "shards", "videos", "clips", "hours", "MB"]
    assert lines[1].split()[:5] == ["train", "16", "1", "1", "0.00"]
    kinds = "2 cannot be read, 1 no pictures, 1 no sound, 1 silent, 1 too short"
    assert f"6 skipped ({kinds}):" in lines
    assert "  mute.mp4: no sound" in lines
    assert lines[-1].startswith("Not enough to train on: ") and str(out) in lines[-1]


@pytest.mark.slow
def test_the_command_says_errors_in_one_line(tmp_path):
    ran = command(f"--videos={tmp_path}", f"--out={tmp_path}/shards")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(f"prepare.py: {tmp_path}: no videos found")
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
