"""What figures amount to: findings of clips, and why videos are left out."""

import csv

import pytest

from soundnet_tf.files import lists
from soundnet_tf.inspection import facts, findings, tables
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.settings import InspectConfig

CONFIG = InspectConfig(out="out", videos="videos")
GOOD = {
    "secs": 5.0,
    "still_share": 0.1,
    "silent_share": 0.2,
    "clipped_share": 0.0,
    "delay_secs": 0.5,
    "delay_peak": 4.0,
}
FACTS = {
    "secs": 20.0,
    "declared_secs": 20.1,
    "audio_languages": [None],
    "audio_stream": 0,
    "video_streams": 1,
    "video_stream": 0,
    "parts": 1,
    "rotation_degrees": 0,
    "mirrored": False,
    "sample_rate_hz": 44100,
    "frames_per_sec": 25.0,
    "begins_secs": {"audio": 0.0, "video": 0.1},
    "ends_secs": {"audio": 20.0, "video": 19.5},
}


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        ({}, []),
        ({"still_share": 0.7}, ["still"]),
        ({"still_share": None, "delay_peak": None, "delay_secs": None}, []),
        ({"silent_share": 0.98}, []),
        ({"silent_share": 0.99, "still_share": 0.9}, ["still", "silent"]),
        ({"clipped_share": 0.001}, ["clipped"]),
        ({"delay_peak": 5.0}, ["delayed"]),
        ({"delay_peak": 5.0, "delay_secs": -0.5}, ["delayed"]),
        ({"delay_peak": 9.0, "delay_secs": 0.09}, []),
        ({"match_rank": 0.9}, ["sound and picture do not match"]),
        ({"match_rank": None}, []),
        ({"problem": "it is broken"}, ["unreadable"]),
    ],
)
def test_findings_of_a_clip(figures, found):
    assert findings.clip_findings(GOOD | figures, CONFIG) == found


def judged(*clips, problem=None, path="/a.mp4"):
    video = Seen("a.mp4", path, "train", 1, {"facts": {}, "problem": problem}, list(clips))
    findings.judge([video], CONFIG)
    return video.reason, video.shown


def test_a_video_is_left_out_if_all_that_can_be_read_of_it_is_still_or_silent():
    still, silent = GOOD | {"still_share": 0.9}, GOOD | {"silent_share": 1.0}
    broken = {"problem": "it is broken"}
    assert judged(still, still) == ("still", [])
    assert judged(still, broken) == ("still", ["unreadable in 1 of 2 clips"])
    assert judged(silent, silent | still | {"silent_share": 1.0}) == (
        "silent",
        ["still in 1 of 2 clips"],
    )
    assert judged(still, silent, GOOD) == (
        "",
        ["still in 1 of 3 clips", "silent in 1 of 3 clips"],
    )
    cancelled = judged(silent | {"is_cancelled": True}, silent)[0]
    assert cancelled == "silent, since its channels cancel out (see --channel=loudest)"
    assert judged(broken, broken) == ("it is broken", [])
    assert judged(problem="no sound") == ("no sound", [])


def test_a_name_that_no_table_can_hold_is_the_reason():
    reason, _ = judged(GOOD, path="/caf\udce9.mp4")
    assert reason == "its name is no UTF-8, which no table can hold: rename it"
    assert judged(GOOD, path="/caf\\udce9.mp4")[0] == ""  # letters that are there


def test_keep_csv_holds_any_name(tmp_path):
    """As it is read again, and by Python's own reader."""
    names = [
        "a,b",
        'q"',
        "new\nline",
        "car\rriage",
        "both\r\n",
        " lead",
        "=1",
        "gs:",
        "<script>",
        "",
    ]
    names += ["yes", "\\udce9", "caf\udce9"]
    paths = [f"/films/{name}.mp4" for name in names]
    videos = [Seen(p[7:], p, "train", 1, {"facts": {}, "problem": None}, [GOOD]) for p in paths]
    findings.judge(videos, CONFIG)
    tables.write_keep(str(tmp_path), videos)
    *kept, last = lists.read_kept(str(tmp_path / "keep.csv"))
    assert [row.path for row in kept] == paths[:-1] and all(row.is_kept for row in kept)
    assert last.path == "/films/caf\\xe9.mp4" and not last.is_kept
    with open(tmp_path / "keep.csv", newline="", encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)][:-1] == paths[:-1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        (
            {"audio_languages": ["eng", None], "audio_stream": 1},
            ["2 sound streams (eng, no language), number 1 is taken"],
        ),
        ({"video_streams": 2}, ["2 picture streams, number 0 is taken"]),
        ({"parts": 3}, ["joined of 3 parts"]),
        ({"rotation_degrees": 90, "mirrored": True}, ["turned by 90 degrees", "mirrored"]),
        ({"declared_secs": 20.6}, ["the header says 20.60 s, there are 20.00 s"]),
        ({"secs": 100.0, "declared_secs": 101.9}, []),
        ({"declared_secs": None}, []),
        ({"sample_rate_hz": 8000}, ["sound of 8000 Hz"]),
        ({"frames_per_sec": 5.0}, ["5 pictures a second"]),
        (
            {"begins_secs": {"audio": 1.25, "video": 0.0}},
            ["the sound begins 1.25 s after the picture"],
        ),
        (
            {"begins_secs": {"audio": 0.0, "video": 0.3}},
            ["the picture begins 0.30 s after the sound"],
        ),
        (
            {"ends_secs": {"audio": 15.0, "video": 19.5}},
            ["the sound ends 4.50 s before the picture"],
        ),
    ],
)
def test_what_is_odd_about_a_file(changes, said):
    assert facts.oddities(FACTS | changes) == said


def test_of_a_file_that_cannot_be_read_nothing_is_odd():
    assert facts.oddities({}) == []
