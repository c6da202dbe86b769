"""Two JSON files by which TensorFlow Datasets reads prepared shards as they are:

    tfds.builder_from_directory("SHARDS").as_dataset(split="train")

The files are written in the documented form of its `dataset_info.json` and `features.json`
(https://www.tensorflow.org/datasets/external_tfrecord); nothing here needs the package. Sound is
decoded where it is 16-bit PCM, compressed sound stays as the file's bytes; frames and posteriors
are decoded.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data.settings import PCM16
from soundnet_tf.files import atomic, storage

if TYPE_CHECKING:
    from soundnet_tf.data.manifest import Manifest  # which writes these files too

INFO_NAME, FEATURES_NAME = "dataset_info.json", "features.json"
_NAME, _VERSION = "soundnet_clips", "1.0.0"
_SHARDS = "{SPLIT}-{SHARD_X_OF_Y}.{FILEFORMAT}"  # as prepare names them
_CORE = "tensorflow_datasets.core.features"


def write(manifest: "Manifest") -> None:
    """Writes both files for the shards of a folder, each unless it says so already. A split
    without shards is not named."""
    splits = [
        {
            "name": name,
            "filepathTemplate": _SHARDS,
            "numBytes": str(split.bytes),
            "shardLengths": [str(shard.clips) for shard in split.shards],
        }
        for name, split in manifest.splits.items()
        if split.shards
    ]
    info = {
        "name": _NAME,
        "version": _VERSION,
        "description": f"Clips of videos, sound and frames, by soundnet_tf {manifest.version}.",
        "fileFormat": "tfrecord",
        "splits": splits,
    }
    _write_new(manifest.directory, FEATURES_NAME, features(manifest))
    _write_new(manifest.directory, INFO_NAME, info)


def remove(directory: str) -> None:
    """Takes the folder from TFDS's sight, while its shards change."""
    storage.remove(os.path.join(directory, INFO_NAME))


def features(manifest: "Manifest") -> dict[str, Any]:
    """What each record holds, as features.json says it: keys and types of `records`."""
    codec = manifest.settings.get("audio_codec", PCM16)
    is_plain = codec == PCM16
    named = {
        "id": _text(),
        "video_id": _text(),
        "start_secs": _tensor("float32"),
        "sample_rate": _tensor("int64"),
        "sample_count": _tensor("int64"),
        "audio": _sound() if is_plain else _tensor("string"),
        "audio_codec": _text(),
        "jpegs": _sequence(_picture()),
        "frame_secs": _tensor("float32", -1),
    }
    if not is_plain:
        named["audio_fingerprint"] = _tensor("int64")
    if heads := _heads(manifest):
        of_heads = {head: _dict(_posteriors(classes)) for head, classes in heads.items()}
        named["posteriors"] = _dict(of_heads)
    content = {"features": named}
    return {
        "type": f"{_CORE}.features_dict.FeaturesDict",
        "content": content,
        "proto_cls": "tensorflow_datasets.FeaturesDict",
    }


def _heads(manifest: "Manifest") -> dict[str, int]:
    """Heads of which all clips hold posteriors, with their classes."""
    shards = [s for split in manifest.splits.values() for s in split.shards if s.clips]
    of_shards = [{head: t["classes"] for head, t in shard.teachers.items()} for shard in shards]
    first = of_shards[0] if of_shards else {}
    return {
        head: classes
        for head, classes in sorted(first.items())
        if all(of_shard.get(head) == classes for of_shard in of_shards)
    }


def _posteriors(classes: int) -> dict[str, Any]:
    return {
        "teacher": _text(),
        "fingerprint": _text(),
        "classes": _tensor("int64"),
        "values": _tensor("float16", -1, classes, encoding="bytes"),
    }


def _feature(module: str, kind: str, field: str, content: Mapping) -> dict[str, Any]:
    return {"pythonClassName": f"{_CORE}.{module}.{kind}", field: content}


def _dict(named: Mapping) -> dict[str, Any]:
    return _feature("features_dict", "FeaturesDict", "featuresDict", {"features": named})


def _sequence(of: Mapping) -> dict[str, Any]:
    content = {"feature": of, "length": "-1"}
    return _feature("sequence_feature", "Sequence", "sequence", content)


def _text() -> dict[str, Any]:
    return _feature("text_feature", "Text", "text", {})


def _tensor(dtype: str, *shape: int, encoding: str = "none") -> dict[str, Any]:
    content = {"shape": _shape(*shape), "dtype": dtype, "encoding": encoding}
    return _feature("tensor_feature", "Tensor", "tensor", content)


def _sound() -> dict[str, Any]:
    content = {"shape": _shape(-1), "dtype": "int16", "sampleRate": str(SAMPLE_RATE)}
    return _feature("audio_feature", "Audio", "audio", content | {"encoding": "BYTES"})


def _picture() -> dict[str, Any]:
    content = {"shape": _shape(-1, -1, 3), "dtype": "uint8", "encodingFormat": "jpeg"}
    return _feature("image_feature", "Image", "image", content)


def _shape(*dimensions: int) -> dict[str, list[str]]:
    """-1 where it differs from clip to clip."""
    return {"dimensions": [str(d) for d in dimensions]} if dimensions else {}


def _write_new(directory: str, name: str, content: Mapping) -> None:
    path = os.path.join(directory, name)
    if atomic.read_json(path) != content:
        atomic.write_json(path, content)
