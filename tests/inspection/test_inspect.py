"""The stage on films of which is known what is to be found."""

import csv
import json
import shutil

import media_writer
import numpy as np
import prepare_material
import pytest
from inspected_films import FPS, RATE, clicks, events, film, notes, waves
from media_writer import Pictures, Sound

from soundnet_tf.data import clips, reasons
from soundnet_tf.files.identity import Identity
from soundnet_tf.inspection import films, page, pieces, report
from soundnet_tf.inspection.run import inspect
from soundnet_tf.inspection.settings import InspectConfig

SCRIPT = "</script><b onclick=alert(1)>&.mp4"  # a file `script>...` in a folder `<`
LATE_SECS = 0.4
EVENTS = events(3, 12.0, 14)


def write_videos(folder):
    whole = notes(1, 8)
    (folder / "<").mkdir(parents=True)
    film(folder / "moving.mp4", 1, whole)
    copied = 0.4 * whole[round(1.5 * RATE) :]
    film(folder / SCRIPT, 1, copied, 6.5, 1.5, (64, 48), bit_rate=60_000, audio_bit_rate=48_000)
    film(folder / "still.mp4", None, notes(3, 5), 5.0)
    film(folder / "silent.mp4", 4, np.zeros(5 * RATE, np.float32), 5.0)
    film(folder / "clipped.mp4", 5, np.clip(9 * notes(5, 5), -1, 1), 5.0)
    write_late(folder / "late.mp4")
    write_languages(folder / "languages.mkv")
    (folder / "broken.mp4").write_bytes(b"no film at all")


def write_late(path):
    """Another scene at each event, and a click LATE_SECS later."""
    moments = np.arange(12 * FPS) / FPS
    scenes = np.searchsorted(EVENTS, moments + 1e-9, side="right")
    pictures = [waves(100 + int(n), 0.2 * secs) for n, secs in zip(scenes, moments, strict=True)]
    sound = Sound("aac", RATE, clicks(EVENTS + LATE_SECS, 12.0))
    media_writer.write(path, Pictures("libx264", pictures, moments, FPS), sound)


def write_languages(path):
    moments = np.arange(5 * FPS) / FPS
    media_writer.write(
        path,
        Pictures("libx264", [waves(8, secs) for secs in moments], moments, FPS),
        Sound("aac", RATE, notes(8, 5), language="eng", flags=1),
        Sound("aac", RATE, notes(9, 5), language="deu"),
    )


def config(videos, out, **changes):
    return InspectConfig(out=str(out), videos=str(videos), **dict(workers=1) | changes)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked_at")
    write_videos(folder / "videos")
    found = inspect(config(folder / "videos", folder / "out"), progress=False)
    return folder, found


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_finding_is_of_the_clip_that_has_it(looked_at):
    folder, _ = looked_at
    found = {row["video_id"]: row["found"] for row in table(folder / "out" / "clips.csv")}
    assert found == {
        "moving.mp4": "",
        SCRIPT: "",
        "still.mp4": "still",
        "silent.mp4": "silent",
        "clipped.mp4": "clipped",
        "late.mp4": "delayed",
        "languages.mkv": "",
    }


def test_figures_are_those_of_what_was_written(looked_at):
    """Scenes change at each event; what is heard is LATE_SECS behind, to a frame."""
    folder, _ = looked_at
    rows = {row["video_id"]: row for row in table(folder / "out" / "clips.csv")}
    late = rows["late.mp4"]
    assert float(late["cuts_per_min"]) == pytest.approx(60 * len(EVENTS) / 12, abs=0.1)
    assert float(late["delay_secs"]) == pytest.approx(LATE_SECS, abs=0.04)
    assert float(rows["moving.mp4"]["cuts_per_min"]) == 0
    assert float(rows["silent.mp4"]["silent_share"]) == 1
    assert float(rows["clipped.mp4"]["clipped_share"]) > 0.005
    assert float(rows["moving.mp4"]["secs"]) == pytest.approx(8, abs=0.1)


