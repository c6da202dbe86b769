"""Sound is complete, in [-1, 1], and at its time, whatever the file, the window and the format."""

import itertools

import av
import numpy as np
import pytest
import synthetic_media as media
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.media import MediaError, native_sound, read_audio
from soundnet_tf.media.native_sound import Window

RATE = 22050

# Files whose time stamps tell the exact sample.
EXACT = {
    "wav": ("sound.wav", {}),
    "flac": ("sound.flac", {}),
    "ogg": ("sound.ogg", {}),
    "mp3": ("sound.mp3", {}),
    "opus": ("sound.opus", {}),
    "mp4": ("clock.mp4", {}),
    "mov-pcm": ("clock.mov", {"audio_codec": "pcm_s16le"}),
    "mp4-late": ("late.mp4", {"sound_delay_secs": 2.5}),
    "mp4-gap": ("gap.mp4", {"sound_gap_secs": (2.0, 4.0)}),
    "avi": ("clock.avi", {}),
    "ts-mp2": ("clock.ts", {}),
    "ts-aac": ("aac.ts", {"video_codec": "libx264", "audio_codec": "aac"}),
}


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory):
    folder, written = tmp_path_factory.mktemp("clock"), {}

    def write(name: str, **options):
        if name not in written:
            path = folder / name
            if name.startswith("sound."):
                rate = 48000 if name.endswith("opus") else 44100
                written[name] = media.write_sound(path, media.clock_sound(0, 8, rate), rate)
            else:
                written[name] = media.write_clock_video(path, 8, width=64, height=48, **options)
        return written[name]

    return write


@pytest.mark.parametrize("kind", EXACT)
def test_window_equals_slice_of_whole(clock_file, kind):
    name, options = EXACT[kind]
    path = clock_file(name, **options)
    whole = read_audio(path)
    for start_secs, duration_secs in ((0.0, 0.5), (1.9, 2.2), (3.217, 0.731), (6.31, 5.0)):
        window = read_audio(path, start_secs, duration_secs)
        begin = round(start_secs * RATE)
        expected = whole[begin : begin + round(duration_secs * RATE)]
        assert len(window) == len(expected)
        np.testing.assert_allclose(window, expected, atol=1e-4)


@pytest.mark.parametrize(("name", "rate"), [("clock.mkv", 44100), ("clock.webm", 48000)])
def test_window_of_millisecond_clock(clock_file, name, rate):
    """Matroska rounds times to 1 ms; a window lies no more than that beside the whole.

    Both are read at the file's own rate, where the shift is a whole number of samples.
    """
    whole = read_audio(clock_file(name), sample_rate=rate)
    window = read_audio(clock_file(name), 3.2, 2.0, sample_rate=rate)
    begin = round(3.2 * rate)
    shifts = range(-rate // 1000, rate // 1000 + 2)
    errors = [np.abs(window - whole[begin + s : begin + s + len(window)]).max() for s in shifts]
    assert min(errors) < 1e-4


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3", "opus"])
def test_length_and_time_of_sound_files(clock_file, extension):
    """8 s are 176 400 samples, with the encoder's delay taken off to the sample."""
    waveform = read_audio(clock_file(f"sound.{extension}"))
    assert waveform.dtype == np.float32
    assert len(waveform) == 8 * RATE
    assert media.sound_lag_secs(waveform, RATE) == 0.0


def test_ffmpeg_mp3_equals_libsndfile(clock_file):
    """Both decoders take off LAME's delay and padding and give the same samples."""
    import soundfile

    expected, rate = soundfile.read(clock_file("sound.mp3"), dtype="float32")
    np.testing.assert_allclose(
        read_audio(clock_file("sound.mp3"), sample_rate=rate), expected, atol=1e-5
    )


@pytest.mark.parametrize("extension", ["wav", "flac", "mka"])
@pytest.mark.parametrize("channels", range(1, 9))
def test_channels(tmp_path, extension, channels):
    """Channel k holds a sine of 300 + 100 k Hz; `mean` is their mean, `first` the one of 300 Hz."""

    def sines(rate):
        secs = np.arange(rate) / rate
        return 0.8 * np.sin(2 * np.pi * (300 + 100 * np.arange(channels)) * secs[:, None])

    path = media.write_sound(tmp_path / f"sound.{extension}", sines(48000), 48000)
    middle = slice(1000, -1000)
    for channel, expected in (("mean", sines(RATE).mean(axis=1)), ("first", sines(RATE)[:, 0])):
        np.testing.assert_allclose(
            read_audio(path, channel=channel)[middle], expected[middle], atol=2e-4
        )


@pytest.mark.parametrize("extension", ["m4a", "opus"])
def test_eight_planes(tmp_path, extension):
    """PyAV's own `to_ndarray` reads beyond such frames and crashes; the mean keeps the height."""
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(96000) / 48000)
    path = media.write_sound(tmp_path / f"sound.{extension}", np.repeat(sine[:, None], 8, 1), 48000)
    waveform = read_audio(path)[4000:-4000]
    assert np.sqrt(2 * np.mean(waveform**2)) == pytest.approx(0.5, rel=0.2)  # 7 of 8 at the least


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 48000, 96000, 192000])
def test_rates(tmp_path, rate):
    """A sine of 440 Hz is the same sine at 22 050 Hz, and just as long."""
    path = media.write_sine(tmp_path / "sine.wav", seconds=2.0, sample_rate=rate)
    waveform = read_audio(path)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    assert len(waveform) == 2 * RATE
    np.testing.assert_allclose(waveform[500:-500], expected[500:-500], atol=2e-4)


