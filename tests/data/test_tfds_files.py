"""What TensorFlow Datasets is told of prepared folders, held against the records themselves.

That the package reads them was checked once by hand, see docs/formats.md.
"""

import dataclasses
import json
import os

import pytest
import tensorflow as tf
from written_shards import LABELS, NAMES, write

from soundnet_tf.data import manifest, shard_reader, tfds_files


@pytest.mark.parametrize(
    ("codec", "sound"), [("pcm16", ("int16", True)), ("flac", ("string", False))]
)
def test_tfds_finds_every_key_and_its_type(tmp_path, codec, sound):
    """By features.json's own words a record is parsed as TFDS does: "audio" and "values" are raw
    bytes of that dtype and shape, Sequences and tensors of unknown length lists, all else one.
    Compressed sound is no samples."""
    data = write(tmp_path / "data", codec)
    told = json.loads((tmp_path / "data" / "features.json").read_text())
    found = dict(leaves("", told["content"]["features"]))
    record = next(iter(shard_reader.read(f"{data}/{NAMES[0]}.tfrecord"))).numpy()
    example = tf.train.Example.FromString(record).features.feature
    assert set(found) == set(example)
    kinds = {"int64": "int64_list", "float32": "float_list"}
    for key, (dtype, is_raw) in found.items():
        expected = "bytes_list" if is_raw else kinds.get(dtype, "bytes_list")
        assert example[key].WhichOneof("kind") == expected, key
    assert found["posteriors/objects/values"] == ("float16", True)
    assert found["audio"] == sound


def test_tfds_is_told_shapes_and_the_rate(tmp_path):
    """A row of classes for each frame, colours last, sound at our rate; -1 differs from clip to
    clip."""
    write(tmp_path / "data")
    told = json.loads((tmp_path / "data" / "features.json").read_text())["content"]["features"]
    heads = told["posteriors"]["featuresDict"]["features"]
    values = heads["objects"]["featuresDict"]["features"]["values"]["tensor"]
    assert values["shape"] == {"dimensions": ["-1", str(len(LABELS))]}
    pictures = told["jpegs"]["sequence"]
    assert pictures["length"] == "-1"
    assert pictures["feature"]["image"]["shape"] == {"dimensions": ["-1", "-1", "3"]}
    sound = told["audio"]["audio"]
    assert (sound["sampleRate"], sound["shape"]) == ("22050", {"dimensions": ["-1"]})


@pytest.mark.parametrize("lacking", [0, 1])
def test_posteriors_that_some_shards_lack_are_not_promised(tmp_path, lacking):
    """Whichever of a split's shards it is."""
    whole = manifest.load_manifest(write(tmp_path / "data"))
    assert "posteriors" in tfds_files.features(whole)["content"]["features"]
    shards = list(whole.splits["train"].shards)
    shards[lacking] = dataclasses.replace(shards[lacking], teachers={})
    train = dataclasses.replace(whole.splits["train"], shards=tuple(shards))
    part = dataclasses.replace(whole, splits={**whole.splits, "train": train})
    assert "posteriors" not in tfds_files.features(part)["content"]["features"]


def leaves(prefix, features):
    for name, feature in features.items():
        kind = feature["pythonClassName"].rpartition(".")[2]
        if kind == "FeaturesDict":
            yield from leaves(f"{prefix}{name}/", feature["featuresDict"]["features"])
            continue
        inner = feature.get("sequence", {}).get("feature", feature)
        (content,) = (value for key, value in inner.items() if key != "pythonClassName")
        is_raw = content.get("encoding", "none").lower() == "bytes"
        yield prefix + name, (content.get("dtype", "string"), is_raw)


def test_tfds_finds_every_shard(tmp_path):
    """The template is filled in as TFDS does it: five digits each, and "tfrecord"."""
    write(tmp_path / "data")
    told = json.loads((tmp_path / "data" / "dataset_info.json").read_text())
    names = []
    for split in told["splits"]:
        count = len(split["shardLengths"])
        assert split["shardLengths"] == ["2"] * count
        files = (tmp_path / "data").glob(f"{split['name']}-*.tfrecord")
        assert split["numBytes"] == str(sum(map(os.path.getsize, files)))
        for i in range(count):
            shard = f"{i:05d}-of-{count:05d}"
            values = {"SPLIT": split["name"], "SHARD_X_OF_Y": shard, "FILEFORMAT": "tfrecord"}
            names.append(split["filepathTemplate"].format(**values))
    assert names == [f"{name}.tfrecord" for name in NAMES]
    assert told["fileFormat"] == "tfrecord"


def test_an_incomplete_folder_is_none_of_tfds(tmp_path):
    data = write(tmp_path / "data")
    manifest.begin_labelling(manifest.load_manifest(data))
    assert not (tmp_path / "data" / "dataset_info.json").exists()
    manifest.end_labelling(manifest.load_for_labelling(data))
    assert (tmp_path / "data" / "dataset_info.json").exists()