def test_a_copy_is_found_though_it_is_cut_small_quiet_and_coded_anew(looked_at):
    folder, found = looked_at
    rows = table(folder / "out" / "duplicates.csv")
    assert [(row["video_id"], row["kept"]) for row in rows] == [
        ("moving.mp4", "yes"),
        (SCRIPT, "no"),
    ]
    assert {row["agrees_in"] for row in rows} == {"sound and pictures"}
    assert float(rows[0]["sounds_shift_secs"]) == pytest.approx(-1.5, abs=0.2)
    assert float(rows[1]["sounds_shift_secs"]) == pytest.approx(1.5, abs=0.2)
    assert len(found.groups) == 1


def test_what_is_left_out_and_why(looked_at):
    folder, _ = looked_at
    rows = {row["video_id"]: row for row in table(folder / "out" / "keep.csv")}
    assert {id: row["reason"] for id, row in rows.items() if row["keep"] == "no"} == {
        SCRIPT: "copy of moving.mp4",
        "still.mp4": "still",
        "silent.mp4": "silent",
        "broken.mp4": rows["broken.mp4"]["reason"],
    }
    assert "FFmpeg cannot read it" in rows["broken.mp4"]["reason"]
    assert rows["languages.mkv"]["shown"] == "2 sound streams (eng, deu), number 0 is taken"
    assert rows["late.mp4"]["shown"] == "delayed in 1 of 1 clips"


def test_prepare_takes_what_is_kept_and_what_people_changed(looked_at, tmp_path):
    """The ids are those of the whole folder, so that the splits are too."""
    folder, _ = looked_at
    keep = folder / "out" / "keep.csv"
    manifest = prepare_material.run(prepare_material.config(keep, tmp_path / "shards"))
    kept = {"moving.mp4", "clipped.mp4", "late.mp4", "languages.mkv"}
    assert {id.rsplit("@")[0] for id in prepare_material.ids_in(manifest)} == kept
    changed = tmp_path / "changed.csv"
    changed.write_text(keep.read_text().replace("still.mp4,no", "still.mp4, YES "))
    again = prepare_material.run(prepare_material.config(changed, tmp_path / "again"))
    assert {id.rsplit("@")[0] for id in prepare_material.ids_in(again)} == {*kept, "still.mp4"}