@pytest.mark.parametrize(
    ("subtype", "step"),
    [
        ("PCM_U8", 2**-7),
        ("PCM_16", 2**-15),
        ("PCM_24", 2**-22),
        ("PCM_32", 2**-22),
        ("FLOAT", 2**-22),
        ("DOUBLE", 2**-22),
    ],
)
def test_sample_formats(tmp_path, subtype, step):
    """No format is off by more than a step of its own (or of float32)."""
    path = media.write_sine(tmp_path / "sine.wav", sample_rate=RATE, subtype=subtype)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
    np.testing.assert_allclose(read_audio(path), expected, atol=1.01 * step)


def test_other_sample_rate(tmp_path):
    path = media.write_sine(tmp_path / "sine.wav", seconds=1.0)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    waveform = read_audio(path, sample_rate=16000)
    assert len(waveform) == 16000
    np.testing.assert_allclose(waveform[500:-500], expected[500:-500], atol=2e-4)


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "late.ts", "late.webm"])
def test_late_sound(clock_file, name):
    """Silence stands where there is none yet; what follows keeps its time (to Matroska's 1 ms)."""
    path = clock_file(name, sound_delay_secs=2.5)
    waveform = read_audio(path)
    assert np.abs(waveform[: round(2.45 * RATE)]).max() < 1e-6
    sounding = waveform[round(2.6 * RATE) :]
    assert abs(media.sound_lag_secs(sounding, RATE, 2.6)) <= 0.0011
    np.testing.assert_array_equal(read_audio(path, 0.5, 1.5), np.zeros(round(1.5 * RATE)))


@pytest.mark.parametrize("name", ["gap.mkv", "gap.mp4", "gap.ts", "gap.webm"])
def test_gap(clock_file, name):
    waveform = read_audio(clock_file(name, sound_gap_secs=(2.0, 4.0)))
    offset_secs = 481 / 44100 if name == "gap.ts" else 0.0  # MP2's delay, see write_clock_video
    assert np.abs(waveform[round(2.15 * RATE) : round(3.85 * RATE)]).max() < 1e-3
    after = waveform[round(4.2 * RATE) : round(7.9 * RATE)]
    assert abs(media.sound_lag_secs(after, RATE, 4.2) - offset_secs) <= 0.0011


