"""Whatever bytes a file has that we parse ourselves: it is read, or refused in one sentence.

Never another exception, an endless loop or memory beyond measure. Contents are whole files of which
some bytes are changed, cut away or put in, and JSON of any shape.
"""

import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
import torch7_files
import torch_checkpoints
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from soundnet_tf.data import cached, manifest, records, shard_json
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.files import atomic, identity, lists
from soundnet_tf.media import payload, track
from soundnet_tf.models.weights import npy, torch, torch7_file

EXAMPLES = int(os.environ.get("SOUNDNET_FUZZ_EXAMPLES", "200"))  # of each parser
EXPECTED = (ValueError, OSError)

many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


HUGE = (b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4))
TABLE = b'path,keep\na,yes\n"b,c",no\n'
BOXES = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x14mdat" + bytes(12) + b"\0\0\0\x08moov"
BOXES += b"\0\0\0\x01mdat" + (24).to_bytes(8, "big") + bytes(8)


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """A whole file with up to four changes: bytes set, cut away, put in, or a number of 4 bytes
    made huge; or any bytes at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200))
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(("set", "cut", "put", "huge", "end")))
        if how == "set" and at < len(content):
            content[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del content[at : at + draw(st.integers(1, 64))]
        elif how == "put":
            content[at:at] = draw(st.binary(min_size=1, max_size=16))
        elif how == "huge":
            content[at : at + 4] = draw(st.sampled_from(HUGE))
        else:
            del content[at:]
    return bytes(content)


def refused_or_read(read, content: bytes, name: str = "x") -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content)
        try:
            read(path)
        except EXPECTED as error:
            assert str(error)


def shard() -> manifest.Shard:
    return manifest.Shard("train-00000-of-00001.tfrecord", 1, 2, 3.0, 40, "ab", {})


def manifest_json() -> dict:
    split = {"videos": 1, "clips": 2, "seconds": 3.0, "bytes": 40, "shards": [vars(shard())]}
    return {
        "format": manifest.FORMAT,
        "version": "1",
        "videos": "V",
        "settings": {"clip_secs": 20.0},
        "splits": {"train": split},
        "skipped": [{"video_id": "a", "reason": "b"}],
        "streams": [],
    }


def shard_content() -> dict:
    inputs = [{"video_id": "a", "bytes": 1, "modified_ns": 2}]
    left_out = [{"video_id": "a", "start_secs": 0.0, "reason": "b", "damaged": True}]
    content = {"settings": {}, "inputs": inputs, "shard": vars(shard()), "clip_bytes": [4, 4]}
    return content | {"skipped": [], "left_out": left_out, "streams": []}


@st.composite
def changed_json(draw, whole: dict) -> bytes:
    """One value anywhere in it is another, or gone."""
    content = json.loads(json.dumps(whole))
    places, stack = [], [content]
    while stack:
        node = stack.pop()
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                stack.append(node[key])
    node, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del node[key]
    else:
        node[key] = draw(json_values)
    return json.dumps(content).encode()


@pytest.mark.slow
@many
@given(changed_json(manifest_json()) | damaged(json.dumps(manifest_json()).encode()))
def test_manifests(content):
    refused_or_read(
        lambda path: manifest.load_manifest(os.path.dirname(path)), content, "manifest.json"
    )


@pytest.mark.slow
@many
@given(changed_json(shard_content()) | damaged(json.dumps(shard_content()).encode()))
def test_jsons_of_shards(content):
    def read(path):
        found = shard_json.read_known(os.path.dirname(path), shard().name)
        list(shard_json.settings_found(os.path.dirname(path)))
        manifest.Shard(**found["shard"])

    refused_or_read(read, content, "train-00000-of-00001.json")


@pytest.mark.slow
@many
@given(changed_json({"name": "n", "fingerprint": "f", "labels": ["a"]}))
def test_teachers(content):
    labelling = {"teacher": "n", "fingerprint": "f", "classes": 1}

    def read(path):
        folder = os.path.dirname(path)
        os.makedirs(os.path.join(folder, "teachers"))
        os.rename(path, os.path.join(folder, "teachers", "f.json"))
        cached._read_teacher(folder, labelling)

    refused_or_read(read, content)


@pytest.mark.slow
@many
@given(
    st.binary(max_size=300) | st.text().map(str.encode) | damaged(b'path,keep\na,yes\n"b,c",no\n')
)
@example(b"\r\x01")  # found by this test: no line for csv
def test_lists_and_tables(content):
    def read(path):
        lists.read_list(path)
        lists.read_kept(path)
        lists.read_table(path)

    refused_or_read(read, content, "x.csv")


def record() -> bytes:
    return records.encode(ClipRecord("a@0", "a", 0.0, bytes(4), 2, (b"jpeg",), (0.0,)))


def _without_value(key: str) -> bytes:
    example = tf.train.Example.FromString(record())
    example.features.feature[key].bytes_list.ClearField("value")
    return example.SerializeToString()


@pytest.mark.slow
@many
@given(damaged(record()))
@example(b"\x00")  # found by this test: no message
@example(_without_value("id"))
def test_records(content):
    """Eagerly and in the graph (whose errors are TensorFlow's)."""
    try:
        records.decode(content)
    except EXPECTED as error:
        assert str(error)
    try:
        records.parse(tf.constant(content))
    except (tf.errors.OpError, UnicodeDecodeError) as error:  # of a message that quotes bytes
        assert str(error)


def npy_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(12, dtype=np.float32).reshape(3, 4))
    return file.getvalue()


def torch_file(is_legacy: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        arrays = {"conv.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}
        path = torch_checkpoints.write_state(Path(folder, "x"), arrays, is_legacy=is_legacy)
        return path.read_bytes()


@pytest.mark.slow
@many
@given(damaged(torch_file(True)) | damaged(torch_file(False)))
def test_checkpoints_of_torch(content):
    refused_or_read(torch.load_state_dict, content)


@pytest.mark.slow
@many
@given(damaged(npy_file()))
def test_npy(content):
    refused_or_read(npy.load_dict, content, "x.npy")


@pytest.mark.slow
@many
@given(damaged(torch7_files.dump({"a": torch7_files.tensor(np.arange(6.0).reshape(2, 3))})))
def test_files_of_torch7(content):
    refused_or_read(lambda path: torch7_file.read_object(Path(path).read_bytes()), content)


def wav_file() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(100), 8000, format="WAV")
    return file.getvalue()


@pytest.mark.slow
@many
@given(damaged(BOXES))
def test_boxes_of_mp4(content):
    """What is read is as long as the file, and but for payload it is its bytes."""
    holed = payload.without_payload(io.BytesIO(content))
    if holed is not None:
        read = holed.read()
        assert len(read) == len(content)
        assert all(ours in (0, theirs) for ours, theirs in zip(read, content, strict=True))


@pytest.mark.slow
@many
@given(damaged(wav_file()))
def test_sizes_of_riff(content):
    refused_or_read(track._riff_bytes, content)


@pytest.mark.slow
@many
@given(st.text(alphabet="0123456789- x"))
def test_identities(text):
    try:
        identity.Identity.from_text(text)
    except ValueError as error:
        assert str(error)


@pytest.mark.slow
@many
@given(st.binary(max_size=200) | st.integers(1, 100_000).map(lambda n: b"[" * n))
def test_json(content):
    refused_or_read(atomic.read_json, content)
