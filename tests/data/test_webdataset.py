"""Clips as WebDataset's tars, read back by tarfile, wave and json alone."""

import io
import json
import os
import tarfile
import wave

import numpy as np
import prepare_material
import pytest
from written_shards import LABELS, NAMES, clip, write

from soundnet_tf.data import folder, manifest, records, shard_reader, webdataset
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.serving.export.settings import ExportConfig


def samples_of(path) -> dict[str, dict[str, bytes]]:
    """As WebDataset groups: the key is what stands before the first dot; neighbours belong."""
    samples: dict[str, dict[str, bytes]] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, suffix = member.name.split(".", 1)
            assert key not in samples or key == list(samples)[-1]
            samples.setdefault(key, {})[suffix] = tar.extractfile(member).read()
    return samples


@pytest.mark.parametrize("codec", ["pcm16", "flac"])
def test_a_tar_holds_what_its_shard_holds(tmp_path, codec):
    data = write(tmp_path / "data", codec)
    tars = webdataset.export(data, str(tmp_path / "out"), progress=False)
    assert tars == [f"{name}.tar" for name in NAMES]
    for name in NAMES:
        shard = shard_reader.read(f"{data}/{name}.tfrecord").as_numpy_iterator()
        samples = samples_of(tmp_path / "out" / f"{name}.tar")
        assert list(samples) == [f"{name}-{i:06d}" for i in range(2)]
        for record, files in zip(map(records.decode, shard), samples.values(), strict=True):
            told = json.loads(files["json"])
            said = told.pop("posteriors")["objects"]
            assert told == {
                "id": record.id,
                "video_id": record.video_id,
                "start_secs": 1.5,
                "sample_rate": 22050,
                "sample_count": record.sample_count,
                "frame_secs": [0.0, 0.25],
            }
            assert (said["teacher"], said["fingerprint"]) == ("a teacher", "f" * 16)
            values = record.posteriors["objects"].values
            np.testing.assert_array_equal(np.float16(said["values"]), values)
            assert (files["0.jpg"], files["1.jpg"]) == record.jpegs
            if codec == "flac":
                assert files["flac"] == record.audio
                continue
            with wave.open(io.BytesIO(files["wav"])) as sound:
                assert sound.getparams()[:4] == (1, 2, 22050, record.sample_count)
                assert sound.readframes(10**6) == record.audio


def test_what_reads_the_tars_finds_classes_and_counts(tmp_path):
    webdataset.export(write(tmp_path / "data"), str(tmp_path / "out"), progress=False)
    told = json.loads((tmp_path / "out" / "webdataset.json").read_text())
    assert told["labels"] == {"objects": list(LABELS)}
    assert [tar["clips"] for tar in told["tars"]["train"]] == [2, 2]
    for tar in [*told["tars"]["train"], *told["tars"]["val"]]:
        assert tar["bytes"] == os.path.getsize(tmp_path / "out" / tar["name"])


def test_an_export_goes_on_and_gives_the_same_bytes(tmp_path, monkeypatch):
    """Ended within the second tar: the first is not written again, and of the second nothing is
    seen; then all is as of a run that was not disturbed."""
    data = write(tmp_path / "data")
    webdataset.export(data, str(tmp_path / "whole"), progress=False)
    calls, files_of = [], webdataset.files_of

    def ends(clip):
        calls.append(clip)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return files_of(clip)

    monkeypatch.setattr(webdataset, "files_of", ends)
    with pytest.raises(KeyboardInterrupt):
        webdataset.export(data, str(tmp_path / "out"), progress=False)
    assert [p.name for p in sorted((tmp_path / "out").glob("*.tar"))] == [f"{NAMES[0]}.tar"]
    assert not (tmp_path / "out" / "webdataset.json").exists()
    first = (tmp_path / "out" / f"{NAMES[0]}.tar").stat().st_mtime_ns
    webdataset.export(data, str(tmp_path / "out"), progress=False)
    assert prepare_material.digests(tmp_path / "out") == prepare_material.digests(
        tmp_path / "whole"
    )
    assert (tmp_path / "out" / f"{NAMES[0]}.tar").stat().st_mtime_ns == first