def outputs(out):
    """Every file but for what depends on when and where, by its path below `out`."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("report.json", "rows.jsonl")
    }


def test_two_workers_find_what_one_does(looked_at):
    folder, _ = looked_at
    inspect(config(folder / "videos", folder / "two", workers=2), progress=False)
    assert outputs(folder / "two") == outputs(folder / "out")


class Killed(BaseException):
    """As Ctrl-C."""


@pytest.mark.parametrize("clips_done", [0, 3])
def test_a_killed_run_goes_on_where_it_was(looked_at, monkeypatch, clips_done):
    """What has a row is not looked at again, half a row is, and all comes out as in one go."""
    folder, _ = looked_at
    out = folder / f"killed {clips_done}"
    left = [clips_done]

    def add(*args, **kwargs):
        if not left[0]:
            raise Killed
        left[0] -= 1
        return plain(*args, **kwargs)

    plain = pieces.add
    monkeypatch.setattr(pieces, "add", add)
    with pytest.raises(Killed):
        inspect(config(folder / "videos", out), progress=False)
    with open(out / "rows.jsonl", "ab") as file:
        file.write(b'{"kind": "clip", "video_')
    looked = []
    monkeypatch.setattr(pieces, "add", lambda *args: (looked.append(args[2]), plain(*args)))
    inspect(config(folder / "videos", out), progress=False)
    assert len(looked) == 7 - clips_done
    assert outputs(out) == outputs(folder / "out")


def test_a_video_that_has_changed_is_looked_at_again(looked_at, tmp_path):
    folder, _ = looked_at
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(folder / "videos" / "still.mp4", videos / "a.mp4")
    shutil.copy(folder / "videos" / "moving.mp4", videos / "b.mp4")
    first = inspect(config(videos, tmp_path / "out"), progress=False)
    assert [video.reason for video in first.videos] == ["still", ""]
    shutil.copy(folder / "videos" / "clipped.mp4", videos / "a.mp4")
    (videos / "b.mp4").unlink()
    again = inspect(config(videos, tmp_path / "out"), progress=False)
    assert [(video.id, video.found) for video in again.videos] == [("a.mp4", [["clipped"]])]


def test_other_limits_need_no_other_look_but_other_figures_do(looked_at):
    folder, _ = looked_at
    out = folder / "limits"
    shutil.copytree(folder / "out", out)
    found = inspect(config(folder / "videos", out, clipped_share=1.0), progress=False)
    assert "clipped" not in found.clips_found()
    with pytest.raises(ValueError, match="silent_dbfs was -60.0, is -50"):
        inspect(config(folder / "videos", out, silent_dbfs=-50.0), progress=False)


def test_channels_that_cancel_out_are_the_reason(tmp_path):
    """Unless the loudest one is taken; the reason is that which `prepare` has."""
    left, moments = notes(8, 5), np.arange(5 * FPS) / FPS
    pictures = Pictures("libx264", [waves(8, secs) for secs in moments], moments, FPS)
    sound = Sound("pcm_s16le", RATE, np.stack([left, -left], axis=1))
    path = media_writer.write(tmp_path / "x.mkv", pictures, sound)
    (video,) = inspect(config(path, tmp_path / "mean"), progress=False).videos
    assert video.reason == reasons.CANCELLED
    (video,) = inspect(config(path, tmp_path / "loud", channel="loudest"), progress=False).videos
    assert video.reason == ""


def test_a_decoder_that_dies_is_a_row():
    video = clips.Video("a.mp4", "/a.mp4", Identity())
    run = clips.Run(video, (0.0, 20.0), last=True)
    assert [left.reason for left in films.look_failed(run, "died")] == ["died"] * 2
    assert films.plan_failed(video, "died").runs[0].problem == "died"


def test_names_of_files_are_data_on_the_page(looked_at):
    """A name that would end the page's script, or be an element of it, stands there as JSON whose
    brackets are escaped; links are quoted."""
    folder, _ = looked_at
    html = (folder / "out" / "index.html").read_text("utf-8")
    data = html.split('id="data">')[1].split("</script>")[0]
    assert html.count("</script>") == 2 and "<b onclick" not in html
    videos = {video["id"]: video for video in json.loads(data)["videos"]}
    assert SCRIPT in videos
    assert (
        videos[SCRIPT]["link"] == "../videos/%3C/script%3E%3Cb%20onclick%3Dalert%281%29%3E%26.mp4"
    )
    assert "innerHTML" not in html and "http" not in html.replace("http-equiv", "")


def test_the_page_says_what_is_odd_and_what_figures_mean(looked_at):
    """languages.mkv has two streams of sound."""
    content = page.content(looked_at[1])
    odd = {video["id"]: video["odd"] for video in content["videos"] if video["odd"]}
    assert list(odd) == ["languages.mkv"] and "eng" in str(odd) and "deu" in str(odd)
    meanings = {figure["name"]: figure["meaning"] for figure in content["figures"]}
    assert meanings["silent_share"] == "windows of 20 ms that are silent" and all(meanings.values())
    clips = content["videos"][0]["clips"]
    assert all(len(clip["figures"]) == len(meanings) for clip in clips) and clips


def test_the_pages_files_are_there(looked_at):
    folder, found = looked_at
    for video in page.content(found)["videos"]:
        for clip in video["clips"]:
            assert (folder / "out" / clip["strip"]).read_bytes()[:2] == b"\xff\xd8"


def test_what_the_summary_says(looked_at):
    folder, found = looked_at
    said = report.summary(found)
    assert "8 videos, 7 clips" in said and "\ncopies, in 1 group   " in said
    assert "keep.csv keeps 4 videos, leaves out 1 copy, 1 silent, 1 still, 1 unreadable" in said
    assert said.endswith(f"Next: bin/prepare.py --videos={folder}/out/keep.csv --out=SHARDS")
    content = json.loads((folder / "out" / "report.json").read_text())
    assert content["left_out_videos"] == {"copy": 1, "silent": 1, "still": 1, "unreadable": 1}
    assert content["copies"]["groups"] == 1 and content["kept_videos"] == 4


def test_copies_in_both_splits_are_named_first(looked_at):
    """By a hash of their ids, see `videos.split_and_shard`: at 0.5 one of both is held out."""
    folder, _ = looked_at
    out = folder / "split"
    shutil.copytree(folder / "out", out)
    found = inspect(config(folder / "videos", out, val_fraction=0.5), progress=False)
    assert [group.is_split for group in found.groups] == [True]
    lines = report.summary(found).splitlines()
    assert lines[1] == "Copies of each other that stand in both splits:"
    assert "moving.mp4" in lines[2] and SCRIPT in lines[2]
