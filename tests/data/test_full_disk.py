"""Preparing and labelling where there is no room, or no way to write: one clear error, nothing half
written is taken for whole, and the same command then gives the bytes of an undisturbed run."""

import errno
import os
import shutil
import time
from pathlib import Path

import fatal_decoder
import pytest
import small_disk
from labelled_shards import contents
from labelled_shards import run as label
from prepare_material import digests, run

from soundnet_tf.data import clips
from soundnet_tf.data.manifest import load_for_labelling, load_manifest


@pytest.fixture
def disk(tmp_path):
    with small_disk.mounted(tmp_path / "disk", 4) as mounted:
        yield mounted


@pytest.mark.slow
def test_preparing_goes_on_where_a_full_disk_stopped_it(config, disk, tmp_path):
    """A disk of 4 kB, then always 32 kB more: shards are some 250 kB each, the errors come at
    many places, of TensorFlow's files and of Python's."""
    run(config(out=str(tmp_path / "whole")))
    out = disk.path / "shards"
    failed, kilobytes = 0, 4
    while True:
        try:
            run(config(out=str(out)))
            break
        except OSError as error:
            failed += 1
            assert "make room" in str(error) and "\n" not in str(error), error
            assert error.errno in (None, errno.ENOSPC)
            with pytest.raises(FileNotFoundError):
                load_manifest(str(out))
            left = os.listdir(out) if out.exists() else []
            assert not [name for name in left if name.endswith(".partial")]
        kilobytes += 32
        disk.resize(kilobytes)
    assert failed >= 5
    assert digests(out) == digests(tmp_path / "whole")


@pytest.mark.slow
def test_labelling_goes_on_where_a_full_disk_stopped_it(fresh, both, disk, tmp_path):
    whole = Path(shutil.copytree(fresh, tmp_path / "whole"))
    label(whole, both)
    size = sum(path.stat().st_size for path in fresh.rglob("*")) // 1024 + 32
    disk.resize(size)
    out = Path(shutil.copytree(fresh, disk.path / "shards"))
    failed = 0
    while True:
        try:
            label(out, both)
            break
        except OSError as error:
            failed += 1
            assert "make room" in str(error), error
            load_for_labelling(str(out))  # nothing is lost that was there
        size += 160
        disk.resize(size)
    assert failed >= 2
    assert contents(out) == contents(whole)


def test_a_folder_that_can_only_be_read_is_one_error(config, disk):
    out = disk.path / "shards"
    out.mkdir()
    disk.make_read_only()
    with pytest.raises(OSError, match="Read-only file system") as caught:
        run(config(out=str(out)))
    assert str(out) in str(caught.value)


def test_a_video_that_vanishes_is_skipped_and_cut_when_it_is_back(
    config, good_folder, tmp_path, monkeypatch
):
    """After it was planned, before it is cut. It comes back as it was, to the nanosecond."""
    films = tmp_path / "films"
    shutil.copytree(good_folder, films)
    shutil.copy2(films / "a.mp4", films / "b-vanishing.mp4")
    run(config(videos=str(films), out=str(tmp_path / "whole")))
    with monkeypatch.context() as patch:
        patch.setattr(clips, "cut", fatal_decoder.cut)
        manifest = run(config(videos=str(films)))
    (skipped,) = manifest.skipped
    assert skipped.video_id == "b-vanishing.mp4"
    assert skipped.reason == "no such media file: b-vanishing.mp4"
    os.rename(films / "b-vanishing.mp4.away", films / "b-vanishing.mp4")
    assert not run(config(videos=str(films))).skipped
    assert digests(config().out) == digests(tmp_path / "whole")


def test_a_clock_that_jumps_changes_no_byte(config, tmp_path, monkeypatch):
    """Every look at the clock is a day, or a year, before or after the one before."""
    run(config(out=str(tmp_path / "whole")))
    looks = []

    def jumping():
        looks.append(0)
        return 1.7e9 + (-1) ** len(looks) * 86400 * 365 * (len(looks) % 3)

    monkeypatch.setattr(time, "time", jumping)
    run(config())
    assert digests(config().out) == digests(tmp_path / "whole")
    for path in Path(config().out).iterdir():
        os.utime(path, (1, 1))  # by their dates written in 1970
    run(config())
    assert all(path.stat().st_mtime == 1 for path in Path(config().out).iterdir())
