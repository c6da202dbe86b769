"""A stretch of a file's sound with all its channels, at its own rate."""

import itertools

import media_writer
import numpy as np
import odd_media
import pytest
import soundfile
import synthetic_media as media

from soundnet_tf.media import MediaError, read_audio
from soundnet_tf.media.channels import open_channels

RATE = 11_025


def noise(samples, channels, seed=0):
    """float64 [samples, channels] within ±0.7, no two samples of a channel alike by chance."""
    return np.random.default_rng(seed).uniform(-0.7, 0.7, (samples, channels))


def read(path, begin, end, **options):
    with open_channels(str(path), begin, end, **options) as sound:
        return sound, np.concatenate(list(sound.blocks))


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("subtype", "bits", "full_scale"),
    [("PCM_U8", 8, 2**7), ("PCM_16", 16, 2**15), ("PCM_24", 32, 2**23), ("FLOAT", None, None)],
)
def test_samples_are_those_of_the_file(tmp_path, channels, subtype, bits, full_scale):
    """From round(1.2345 * 11 025) = 13 610 to before round(3.5 * 11 025) = 38 588 (38 587.5 to the
    even one); as libsndfile reads them. 24 bits are exact in float32."""
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(5 * RATE, channels), RATE, subtype)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    sound, found = read(path, 1.2345, 3.5)
    assert (sound.sample_rate, sound.bits) == (RATE, bits)
    assert found.dtype == np.float32 and found.shape == (38_588 - 13_610, channels)
    np.testing.assert_array_equal(found, whole[13_610:38_588])
    if full_scale:
        assert np.array_equal(found * full_scale, np.round(found * full_scale))


def test_floats_beyond_full_scale_stay(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, 4 * noise(RATE, 2), RATE, "FLOAT")
    _, found = read(path, 0.0, 1.0)
    assert 2.5 < np.abs(found).max() < 2.8


def test_stretches_that_touch_share_no_sample_and_leave_none_out(tmp_path):
    path = tmp_path / "x.flac"
    soundfile.write(path, noise(4 * RATE, 2), RATE)
    whole, _ = soundfile.read(path, dtype="float32")
    edges = [0.0, 0.777, 1.5005, 2.9999, 4.0]
    parts = [read(path, *span)[1] for span in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_sound_ends_where_it_ends(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(2 * RATE, 2), RATE)
    assert len(read(path, 1.5, 60.0)[1]) == 2 * RATE - round(1.5 * RATE)
    with pytest.raises(MediaError, match="no sound at 7 s"):
        read(path, 7.0, 8.0)


@pytest.mark.parametrize(("begin", "end"), [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0)])
def test_a_stretch_has_a_length(tmp_path, begin, end):
    path = media.write_sine(tmp_path / "sine.wav", 4.0)
    with pytest.raises(ValueError, match="must be"):
        read(path, begin, end)


def test_zeros_stand_before_sound_that_starts_late(tmp_path):
    """At 0.5 s of the film's clock; the cut begins at 0.25 s, so 0.25 s of silence: 11 025
    samples. (Its stamps stand at 0.5, 1.5 and 2.5 s, which Matroska's milliseconds have.)"""
    sound = noise(3 * 44_100, 2)
    picture = np.full((64, 96, 3), 90, np.uint8)
    pictures = media_writer.Pictures("mpeg4", [picture] * 25, np.arange(25) / 25)
    path = tmp_path / "film.mkv"
    media_writer.write(path, pictures, media_writer.Sound("pcm_s16le", 44_100, sound, 0.5))
    _, found = read(path, 0.25, 1.0)
    expected = np.concatenate([np.zeros((11_025, 2)), sound[:22_050]])
    np.testing.assert_allclose(found, expected, atol=2**-15)


def test_it_is_on_the_clock_of_read_audio(shared):
    """Real films (AAC): the mean of the channels is what `read_audio` gives at the same rate, which
    clips it."""
    for path in sorted((shared / "data/videos").glob("SpecVQGAN__videos__*.mp4"))[:3]:
        sound, found = read(path, 2.0, 4.0)
        mono = read_audio(str(path), 2.0, 2.0, sample_rate=sound.sample_rate)
        np.testing.assert_allclose(np.clip(found.mean(axis=1), -1, 1), mono, atol=1e-6)


def test_of_several_streams_the_wanted_one(tmp_path):
    path = odd_media.write_two_sounds(tmp_path / "two.mkv")
    first, second = (read(path, 0.0, 1.0, audio_stream=number)[1] for number in (0, 1))
    assert first.shape != second.shape or np.abs(first - second).max() > 0.05
