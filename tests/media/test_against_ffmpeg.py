"""What is read of a file equals what the ffmpeg program decodes, format by format.

The files are written by PyAV, whose FFmpeg is another release than the program. A sound that is
coded without loss has to be the same to 16 bits, else -40 dB of it may differ. A window is compared
with the same stretch of the whole, as strictly.
"""

import ffmpeg_reference
import numpy as np
import pytest
from media_comparison import assert_same_pictures, assert_same_sound, assert_same_windows
from media_formats import FILMS, SECONDS, SOUNDS

from soundnet_tf.media import probe, read_audio, stream_audio

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ffmpeg_reference.PROGRAM is None, reason="there is no ffmpeg program"),
]

WINDOWS = [(0.35, 1.0), (2.337, 1.5), (4.9003, 1.2), (SECONDS - 0.7, 2.0)]  # start, duration
STRETCHES = [(0.0, 1.5), (1.234, 3.0), (SECONDS - 1.0, 0.9)]  # of the clips: start, duration
FRAME_SECS = 0.04

RELEASES_DIFFER = {"adpcm_ima_wav": 2e-3}  # FFmpeg 8 rounds otherwise than 5 and 6
ALAC_END_SECS = 384 / 44100  # FFmpeg 8 cuts what fills the last block twice in CAF
LONG_MEMORY = {  # of decoders: what a window may differ by, in dB or of full scale
    "libopencore_amrnb": -35.0,
    "g723_1": -35.0,
    "adpcm_ima_qt": 2.0**-8,  # a block begins with the upper 9 of a sample's 16 bits
}

EVERY_FORMAT = pytest.mark.parametrize("form", SOUNDS + FILMS, ids=str)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A format's path and what ffmpeg decodes of it; each is written and decoded once."""
    made = {}

    def get(form):
        if form.missing:
            pytest.skip(form.missing)
        name = str(form)
        if name not in made:
            path = form.write(tmp_path_factory.mktemp("format"))
            made[name] = str(path), ffmpeg_reference.decode(path, picture=form.video is not None)
        return made[name]

    return get


@EVERY_FORMAT
def test_length(read, form):
    """To a block of the codec, since releases differ in how they end."""
    path, reference = read(form)
    sound_secs = len(reference.waveform) / reference.rate
    slack_secs = max(form.slack_secs, 1 / reference.rate) if form.is_exact else 0.03
    slack_secs += ALAC_END_SECS if str(form) == "caf alac" else 0.0
    waveform = read_audio(path, sample_rate=reference.rate)
    assert len(waveform) / reference.rate == pytest.approx(sound_secs, abs=slack_secs)
    end_secs = sound_secs
    if form.video:
        end_secs = max(sound_secs, reference.picture_secs[-1] + FRAME_SECS)
    assert probe(path).duration_secs == pytest.approx(end_secs, abs=FRAME_SECS + 0.03)


@EVERY_FORMAT
def test_whole_sound(read, form):
    path, reference = read(form)
    waveform = read_audio(path, sample_rate=reference.rate)
    slack, bound = round(form.slack_secs * reference.rate), RELEASES_DIFFER.get(form.audio)
    assert_same_sound(waveform, reference.waveform, 0, slack, form.is_exact, bound)


@EVERY_FORMAT
def test_windows(read, form):
    path, reference = read(form)
    slack, bound = round(form.slack_secs * reference.rate), LONG_MEMORY.get(form.audio)
    assert_same_windows(path, reference.rate, WINDOWS, slack, form.is_exact, bound)


@EVERY_FORMAT
def test_stream(read, form):
    path, reference = read(form)
    blocks = np.concatenate(list(stream_audio(path, sample_rate=reference.rate)))
    np.testing.assert_array_equal(blocks, read_audio(path, sample_rate=reference.rate))


@pytest.mark.parametrize("form", FILMS, ids=str)
def test_pictures(read, form):
    """Every 0.31 s from an odd moment on: never the same frame twice, near the end too."""
    path, reference = read(form)
    assert_same_pictures(path, reference, STRETCHES, slack_secs=1e-4 + form.slack_secs)


def test_most_formats_could_be_written():
    assert len({str(form) for form in SOUNDS + FILMS}) == len(SOUNDS + FILMS)
    written = [form for form in SOUNDS + FILMS if not form.missing]
    assert len(written) >= 130
    assert len({form.suffix for form in written}) >= 35
    assert len({form.audio for form in written}) >= 40
