"""Records: what goes into a shard comes out of it, in the graph and out of it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from soundnet_tf.data import records
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.codecs import pcm16

OBJECTS = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float16)
TEACHER = CachedTeacher("MobileNetV2", "abc123", ("cat", "dog", "eel"))


def make_record(**changes) -> ClipRecord:
    waveform = np.array([0.0, 0.5, -0.5, 1.0, -1.0], np.float32)
    record = ClipRecord(
        id="walks/park.mp4@20.000",
        video_id="walks/park.mp4",
        start_secs=20.0,
        audio=pcm16(waveform),
        sample_count=5,
        jpegs=(b"first jpeg", b"second"),
        frame_secs=(0.25, 5.25),
    )
    return dataclasses.replace(record, **changes)


def labelled_record() -> ClipRecord:
    posteriors = Posteriors(teacher="MobileNetV2", fingerprint="abc123", values=OBJECTS)
    return make_record(posteriors={"objects": posteriors})


def parse_eagerly(serialized: bytes, teachers=None):
    return {k: v.numpy() for k, v in records.parse(tf.constant(serialized), teachers).items()}


def parse_in_map(serialized: bytes, teachers=None):
    dataset = tf.data.Dataset.from_tensors(serialized).map(lambda s: records.parse(s, teachers))
    return next(iter(dataset.as_numpy_iterator()))


both_ways = pytest.mark.parametrize("parse", [parse_eagerly, parse_in_map])


@both_ways
def test_parse_gives_the_record(parse):
    """int16 of [0, .5, -.5, 1, -1] is [0, 16384, -16384, 32767 (clipped), -32768]; / 32768."""
    parsed = parse(records.encode(make_record()))
    assert set(parsed) == {"id", "video_id", "start_secs", "waveform", "jpegs", "frame_secs"}
    assert parsed["id"] == b"walks/park.mp4@20.000"
    assert parsed["video_id"] == b"walks/park.mp4"
    assert parsed["start_secs"] == np.float32(20.0)
    expected = np.array([0.0, 0.5, -0.5, 32767 / 32768, -1.0], np.float32)
    np.testing.assert_array_equal(parsed["waveform"], expected)
    assert parsed["waveform"].dtype == np.float32
    assert parsed["jpegs"].tolist() == [b"first jpeg", b"second"]
    np.testing.assert_array_equal(parsed["frame_secs"], np.array([0.25, 5.25], np.float32))


@both_ways
def test_parse_gives_posteriors_of_the_heads_asked_for(parse):
    serialized = records.encode(labelled_record())
    assert "posteriors/objects" not in parse(serialized)
    posteriors = parse(serialized, {"objects": TEACHER})["posteriors/objects"]
    assert posteriors.dtype == np.float32
    np.testing.assert_array_equal(posteriors, OBJECTS.astype(np.float32))


def test_static_shapes_and_dtypes_are_known_to_the_pipeline():
    dataset = tf.data.Dataset.from_tensors(b"")
    dataset = dataset.map(lambda s: records.parse(s, {"objects": TEACHER}))
    assert dataset.element_spec == {
        "id": tf.TensorSpec([], tf.string),
        "video_id": tf.TensorSpec([], tf.string),
        "start_secs": tf.TensorSpec([], tf.float32),
        "waveform": tf.TensorSpec([None], tf.float32),
        "jpegs": tf.TensorSpec([None], tf.string),
        "frame_secs": tf.TensorSpec([None], tf.float32),
        "posteriors/objects": tf.TensorSpec([None, 3], tf.float32),
    }


@both_ways
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio_codec": "flac"}, "pcm16 audio was expected, the record has.*flac"),
        ({"sample_count": 6}, "damaged record, its audio is not what was written"),
        ({"audio": b"odd"}, "damaged record, its audio is not what was written"),
    ],
)
def test_parse_refuses_what_it_cannot_read(parse, changes, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){message}"):
        parse(records.encode(make_record(**changes)))


def edited(record: ClipRecord, edit) -> bytes:
    example = tf.train.Example.FromString(records.encode(record))
    edit(example.features.feature)
    return example.SerializeToString()


@both_ways
def test_parse_refuses_another_sample_rate(parse):
    def edit(features):
        features["sample_rate"].int64_list.value[0] = 16000

    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)must be 22050 Hz.*16000"):
        parse(edited(make_record(), edit))


@both_ways
def test_parse_refuses_frames_without_times(parse):
    def edit(features):
        features["frame_secs"].float_list.value.pop()

    with pytest.raises(tf.errors.InvalidArgumentError, match="frames and their times differ"):
        parse(edited(make_record(), edit))


@both_ways
def test_parse_refuses_posteriors_that_are_not_one_row_a_frame(parse):
    def edit(features):
        features["posteriors/objects/values"].bytes_list.value[0] = b"four"

    with pytest.raises(tf.errors.InvalidArgumentError, match="objects posteriors are not one row"):
        parse(edited(labelled_record(), edit), {"objects": TEACHER})


@both_ways
def test_parse_says_when_shards_are_not_labelled(parse):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="no scenes posteriors, write them with bin/l"
    ):
        parse(records.encode(labelled_record()), {"scenes": TEACHER})


@both_ways
def test_parse_refuses_posteriors_of_another_teacher_and_names_both(parse):
    other = dataclasses.replace(TEACHER, name="VGG16", fingerprint="def456")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"(?s)objects posteriors of VGG16 \(def456\).*abc123"
    ):
        parse(records.encode(labelled_record()), {"objects": other})


def test_the_frames_alone_can_be_parsed():
    jpegs = records.parse_jpegs(records.encode(make_record()))
    assert jpegs.numpy().tolist() == [b"first jpeg", b"second"]


def test_encode_refuses_frames_without_times():
    with pytest.raises(ValueError, match="2 frames but 1 frame times"):
        records.encode(make_record(frame_secs=(0.25,)))


@pytest.mark.parametrize("values", [OBJECTS[:1], OBJECTS[0]])
def test_encode_refuses_posteriors_that_are_not_one_row_a_frame(values):
    posteriors = {"objects": Posteriors("MobileNetV2", "abc123", values)}
    with pytest.raises(ValueError, match="objects posteriors have shape .*one row a frame"):
        records.encode(make_record(posteriors=posteriors))


def test_decode_keeps_the_posteriors_with_their_teacher():
    decoded = records.decode(records.encode(labelled_record())).posteriors
    assert list(decoded) == ["objects"]
    assert (decoded["objects"].teacher, decoded["objects"].fingerprint) == ("MobileNetV2", "abc123")
    assert decoded["objects"].values.dtype == np.float16
    np.testing.assert_array_equal(decoded["objects"].values, OBJECTS)


def test_decode_refuses_what_is_no_clip_record():
    with pytest.raises(ValueError, match="no clip record, it lacks audio, audio_codec"):
        records.decode(tf.train.Example().SerializeToString())


def test_keys_are_serialized_in_sorted_order():
    """A map entry begins with its key: field 1, wire type 2 (0x0a), length, name. Left to itself
    protobuf may order entries anew in each process, and equal shards would differ. (Which of
    "audio" and "audio_codec" is first depends on the protobuf, so "audio" is not looked at.)"""
    serialized = records.encode(labelled_record())
    keys = sorted(set(tf.train.Example.FromString(serialized).features.feature) - {"audio"})
    places = [serialized.index(bytes([0x0A, len(key)]) + key.encode()) for key in keys]
    assert len(keys) == 12
    assert places == sorted(places)


@settings(max_examples=50, deadline=None)
@given(
    samples=st.lists(st.integers(-32768, 32767), max_size=20),
    frames=st.lists(st.tuples(st.binary(max_size=8), st.floats(0, 20, width=32)), max_size=4),
    video_id=st.text(max_size=12),
)
def test_encode_then_decode_or_parse_is_identity(samples, frames, video_id):
    """int16 / 32768 is exact in float32, so parsing gives each sample back to the bit."""
    record = ClipRecord(
        id=f"{video_id}@0.000",
        video_id=video_id,
        start_secs=0.0,
        audio=np.array(samples, "<i2").tobytes(),
        sample_count=len(samples),
        jpegs=tuple(jpeg for jpeg, _ in frames),
        frame_secs=tuple(secs for _, secs in frames),
    )
    serialized = records.encode(record)
    assert records.decode(serialized) == record
    parsed = parse_eagerly(serialized)
    assert (parsed["waveform"] * 32768).tolist() == samples
    assert tuple(parsed["jpegs"]) == record.jpegs
    assert tuple(parsed["frame_secs"]) == record.frame_secs
    assert parsed["video_id"].decode() == video_id
