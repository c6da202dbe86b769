"""The one schema of clip records: keys, `encode`, `decode` and the in-graph `parse` side by side.

A record is a tf.train.Example. Per teacher head it may carry posteriors under
`posteriors/<head>/...`, float16 because a shard of them is read at every epoch.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from soundnet_tf.constants import PCM16_SCALE, SAMPLE_RATE
from soundnet_tf.data.clips import ClipRecord, Posteriors

ID = "id"
VIDEO_ID = "video_id"
START_SECS = "start_secs"
SAMPLE_RATE_KEY = "sample_rate"
SAMPLE_COUNT = "sample_count"
AUDIO = "audio"
AUDIO_CODEC = "audio_codec"
JPEGS = "jpegs"
FRAME_SECS = "frame_secs"
WAVEFORM = "waveform"  # parsed only: shards keep AUDIO

_KEYS = {
    ID,
    VIDEO_ID,
    START_SECS,
    SAMPLE_RATE_KEY,
    SAMPLE_COUNT,
    AUDIO,
    AUDIO_CODEC,
    JPEGS,
    FRAME_SECS,
}
_POSTERIORS = "posteriors"


def posteriors_key(head: str) -> str:
    """Where `parse` puts the posteriors of a head, and the prefix of its keys in a record."""
    return f"{_POSTERIORS}/{head}"


def _head_keys(head: str) -> tuple[str, str, str, str]:
    return tuple(
        f"{posteriors_key(head)}/{part}" for part in ("teacher", "fingerprint", "classes", "values")
    )


def encode(record: ClipRecord) -> bytes:
    """Serializes a record; equal records give equal bytes.

    Raises:
        ValueError: if the frames, their times and the posteriors disagree in number.
    """
    frames = len(record.jpegs)
    if len(record.frame_secs) != frames:
        raise ValueError(f"{record.id}: {frames} frames but {len(record.frame_secs)} frame times")
    features = {
        ID: _bytes(record.id.encode()),
        VIDEO_ID: _bytes(record.video_id.encode()),
        START_SECS: _floats(record.start_secs),
        SAMPLE_RATE_KEY: _int(SAMPLE_RATE),
        SAMPLE_COUNT: _int(record.sample_count),
        AUDIO: _bytes(record.audio),
        AUDIO_CODEC: _bytes(record.audio_codec.encode()),
        JPEGS: _bytes(*record.jpegs),
        FRAME_SECS: _floats(*record.frame_secs),
    }
    for head, posteriors in record.posteriors.items():
        if posteriors.values.ndim != 2 or len(posteriors.values) != frames:
            raise ValueError(
                f"{record.id}: {head} posteriors have shape {posteriors.values.shape}, "
                f"expected ({frames}, classes): one row a frame"
            )
        teacher, fingerprint, classes, values = _head_keys(head)
        features[teacher] = _bytes(posteriors.teacher.encode())
        features[fingerprint] = _bytes(posteriors.fingerprint.encode())
        features[classes] = _int(posteriors.values.shape[1])
        features[values] = _bytes(posteriors.values.astype("<f2").tobytes())
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)  # the order of map entries is free else


def decode(serialized: bytes) -> ClipRecord:
    """The record that `encode` serialized, for stages that rewrite shards (labelling).

    Times come back rounded to float32.

    Raises:
        ValueError: if a key is missing, that is if this is no clip record.
    """
    features = tf.train.Example.FromString(serialized).features.feature
    if missing := sorted(_KEYS - set(features)):
        raise ValueError(f"no clip record, it lacks {', '.join(missing)}: has {sorted(features)}")

    def text(key: str) -> str:
        return features[key].bytes_list.value[0].decode()

    posteriors = {}
    labelled = {key.split("/")[1] for key in features if key.startswith(f"{_POSTERIORS}/")}
    for head in sorted(labelled):
        teacher, fingerprint, classes, values = _head_keys(head)
        posteriors[head] = Posteriors(
            teacher=text(teacher),
            fingerprint=text(fingerprint),
            values=np.frombuffer(features[values].bytes_list.value[0], "<f2").reshape(
                -1, features[classes].int64_list.value[0]
            ),
        )
    return ClipRecord(
        id=text(ID),
        video_id=text(VIDEO_ID),
        start_secs=features[START_SECS].float_list.value[0],
        audio=features[AUDIO].bytes_list.value[0],
        sample_count=features[SAMPLE_COUNT].int64_list.value[0],
        jpegs=tuple(features[JPEGS].bytes_list.value),
        frame_secs=tuple(features[FRAME_SECS].float_list.value),
        audio_codec=text(AUDIO_CODEC),
        posteriors=posteriors,
    )


def parse(serialized: tf.Tensor, heads: Mapping[str, int] | None = None) -> dict[str, tf.Tensor]:
    """Reads one record in the graph, eagerly or inside Dataset.map.

    Args:
        serialized: string [], what `encode` gave.
        heads: class count of each head whose posteriors are wanted, such as {"objects": 1000}.

    Returns:
        A dict of `id` and `video_id` (string []), `start_secs` (float32 [] seconds), `waveform`
        (float32 [samples] in [-1, 1] at SAMPLE_RATE), `jpegs` (string [frames], undecoded, so that
        a pipeline decodes only the frames it draws), `frame_secs` (float32 [frames] from the
        clip's start) and for each head `posteriors/<head>` (float32 [frames, classes]).

    Raises:
        tf.errors.InvalidArgumentError: if the codec is not pcm16, the sample rate or the number of
            samples or frames is not what the record says, or a head's posteriors are missing or
            have another class count.
    """
    heads = heads or {}
    strings = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    floats = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
    schema = {
        ID: tf.io.FixedLenFeature([], tf.string),
        VIDEO_ID: tf.io.FixedLenFeature([], tf.string),
        START_SECS: tf.io.FixedLenFeature([], tf.float32),
        SAMPLE_RATE_KEY: tf.io.FixedLenFeature([], tf.int64),
        SAMPLE_COUNT: tf.io.FixedLenFeature([], tf.int64),
        AUDIO: tf.io.FixedLenFeature([], tf.string),
        AUDIO_CODEC: tf.io.FixedLenFeature([], tf.string),
        JPEGS: strings,
        FRAME_SECS: floats,
    }
    for head in heads:
        _, _, classes, values = _head_keys(head)
        schema[classes] = tf.io.FixedLenFeature([], tf.int64, default_value=0)
        schema[values] = tf.io.FixedLenFeature([], tf.string, default_value="")
    example = tf.io.parse_single_example(serialized, schema)
    parsed = {key: example[key] for key in (ID, VIDEO_ID, START_SECS, JPEGS)}
    parsed[WAVEFORM] = _waveform(example)
    parsed[FRAME_SECS] = _checked(
        example[FRAME_SECS],
        tf.size(example[FRAME_SECS]) == tf.size(example[JPEGS]),
        "frames and their times differ in number:",
        [example[ID], tf.size(example[JPEGS]), tf.size(example[FRAME_SECS])],
    )
    for head, class_count in heads.items():
        parsed[posteriors_key(head)] = _posteriors(example, head, class_count)
    return parsed


def _waveform(example: Mapping[str, tf.Tensor]) -> tf.Tensor:
    audio = _checked(
        example[AUDIO],
        example[AUDIO_CODEC] == "pcm16",
        "only pcm16 audio can be parsed, the record has:",
        [example[AUDIO_CODEC], example[ID]],
    )
    audio = _checked(
        audio,
        example[SAMPLE_RATE_KEY] == SAMPLE_RATE,
        f"the sample rate must be {SAMPLE_RATE} Hz, the record has:",
        [example[SAMPLE_RATE_KEY], example[ID]],
    )
    byte_count = tf.strings.length(audio)
    audio = _checked(
        audio,
        tf.cast(byte_count, tf.int64) == 2 * example[SAMPLE_COUNT],
        "damaged record, its audio bytes are not twice its sample count:",
        [byte_count, example[SAMPLE_COUNT], example[ID]],
    )
    samples = tf.io.decode_raw(audio, tf.int16, little_endian=True)
    return tf.cast(samples, tf.float32) / PCM16_SCALE


def _posteriors(example: Mapping[str, tf.Tensor], head: str, class_count: int) -> tf.Tensor:
    _, _, classes_key, values_key = _head_keys(head)
    values = _checked(
        example[values_key],
        example[classes_key] > 0,
        f"the record has no {head} posteriors, label the shards with a teacher first:",
        [example[ID]],
    )
    values = _checked(
        values,
        example[classes_key] == class_count,
        f"{class_count} {head} classes were asked for, the record has:",
        [example[classes_key], example[ID]],
    )
    frames = tf.size(example[JPEGS])
    values = _checked(
        values,
        tf.strings.length(values) == 2 * frames * class_count,
        f"damaged record, its {head} posteriors are not one row a frame:",
        [example[ID]],
    )
    halves = tf.io.decode_raw(values, tf.float16, little_endian=True)
    return tf.cast(tf.reshape(halves, [frames, class_count]), tf.float32)


def _checked(value: tf.Tensor, condition: tf.Tensor, message: str, found: list) -> tf.Tensor:
    """`value`, computed only after the condition has been found true."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message, *found])]):
        return tf.identity(value)


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
