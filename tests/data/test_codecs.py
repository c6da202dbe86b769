"""Sound in records: what each codec keeps, decoded in the graph, and damage that is seen."""

import io

import av
import numpy as np
import pytest
import synthetic_media
import tensorflow as tf
from prepare_material import SMALL

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import audio_ops, codecs, records, sources
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.prepare import prepare
from soundnet_tf.data.settings import Cutting, PrepareConfig

HAS_NATIVE_OPS = tuple(map(int, tf.__version__.split(".")[:2])) < (2, 18)
needs_native_ops = pytest.mark.skipif(
    not HAS_NATIVE_OPS, reason="tensorflow-io has no native operations for this TensorFlow"
)
compressed = pytest.mark.parametrize("codec", ["flac", "vorbis"])


def chirp(samples: int) -> np.ndarray:
    """Two sines and some noise, peak below 1."""
    secs = np.arange(samples) / SAMPLE_RATE
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, samples)
    wave = 0.6 * np.sin(2 * np.pi * 440 * secs) + 0.3 * np.sin(2 * np.pi * 1000 * secs**2) + noise
    return wave.astype(np.float32)


def record(waveform: np.ndarray, codec: str, **changes) -> bytes:
    clip = dict(
        id="a.mp4@0.000",
        video_id="a.mp4",
        start_secs=0.0,
        audio=codecs.encode_sound(waveform, codec),
        sample_count=len(waveform),
        jpegs=(b"jpeg",),
        frame_secs=(0.0,),
        audio_codec=codec,
    )
    return records.encode(ClipRecord(**(clip | changes)))


def parsed_waveform(serialized: bytes, codec: str) -> np.ndarray:
    dataset = tf.data.Dataset.from_tensors(serialized)
    dataset = dataset.map(lambda clip: records.parse(clip, audio_codec=codec)["waveform"])
    return next(dataset.as_numpy_iterator())


def test_pcm16_rounds_and_clips():
    """round(x * 32768): 1 would be 32768 and clips to 32767; 2.4 and 2.6 steps round apart."""
    waveform = np.array([0, 2.4 / 32768, 2.6 / 32768, 1.0, -1.0, 1.5], np.float32)
    expected = [0, 2, 3, 32767, -32768, 32767]
    assert np.frombuffer(codecs.pcm16(waveform), "<i2").tolist() == expected


@needs_native_ops
@pytest.mark.parametrize("samples", [22050, 22051, 33333, 441000])
def test_flac_gives_the_very_samples_of_pcm16(samples):
    waveform = chirp(samples)
    waveform[100:103] = (1.0, -1.0, 1.0)  # full scale clips as in pcm16
    found = parsed_waveform(record(waveform, "flac"), "flac")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, parsed_waveform(record(waveform, "pcm16"), "pcm16"))


@needs_native_ops
@pytest.mark.parametrize("samples", [22050, 22051, 33333, 441000])
def test_vorbis_keeps_the_count_and_the_moment_of_every_sample(samples):
    """At 50 kbit/s the error is some 3 % of the sound; one sample late, it would be 15 %."""
    waveform = chirp(samples)
    found = parsed_waveform(record(waveform, "vorbis"), "vorbis")
    assert (found.dtype, len(found)) == (np.float32, samples)
    assert np.abs(found).max() <= 1.0

    def error(heard):
        return np.sqrt(np.mean((heard - waveform) ** 2) / np.mean(waveform**2))

    assert error(found) < 0.08
    assert error(found) < min(error(np.roll(found, 1)), error(np.roll(found, -1)))


@compressed
def test_equal_waveforms_give_equal_bytes(codec):
    """libsndfile alone would draw a serial number for each Ogg file."""
    assert codecs.encode_sound(chirp(30000), codec) == codecs.encode_sound(chirp(30000), codec)


@pytest.mark.parametrize(("codec", "share"), [("flac", 0.8), ("vorbis", 0.25)])
def test_compressed_sound_is_smaller(codec, share):
    waveform = chirp(441000)
    assert len(codecs.encode_sound(waveform, codec)) < share * len(codecs.pcm16(waveform))


