"""Names that stand in files of others stay in their folder."""

import json

import pytest

from soundnet_tf.data import cached, manifest, shard_json
from soundnet_tf.data.manifest import Shard
from soundnet_tf.files.names import check_plain
from soundnet_tf.sounds import esc_dcase

OUTSIDE = [
    "/etc/passwd",
    "../x.tfrecord",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "s3://b/x",
    "a\0b",
    3,
    None,
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_no_plain_name_is_refused_with_its_value(name):
    with pytest.raises(ValueError) as caught:
        check_plain(name, "M.json")
    assert str(caught.value).startswith(f"M.json names the file {name!r}, where the name of one in")


@pytest.mark.parametrize("name", ["a.wav", "..a", ".hidden", "é ü.wav", "a..b"])
def test_any_other_name_is_a_name(name):
    check_plain(name, "M.json")


@pytest.mark.parametrize("name", OUTSIDE[:3])
def test_no_shard_of_a_manifest_or_json_lies_elsewhere(tmp_path, name):
    """Training would read it, and labelling would write there."""
    shard = vars(Shard("x", 1, 1, 1.0, 5, "")) | {"name": name}
    split = {"videos": 1, "clips": 1, "seconds": 1.0, "bytes": 5, "shards": [shard]}
    content = {"format": 1, "version": "", "videos": "", "settings": {}, "skipped": []}
    content["splits"] = {"train": split}
    for file in (manifest.MANIFEST_NAME, manifest.LABELLING_NAME):
        (tmp_path / file).write_text(json.dumps(content))
        with pytest.raises(ValueError, match="names the file"):
            manifest.load_for_labelling(str(tmp_path))
        (tmp_path / file).unlink()
    of_shard = {"settings": {}, "inputs": [], "shard": shard, "skipped": [], "left_out": []}
    (tmp_path / "x.json").write_text(json.dumps(of_shard))
    with pytest.raises(ValueError, match="names the file"):
        shard_json.read(str(tmp_path), "x.tfrecord")


def test_no_teacher_lies_elsewhere(tmp_path):
    shard = Shard("x", 1, 1, 1.0, 5, "", {"objects": {"fingerprint": "../../x", "teacher": "t"}})
    with pytest.raises(ValueError, match=r"names the file '../../x'"):
        cached.teachers_of(str(tmp_path), [shard])


def test_no_recording_of_esc50_lies_elsewhere(tmp_path):
    (tmp_path / "meta").mkdir()
    table = "filename,fold,target,category,esc10\n../../secret.wav,1,0,dog,True\n"
    (tmp_path / "meta" / "esc50.csv").write_text(table)
    with pytest.raises(ValueError, match=r"esc50.csv names the file '../../secret.wav'"):
        esc_dcase.load("esc50", str(tmp_path))