def test_mp3_with_wrongly_guessed_length(tmp_path):
    """2 s at 32 kbit/s, then 2 s at 320, or turned round, without a length in the header.

    A guess from the first bit rate is 5 times too long, or almost half too short.
    """
    halves = [_plain_mp3(tmp_path / f"{rate}.mp3", rate) for rate in (32_000, 320_000)]
    for order in itertools.permutations(halves):
        path = tmp_path / "both.mp3"
        path.write_bytes(b"".join(half.read_bytes() for half in order))
        whole = read_audio(path)
        assert len(whole) / RATE == pytest.approx(4.0, abs=0.2)
        window = read_audio(path, 3.0, 0.5)
        np.testing.assert_allclose(window, whole[3 * RATE : 3 * RATE + len(window)], atol=1e-4)


def _plain_mp3(path, bit_rate):
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 88200)).astype(np.float32)
    options = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(noise, format="flt", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["sound.flac", "sound.mp3", "clock.ts", "clock.mp4", "clock.mkv"])
def test_window_decodes_no_more_than_it_needs(clock_file, monkeypatch, name):
    """0.2 s take 0.1 s of margin on both sides, 1 s for the grids to meet and 0.5 s of preroll."""
    decoded = []
    columns = native_sound.columns_of
    monkeypatch.setattr(
        native_sound, "columns_of", lambda frame: decoded.append(frame.samples) or columns(frame)
    )
    read_audio(clock_file(name), 6.0, 0.2)
    assert sum(decoded) / 44100 < 0.2 + 2 * 0.1 + 1.0 + 0.5 + 0.3  # and a few frames


def test_slightly_hot_floats_are_clipped(tmp_path):
    path = media.write_sine(tmp_path / "hot.wav", sample_rate=RATE, peak=1.5, subtype="FLOAT")
    waveform = read_audio(path)
    assert (waveform.min(), waveform.max()) == (-1.0, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 32000.0])
def test_wild_floats_are_refused(tmp_path, value):
    samples = np.zeros(44100, np.float32)
    samples[20000] = value
    path = media.write_sound(tmp_path / "wild.wav", samples, 44100, subtype="FLOAT")
    with pytest.raises(MediaError, match="wild.wav: float samples reach"):
        read_audio(path)
    np.testing.assert_array_equal(read_audio(path, 0.0, 0.1), np.zeros(2205))  # not in the window


@pytest.mark.parametrize("start_secs", [3.0, 100.0])
@pytest.mark.parametrize("extension", ["wav", "mp3", "m4a"])
def test_start_beyond_the_end(tmp_path, extension, start_secs):
    path = media.write_sine(tmp_path / f"sine.{extension}", seconds=2.5)
    with pytest.raises(MediaError, match=r"no sound at or after .* it ends at 2\.5"):
        read_audio(path, start_secs, 1.0)


def test_end_is_trimmed_not_padded(tmp_path):
    path = media.write_sine(tmp_path / "sine.wav", seconds=2.5)
    assert len(read_audio(path, 2.0, 20.0)) == round(0.5 * RATE)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_secs": -0.1},
        {"start_secs": float("nan")},
        {"start_secs": float("inf")},
        {"duration_secs": 0.0},
        {"duration_secs": float("inf")},
        {"channel": "left"},
        {"sample_rate": 0},
        {"sample_rate": 22050.5},
    ],
)
def test_arguments_out_of_range(clock_file, arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name} is {value!r}") as raised:
        read_audio(clock_file("sound.wav"), **arguments)
    assert not isinstance(raised.value, MediaError)


RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44056, 44100, 48000, 96000, 192000])


@given(st.floats(0, 1e5), st.floats(1e-3, 100), RATES, RATES)
def test_window_arithmetic(start_secs, duration_secs, native_rate, rate):
    """The first native sample falls on a sample of the result, and the window lies inside."""
    window = Window(start_secs, duration_secs, rate)
    first = window.first(native_rate)
    assert first * rate % native_rate == 0
    assert first / native_rate <= start_secs
    assert start_secs - first / native_rate <= 1.1 + 1 / native_rate
    assert window.stop(native_rate) / native_rate >= start_secs + duration_secs
    inside = window.slice(native_rate)
    assert inside.start >= 0
    assert inside.stop - inside.start == round(duration_secs * rate)
    assert abs(first / native_rate + inside.start / rate - start_secs) <= 0.5 / rate + 1e-9
