"""What is read of a file equals what the ffmpeg program decodes, format by format.

The files are written by PyAV, whose FFmpeg is another release than the program. A sound that is
coded without loss has to be the same to float32's rounding, else -40 dB of it may differ. A window
is compared with the same stretch of the whole, as strictly.
"""

import ffmpeg_reference
import numpy as np
import pytest
from media_formats import FILMS, SECONDS, SOUNDS
from media_writer import index_of

from soundnet_tf.media import probe, read_audio, read_clip, stream_audio

pytestmark = pytest.mark.skipif(
    ffmpeg_reference.PROGRAM is None, reason="the ffmpeg program is not installed"
)

EXACT = 1e-4  # of full scale: 16 bits are 3e-5
LOSSY_DB = -40.0
RELEASES_DIFFER = {"adpcm_ima_wav": 2e-3}  # FFmpeg 8 rounds otherwise than 5 and 6
ALAC_END_SECS = 384 / 44100  # FFmpeg 8 cuts what fills the last block twice in CAF
LONG_MEMORY_DB = {"libopencore_amrnb": -35.0, "g723_1": -35.0}  # of a decoder that begins anew
WINDOWS = [(0.35, 1.0), (2.337, 1.5), (4.9003, 1.2), (SECONDS - 0.7, 2.0)]  # start, duration
FRAME_SECS = 0.04


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


def largest(some: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two samples."""
    return float(np.abs(some - other).max())


def difference_db(some: np.ndarray, other: np.ndarray) -> float:
    """Power of the difference over that of `other`."""
    return 10 * np.log10(np.sum((some - other) ** 2) / np.sum(other**2) + 1e-20)


def assert_alike(got, expected, at, form, slack, bound=None):
    """`got` is `expected` from sample `at` on, give or take `slack` samples, while both last."""
    measure, usual = (largest, EXACT) if form.is_exact else (difference_db, LOSSY_DB)
    bound = usual if bound is None else bound
    errors = {}
    for lag in range(-slack, slack + 1):
        here = got[max(0, -(at + lag)) :].astype(np.float64)
        there = expected[max(0, at + lag) :][: len(here)].astype(np.float64)
        errors[lag] = measure(here[: len(there)], there)
    lag = min(errors, key=errors.get)
    assert errors[lag] <= bound, f"{errors[lag]:.3g} at a lag of {lag}, {errors[0]:.3g} without"


@pytest.mark.parametrize("form", SOUNDS + FILMS, ids=str)
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


@pytest.mark.parametrize("form", SOUNDS + FILMS, ids=str)
def test_whole_sound(read, form):
    path, reference = read(form)
    waveform = read_audio(path, sample_rate=reference.rate)
    slack = round(form.slack_secs * reference.rate)
    assert_alike(waveform, reference.waveform, 0, form, slack, RELEASES_DIFFER.get(form.audio))


@pytest.mark.parametrize("form", SOUNDS + FILMS, ids=str)
def test_windows(read, form):
    path, reference = read(form)
    rate = reference.rate
    whole = read_audio(path, sample_rate=rate)
    slack = round(form.slack_secs * rate)
    for start_secs, duration_secs in WINDOWS:
        window = read_audio(path, start_secs, duration_secs, sample_rate=rate)
        at = round(start_secs * rate)
        there = min(round(duration_secs * rate), len(whole) - at)
        assert abs(len(window) - there) <= slack, f"window at {start_secs} s"
        assert_alike(window, whole, at, form, slack, LONG_MEMORY_DB.get(form.audio))


@pytest.mark.parametrize("form", SOUNDS + FILMS, ids=str)
def test_stream(read, form):
    path, reference = read(form)
    blocks = np.concatenate(list(stream_audio(path, sample_rate=reference.rate)))
    np.testing.assert_array_equal(blocks, read_audio(path, sample_rate=reference.rate))


@pytest.mark.parametrize("form", FILMS, ids=str)
def test_pictures(read, form):
    """Every 0.31 s from an odd moment on: never the same frame twice, near the end too."""
    path, reference = read(form)
    for start_secs, duration_secs in [(0.0, 1.5), (1.234, 3.0), (SECONDS - 1.0, 0.9)]:
        wanted = start_secs + np.arange(0.0, duration_secs, 0.31)
        expected = [reference.on_screen(secs) for secs in wanted]
        clip = read_clip(path, start_secs, duration_secs, frame_every_secs=0.31, short_side=64)
        shown = [index_of(reference.pictures[index]) for index in expected]
        assert [index_of(frame) for frame in clip.frames] == shown
        secs = [reference.picture_secs[index] for index in expected]
        slack_secs = 1e-4 + form.slack_secs
        np.testing.assert_allclose(clip.frame_secs + start_secs, secs, atol=slack_secs)
        for frame, index in zip(clip.frames, expected, strict=True):
            off = np.abs(frame.astype(int) - reference.pictures[index].astype(int))
            assert off.mean() < 6


def test_most_formats_could_be_written():
    assert len({str(form) for form in SOUNDS + FILMS}) == len(SOUNDS + FILMS)
    written = [form for form in SOUNDS + FILMS if not form.missing]
    assert len(written) >= 130
    assert len({form.suffix for form in written}) >= 35
    assert len({form.audio for form in written}) >= 40
