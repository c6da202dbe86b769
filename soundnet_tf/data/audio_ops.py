"""A record's sound decoded in the graph; the one module that imports tensorflow-io, when needed."""

import tensorflow as tf

from soundnet_tf.constants import PCM16_SCALE
from soundnet_tf.data.settings import CODECS, PCM16


def check_decodable(codec: str) -> None:
    """Loads what decoding needs.

    Raises:
        ValueError: unknown codec, or tensorflow-io's native operations are not there.
    """
    if codec not in CODECS:
        raise ValueError(f"audio codec is {codec!r}; it must be one of {CODECS}")
    if codec == PCM16:
        return
    try:
        from tensorflow_io.python.ops import core_ops

        core_ops.io_audio_decode_flac, core_ops.io_audio_decode_vorbis  # noqa: B018 (loads them)
    except (ImportError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            f"{codec} needs tensorflow-io's native operations, which TensorFlow {tf.__version__} "
            "here does not have: pip install 'soundnet-tf[io]' (it takes TensorFlow 2.16 or "
            "2.17), or prepare the shards with --audio_codec=pcm16"
        ) from error


def fingerprint(audio: tf.Tensor | bytes) -> tf.Tensor:
    """Int64 [], FarmHash64 of audio (string []): tells damaged bytes from what was written.

    tensorflow-io kills the process at some damaged Vorbis (at an empty one too) and loops for
    minutes at some damaged FLAC: it is given only what is known to be whole.
    """
    return tf.bitcast(tf.fingerprint(tf.reshape(audio, [1]))[0], tf.int64)


def decode_whole(
    audio: tf.Tensor, codec: str, sample_count: tf.Tensor, digest: tf.Tensor, name: tf.Tensor
) -> tf.Tensor:
    """`decode_sound` of bytes that are found to be what was written.

    Args:
        audio: string [].
        codec: one of `codecs.CODECS`.
        sample_count: int64 [], that `audio` should have.
        digest: int64 [], `fingerprint` of what was written; not looked at for pcm16.
        name: string [], for the error.

    Raises:
        ValueError: if the codec cannot be decoded here.
        tf.errors.InvalidArgumentError: if the audio is damaged.
    """
    if codec == PCM16:
        is_whole = tf.strings.length(audio) == 2 * tf.cast(sample_count, tf.int32)
    else:
        is_whole = fingerprint(audio) == digest
    size = [tf.strings.length(audio), sample_count, name]
    message = (
        "damaged record, its audio is not what was written; it has bytes, should have samples:"
    )
    waveform = decode_sound(checked(audio, is_whole, message, size), codec)
    found = tf.size(waveform, tf.int64)
    message = "damaged record, it has and should have samples:"
    return checked(waveform, found == sample_count, message, [found, sample_count, name])


def decode_sound(audio: tf.Tensor, codec: str) -> tf.Tensor:
    """Float32 [samples] in [-1, 1] of what `codecs.encode_sound` gave (string [])."""
    check_decodable(codec)
    if codec == PCM16:
        return _from_int16(tf.io.decode_raw(audio, tf.int16, little_endian=True))
    import tensorflow_io as tfio

    if codec == "flac":
        return _from_int16(tfio.audio.decode_flac(audio, dtype=tf.int16)[:, 0])
    return tf.clip_by_value(tfio.audio.decode_vorbis(audio)[:, 0], -1.0, 1.0)


def _from_int16(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(samples, tf.float32) / PCM16_SCALE


def checked(value: tf.Tensor, condition: tf.Tensor, message: str, found: list) -> tf.Tensor:
    """`value`, computed only after the condition has been found true."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message, *found])]):
        return tf.identity(value)
