"""Prepared folders, looked at: the same sound and pictures as the films have."""

import csv
import shutil

import av
import numpy as np
import prepare_material
import pytest
from inspected_films import film, notes

from soundnet_tf.inspection.run import inspect
from soundnet_tf.inspection.settings import InspectConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Films, and shards of them in clips of 20 s with a frame a second."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "films" / "deep").mkdir(parents=True)
    film(folder / "films" / "deep" / "moving.mp4", 1, notes(1, 8))
    film(folder / "films" / "deep" / "copy.mp4", 1, 0.5 * notes(1, 8)[22050:], 7.0, 1.0, (64, 48))
    film(folder / "films" / "still.mp4", None, notes(3, 5), 5.0)
    (folder / "films" / "broken.mp4").write_bytes(b"no film")
    prepare_material.run(
        prepare_material.config(folder / "films", folder / "shards", clip_secs=20.0)
    )
    return folder


def look(folder, out, **changes):
    changes = dict(workers=1) | changes
    return inspect(InspectConfig(out=str(out), data=str(folder / "shards"), **changes), False)


def by_id(found):
    return {video.id: video for video in found.videos}


def test_what_is_found_in_shards(folder, tmp_path):
    videos = by_id(look(folder, tmp_path / "out"))
    assert {id: video.reason for id, video in videos.items() if id != "broken.mp4"} == {
        "deep/copy.mp4": "copy of deep/moving.mp4",
        "deep/moving.mp4": "",
        "still.mp4": "still",
    }
    assert "FFmpeg cannot read it" in videos["broken.mp4"].reason
    assert [video.split for video in videos.values()].count("") == 1
    clip = videos["deep/moving.mp4"].clips[0]
    assert clip["pictures"] == 8 and clip["cuts_per_min"] is None and clip["delay_secs"] is None
    assert clip["sound"] is None, "the film is there to listen to"


def test_the_films_are_kept_by_their_paths(folder, tmp_path):
    look(folder, tmp_path / "out")
    manifest = prepare_material.run(
        prepare_material.config(tmp_path / "out" / "keep.csv", tmp_path / "shards")
    )
    assert {id.rsplit("@")[0] for id in prepare_material.ids_in(manifest)} == {"deep/moving.mp4"}


def test_without_the_films_their_sound_is_there_to_listen_to(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    manifest = tmp_path / "moved" / "shards" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(folder / "films"), "/nowhere"))
    found = look(tmp_path / "moved", tmp_path / "out")
    (clip,) = by_id(found)["deep/moving.mp4"].clips
    with av.open(str(tmp_path / "out" / clip["sound"])) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(heard) / 22050 == pytest.approx(8, abs=0.2)
    with open(tmp_path / "out" / "keep.csv", newline="") as file:
        rows = {row["video_id"]: row["path"] for row in csv.DictReader(file)}
    assert rows["deep/moving.mp4"] == "deep/moving.mp4"


def test_two_workers_and_a_second_look_find_the_same(folder, tmp_path, monkeypatch):
    one = look(folder, tmp_path / "out")
    two = look(folder, tmp_path / "two", workers=2)
    assert [(v.found, v.clips) for v in one.videos] == [(v.found, v.clips) for v in two.videos]
    before = sorted((tmp_path / "out" / "rows.jsonl").read_text().splitlines())
    monkeypatch.setattr("soundnet_tf.inspection.pieces.add", None)  # nothing is to be added
    again = look(folder, tmp_path / "out")
    assert sorted((tmp_path / "out" / "rows.jsonl").read_text().splitlines()) == before
    assert [(v.id, v.found, v.clips) for v in again.videos] == [
        (v.id, v.found, v.clips) for v in one.videos
    ]


def test_compressed_sound_is_decoded(folder, tmp_path):
    pytest.importorskip("tensorflow_io")
    prepare_material.run(
        prepare_material.config(
            folder / "films", tmp_path / "shards", clip_secs=20.0, audio_codec="flac"
        )
    )
    plain, packed = look(folder, tmp_path / "plain"), look(tmp_path, tmp_path / "packed")
    assert [video.clips for video in plain.videos] == [video.clips for video in packed.videos]


def test_shards_without_posteriors_cannot_be_compared_with_a_student(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("soundnet_tf.models.settings.check_student", lambda _: None)
    with pytest.raises(ValueError, match="has no posteriors of classes that published knows"):
        look(folder, tmp_path / "out", model="published")
