"""The one schema of clip records: keys, `encode`, `decode` and the in-graph `parse` side by side.

A record is a tf.train.Example. Per teacher head it may carry posteriors under
`posteriors/<head>/...`, float16 because a shard of them is read at every epoch. Rounding is off by
at most 2^-11 (0.05 %) of a probability, and below 6e-5 by at most 2^-25 (3e-8); nothing is
normalised anew, so that a cached target is the teacher's own but for that.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from soundnet_tf.constants import FRAME_SHORT_SIDE, SAMPLE_RATE
from soundnet_tf.data import audio_ops
from soundnet_tf.data.audio_ops import checked
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.settings import PCM16

ID = "id"
VIDEO_ID = "video_id"
START_SECS = "start_secs"
SAMPLE_RATE_KEY = "sample_rate"
SAMPLE_COUNT = "sample_count"
AUDIO = "audio"
AUDIO_CODEC = "audio_codec"
AUDIO_FINGERPRINT = "audio_fingerprint"  # of compressed audio only
JPEGS = "jpegs"
FRAME_SECS = "frame_secs"
WAVEFORM = "waveform"  # parsed only: shards keep AUDIO

SQUARE = tf.TensorSpec([FRAME_SHORT_SIDE, FRAME_SHORT_SIDE, 3], tf.uint8)  # what teachers look at

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
    if record.audio_codec != PCM16:
        features[AUDIO_FINGERPRINT] = _int(int(audio_ops.fingerprint(record.audio)))
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
        ValueError: if this is no clip record: no message of that form, or a key or its value is
            missing.
    """
    try:
        return _decode(serialized)
    except (DecodeError, IndexError) as error:
        raise ValueError(
            f"no clip record ({error}); remove its shard and prepare the folder again"
        ) from error


def _decode(serialized: bytes) -> ClipRecord:
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


def parse_jpegs(serialized: tf.Tensor) -> tf.Tensor:
    """string [frames]: the undecoded frames of one record, and nothing else of it."""
    schema = {JPEGS: tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)}
    return tf.io.parse_single_example(serialized, schema)[JPEGS]


def decode_square(jpeg: tf.Tensor) -> tf.Tensor:
    """The centre square of a frame.

    Args:
        jpeg: string [], with the shorter side FRAME_SHORT_SIDE pixels.

    Returns:
        uint8 RGB as SQUARE.
    """
    # The exact inverse transform, so that frames are the same on every machine.
    frame = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize_with_crop_or_pad(frame, *SQUARE.shape[:2])


def decode_squares(jpegs: tf.Tensor, size: int) -> tf.Tensor:
    """uint8 [size, *SQUARE]: the squares of `jpegs` (string [at most size]), then black ones."""
    squares = tf.map_fn(decode_square, jpegs, fn_output_signature=SQUARE)
    squares = tf.pad(squares, [[0, size - tf.size(jpegs)], [0, 0], [0, 0], [0, 0]])
    return tf.ensure_shape(squares, [size, *SQUARE.shape])


def parse(
    serialized: tf.Tensor,
    teachers: Mapping[str, CachedTeacher] | None = None,
    audio_codec: str = PCM16,
) -> dict[str, tf.Tensor]:
    """Reads one record in the graph, eagerly or inside Dataset.map.

    Args:
        serialized: string [], what `encode` gave.
        teachers: by head, whose posteriors are wanted.
        audio_codec: of the record, one of `codecs.CODECS`.

    Returns:
        A dict of `id` and `video_id` (string []), `start_secs` (float32 [] seconds), `waveform`
        (float32 [samples] in [-1, 1] at SAMPLE_RATE), `jpegs` (string [frames], undecoded, so that
        a pipeline decodes only the frames it draws), `frame_secs` (float32 [frames] from the
        clip's start) and for each head `posteriors/<head>` (float32 [frames, classes]).

    Raises:
        ValueError: if `audio_codec` cannot be decoded here (see `audio_ops.check_decodable`).
        tf.errors.InvalidArgumentError: if the codec is another, the sound is damaged, the sample
            rate or the number of samples or frames is not what the record says, or a head's
            posteriors are missing or of another teacher.
    """
    teachers = teachers or {}
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
        AUDIO_FINGERPRINT: tf.io.FixedLenFeature([], tf.int64, default_value=0),
        JPEGS: strings,
        FRAME_SECS: floats,
    }
    for head in teachers:
        _, fingerprint, classes, values = _head_keys(head)
        schema[fingerprint] = tf.io.FixedLenFeature([], tf.string, default_value="")
        schema[classes] = tf.io.FixedLenFeature([], tf.int64, default_value=0)
        schema[values] = tf.io.FixedLenFeature([], tf.string, default_value="")
    example = tf.io.parse_single_example(serialized, schema)
    parsed = {key: example[key] for key in (ID, VIDEO_ID, START_SECS, JPEGS)}
    parsed[WAVEFORM] = _waveform(example, audio_codec)
    parsed[FRAME_SECS] = checked(
        example[FRAME_SECS],
        tf.size(example[FRAME_SECS]) == tf.size(example[JPEGS]),
        "frames and their times differ in number:",
        [example[ID], tf.size(example[JPEGS]), tf.size(example[FRAME_SECS])],
    )
    for head, teacher in teachers.items():
        parsed[posteriors_key(head)] = _posteriors(example, head, teacher)
    return parsed


def _waveform(example: Mapping[str, tf.Tensor], audio_codec: str) -> tf.Tensor:
    audio = checked(
        example[AUDIO],
        example[AUDIO_CODEC] == audio_codec,
        f"{audio_codec} audio was expected, the record has:",
        [example[AUDIO_CODEC], example[ID]],
    )
    audio = checked(
        audio,
        example[SAMPLE_RATE_KEY] == SAMPLE_RATE,
        f"the sample rate must be {SAMPLE_RATE} Hz, the record has:",
        [example[SAMPLE_RATE_KEY], example[ID]],
    )
    count, digest = example[SAMPLE_COUNT], example[AUDIO_FINGERPRINT]
    return audio_ops.decode_whole(audio, audio_codec, count, digest, example[ID])


def _posteriors(example: Mapping[str, tf.Tensor], head: str, teacher: CachedTeacher) -> tf.Tensor:
    _, fingerprint_key, classes_key, values_key = _head_keys(head)
    values = checked(
        example[values_key],
        example[classes_key] > 0,
        f"the record has no {head} posteriors, write them with bin/label.py first:",
        [example[ID]],
    )
    values = checked(
        values,
        example[fingerprint_key] == teacher.fingerprint,
        f"{head} posteriors of {teacher} were asked for, the record has those of:",
        [example[fingerprint_key], example[ID]],
    )
    frames = tf.size(example[JPEGS])
    values = checked(
        values,
        tf.strings.length(values) == 2 * frames * teacher.classes,
        f"damaged record, its {head} posteriors are not one row a frame:",
        [example[ID]],
    )
    halves = tf.io.decode_raw(values, tf.float16, little_endian=True)
    return tf.cast(tf.reshape(halves, [frames, teacher.classes]), tf.float32)


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _int(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