@pytest.mark.parametrize("samples", [22050, 30000, 441000])
def test_vorbis_is_a_file_that_others_read(samples):
    """libsndfile and FFmpeg give the samples of the pages before their serial number was changed;
    both look at the pages' checksums."""
    soundfile = pytest.importorskip("soundfile")
    waveform = chirp(samples)
    unchanged = io.BytesIO()
    with soundfile.SoundFile(unchanged, "w", SAMPLE_RATE, 1, "VORBIS", format="OGG") as file:
        for begin in range(0, samples, SAMPLE_RATE):
            file.write(waveform[begin : begin + SAMPLE_RATE])
    expected, _ = soundfile.read(io.BytesIO(unchanged.getvalue()), dtype="float32")
    encoded = codecs.vorbis(waveform)
    assert len(encoded) == len(unchanged.getvalue())
    found, rate = soundfile.read(io.BytesIO(encoded), dtype="float32")
    assert (rate, len(found)) == (SAMPLE_RATE, samples)
    np.testing.assert_array_equal(found, expected)
    with av.open(io.BytesIO(encoded)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == samples


def test_unknown_codec():
    with pytest.raises(ValueError, match="audio codec is 'mp3'; it must be one of"):
        codecs.encode_sound(chirp(100), "mp3")
    with pytest.raises(ValueError, match="audio codec is 'mp3'; it must be one of"):
        audio_ops.check_decodable("mp3")


def damaged(audio: bytes) -> dict[str, bytes]:
    turned = bytearray(audio)
    turned[len(audio) // 2] ^= 1
    return {"empty": b"", "cut": audio[:-100], "a bit turned": bytes(turned), "noise": b"x" * 999}


@needs_native_ops
@compressed
@pytest.mark.parametrize("damage", ["empty", "cut", "a bit turned", "noise"])
def test_damaged_sound_never_reaches_the_decoder(codec, damage):
    """tensorflow-io ends the process at an empty Vorbis, and loops at some damaged FLAC."""
    audio = codecs.encode_sound(chirp(30000), codec)
    example = tf.train.Example.FromString(record(chirp(30000), codec))
    example.features.feature["audio"].bytes_list.value[0] = damaged(audio)[damage]
    with pytest.raises(tf.errors.InvalidArgumentError, match="its audio is not what was written"):
        parsed_waveform(example.SerializeToString(), codec)


@needs_native_ops
@compressed
def test_a_wrong_sample_count_is_seen(codec):
    with pytest.raises(tf.errors.InvalidArgumentError, match="should have samples.*30000.*30001"):
        parsed_waveform(record(chirp(30000), codec, sample_count=30001), codec)


def test_another_codec_than_the_manifest_says_is_seen():
    with pytest.raises(tf.errors.InvalidArgumentError, match="pcm16 audio was expected.*flac"):
        parsed_waveform(record(chirp(30000), "flac"), "pcm16")


@compressed
def test_a_record_survives_being_rewritten(codec):
    """As labelling does: decoded and encoded again it is the same."""
    serialized = record(chirp(30000), codec)
    assert records.encode(records.decode(serialized)) == serialized


@compressed
def test_without_native_operations_the_codec_is_refused(tmp_path, monkeypatch, codec):
    """A module that is None in sys.modules cannot be imported, as where it is not installed."""
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_io.python.ops", None)
    synthetic_media.write_clock_video(tmp_path / "clock.mp4", 2, **SMALL)
    config = PrepareConfig(str(tmp_path), str(tmp_path / "out"), audio_codec=codec)
    with pytest.raises(ValueError, match=f"{codec} needs tensorflow-io's native operations"):
        prepare(config, progress=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="or prepare the shards with --audio_codec=pcm16"):
        parsed_waveform(record(chirp(30000), codec), codec)


def test_vorbis_without_soundfile(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(ValueError, match="vorbis needs soundfile: pip install soundfile"):
        codecs.encode_sound(chirp(100), "vorbis")


@needs_native_ops
@compressed
def test_prepared_shards_are_read_with_their_codec(tmp_path, codec):
    """Clips, frames and counts are those of pcm16; the sound of flac is too, vorbis nearly."""
    films = tmp_path / "films"
    films.mkdir()
    synthetic_media.write_clock_video(films / "clock.mp4", 5, **SMALL)
    clips = {}
    for name in ("pcm16", codec):
        out = str(tmp_path / name)
        prepare(
            PrepareConfig(str(films), out, Cutting(2.0, 1.0), 1, 0.0, workers=1, audio_codec=name),
            progress=False,
        )
        source = sources.from_records(f"{out}/train-*")
        assert source.audio_codec == name
        parsed = source.read(tf.range(source.count, dtype=tf.int64), False).map(
            lambda c, s=source: records.parse(c, {}, s.audio_codec)
        )
        clips[name] = list(parsed.as_numpy_iterator())
    assert "audio_codec" not in load_manifest(str(tmp_path / "pcm16")).settings
    assert load_manifest(str(tmp_path / codec)).settings["audio_codec"] == codec
    assert len(clips[codec]) == len(clips["pcm16"]) == 3
    for clip, plain in zip(clips[codec], clips["pcm16"], strict=True):
        assert clip["id"] == plain["id"]
        np.testing.assert_array_equal(clip["jpegs"], plain["jpegs"])
        tolerance = 0.0 if codec == "flac" else 0.1
        np.testing.assert_allclose(clip["waveform"], plain["waveform"], atol=tolerance)


@needs_native_ops
def test_another_codec_in_the_same_folder_is_refused(tmp_path):
    synthetic_media.write_clock_video(tmp_path / "clock.mp4", 2, **SMALL)
    arguments = (str(tmp_path), str(tmp_path / "out"), Cutting(2.0, 1.0), 1, 0.0)
    prepare(PrepareConfig(*arguments, workers=1), progress=False)
    with pytest.raises(ValueError, match="--audio_codec was pcm16, is flac"):
        prepare(PrepareConfig(*arguments, workers=1, audio_codec="flac"), progress=False)


def test_flac_is_a_file_that_others_read():
    soundfile = pytest.importorskip("soundfile")
    waveform = chirp(30000)
    samples, rate = soundfile.read(io.BytesIO(codecs.flac(waveform)), dtype="int16")
    assert rate == SAMPLE_RATE
    np.testing.assert_array_equal(samples, np.frombuffer(codecs.pcm16(waveform), "<i2"))