def test_a_tar_of_a_shard_that_changed_or_that_was_cut_is_written_again(tmp_path):
    data, out = write(tmp_path / "data"), tmp_path / "out"
    webdataset.export(data, str(out), progress=False)
    whole = prepare_material.digests(out)
    os.truncate(out / f"{NAMES[1]}.tar", 1000)
    source = out / f"{NAMES[0]}.source"
    source.write_text(source.read_text().replace('"shard_sha256": "', '"shard_sha256": "0'))
    before = prepare_material.mtimes(out)
    webdataset.export(data, str(out), progress=False)
    assert prepare_material.digests(out) == whole
    changed = {n for n, at in prepare_material.mtimes(out).items() if at != before[n]}
    assert {f"{NAMES[0]}.tar", f"{NAMES[1]}.tar"} <= changed
    assert f"{NAMES[2]}.tar" not in changed


def test_while_a_tar_is_written_again_the_list_of_tars_is_gone(tmp_path, monkeypatch):
    """Whoever trains by it meanwhile would meet a tar that is not there."""
    data, out = write(tmp_path / "data"), tmp_path / "out"
    webdataset.export(data, str(out), progress=False)
    os.truncate(out / f"{NAMES[1]}.tar", 1000)
    seen = []

    def told(clip):
        seen.append((out / "webdataset.json").exists())
        raise KeyboardInterrupt

    monkeypatch.setattr(webdataset, "files_of", told)
    with pytest.raises(KeyboardInterrupt):
        webdataset.export(data, str(out), progress=False)
    assert seen == [False] and not (out / "webdataset.json").exists()


def test_a_shard_without_clips_gives_no_tar(tmp_path):
    shards = {f"{NAMES[0]}.tfrecord": [], f"{NAMES[1]}.tfrecord": [clip(1)]}
    shards[f"{NAMES[2]}.tfrecord"] = [clip(2)]
    teachers = {"objects": CachedTeacher("a teacher", "f" * 16, LABELS)}
    folder.write_folder(str(tmp_path / "d"), shards, {"frame_every_secs": 0.25}, "", teachers)
    tars = webdataset.export(str(tmp_path / "d"), str(tmp_path / "out"), progress=False)
    assert tars == [f"{NAMES[1]}.tar", f"{NAMES[2]}.tar"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tar")) == tars


def test_a_shard_that_lost_its_last_clip_gives_no_tar(tmp_path, monkeypatch):
    """Cut meanwhile, and where a record ends, which reading does not notice."""
    data = write(tmp_path / "data")
    path = tmp_path / "data" / f"{NAMES[0]}.tfrecord"
    first = next(shard_reader.read(str(path)).as_numpy_iterator())
    prepared = manifest.load_manifest(data)
    monkeypatch.setattr(manifest, "load_manifest", lambda _: prepared)
    os.truncate(path, len(first) + shard_reader.FRAME_BYTES)
    with pytest.raises(ValueError, match=f"{NAMES[0]}.tfrecord has 1 clips, not the 2 it was"):
        webdataset.export(data, str(tmp_path / "out"), progress=False)
    assert not list((tmp_path / "out").glob("*.tar"))


def test_tars_of_something_else_are_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.tar").write_bytes(b"")
    with pytest.raises(ValueError, match=r"1 tars of something else, theirs\.tar for one; choose"):
        webdataset.export(write(tmp_path / "data"), str(tmp_path / "out"), progress=False)


def test_a_damaged_shard_is_named(tmp_path):
    data = write(tmp_path / "data")
    path = tmp_path / "data" / f"{NAMES[0]}.tfrecord"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{NAMES[0]}.tfrecord is damaged \(record \d"):
        webdataset.export(data, str(tmp_path / "out"), progress=False)
    assert not list((tmp_path / "out").glob("*.tar"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": "D"}, "give both --data=SHARDS and --format=webdataset, or neither"),
        ({"run": "R", "formats": ("webdataset",)}, "give both --data=SHARDS and --format=webdata"),
        ({"data": "D", "formats": ("webdataset", "keras")}, "clips are exported as webdataset"),
        ({"data": "D", "run": "R", "formats": ("webdataset",)}, "give either --run"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ExportConfig(out="O", **given)


def test_a_folder_that_is_not_prepared_is_refused_before_any_work(tmp_path):
    config = ExportConfig(out="O", data=str(tmp_path), formats=("webdataset",))
    with pytest.raises(FileNotFoundError, match="is not a prepared folder"):
        config.check_inputs()
