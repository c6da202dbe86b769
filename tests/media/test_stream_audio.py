"""Blocks of sound joined are the whole that `read_audio` gives, in a memory that stays small."""

import tracemalloc

import av
import numpy as np
import pytest
import soundfile
import synthetic_media as media

from soundnet_tf.media import MediaError, read_audio, stream_audio, timeline
from soundnet_tf.media.timeline import Timeline

RATE = 22050

# Longer than two blocks; each has its own way to lay sound down.
KINDS = {
    "wav": ("sound.wav", {}),
    "flac": ("sound.flac", {}),
    "ogg": ("sound.ogg", {}),
    "mp3": ("sound.mp3", {}),
    "opus": ("sound.opus", {}),
    "m4a": ("sound.m4a", {}),
    "mp4": ("clock.mp4", {}),
    "mp4-gap": ("gap.mp4", {"sound_gap_secs": (2.0, 9.5)}),
    "mkv-late": ("late.mkv", {"sound_delay_secs": 6.5}),
    "webm-gap": ("gap.webm", {"sound_gap_secs": (2.0, 4.0)}),
    "avi": ("clock.avi", {}),
    "ts": ("clock.ts", {}),
    "ts-late": ("late.ts", {"sound_delay_secs": 2.5}),
}


def write(path, **options):
    if path.name.startswith("sound."):
        rate = 48000 if path.suffix == ".opus" else 44100
        return media.write_sound(path, media.clock_sound(0, 12, rate), rate)
    return media.write_clock_video(path, 12, width=64, height=48, **options)


def assert_equals_whole(path, **options):
    blocks = list(stream_audio(path, **options))
    assert all(block.dtype == np.float32 and block.size for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), read_audio(path, **options))
    return blocks


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_equal_whole(tmp_path, kind):
    name, options = KINDS[kind]
    blocks = assert_equals_whole(write(tmp_path / name, **options))
    assert sum(map(len, blocks)) / RATE == pytest.approx(12.0, abs=0.1)
    assert len(blocks) > 2


@pytest.mark.parametrize("channel", ["mean", "first"])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, RATE, 32000, 44100, 48000])
def test_rates_and_channels(tmp_path, rate, channel):
    """Two sines of the height 0.5 and 0.25, cut to 22 050 Hz, are two sines again."""
    secs = np.arange(9 * rate) / rate
    stereo = np.stack([0.5 * np.sin(2 * np.pi * hz * secs) for hz in (440, 880)], axis=1)
    path = media.write_sound(tmp_path / "sines.wav", stereo, rate)
    waveform = np.concatenate(assert_equals_whole(path, channel=channel))
    secs = np.arange(9 * RATE) / RATE
    left, right = (0.5 * np.sin(2 * np.pi * hz * secs) for hz in (440, 880))
    expected = left if channel == "first" else (left + right) / 2
    assert len(waveform) == 9 * RATE
    np.testing.assert_allclose(waveform[500:-500], expected[500:-500], atol=2e-4)


def test_other_sample_rate(tmp_path):
    path = media.write_sine(tmp_path / "sine.wav", seconds=9.0)
    assert sum(map(len, assert_equals_whole(path, sample_rate=16000))) == 9 * 16000


def test_real_sound(shared):
    """Every video, and a dozen of ESC-10 (Vorbis with a few wrong time stamps)."""
    videos = sorted(p for p in (shared / "data/videos").iterdir() if p.suffix != ".csv")
    sounds = sorted((shared / "data/esc10").rglob("*.ogg"))
    for path in videos + sounds[:: len(sounds) // 12]:
        assert_equals_whole(str(path))


def test_vorbis_with_wrong_stamps_keeps_its_length(shared):
    """FFmpeg's stamps of some packets are a block late; the length is libsndfile's all the same."""
    sounds = sorted((shared / "data/esc10").rglob("*.ogg"))
    for path in sounds[:: len(sounds) // 12]:
        assert len(read_audio(path, sample_rate=44100)) == soundfile.info(path).frames


@pytest.fixture(scope="module")
def half_an_hour(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.wav"
    minute = media.write_sine(path.with_name("minute.wav"), 60, 16000)
    samples, _ = soundfile.read(minute, dtype="int16")
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for _ in range(30):
            file.write(samples)
    return path


def test_memory_does_not_grow_with_the_file(half_an_hour):
    """30 min are 159 MB at 22 050 Hz; a block of some seconds is held a few times over: 10 MB."""
    tracemalloc.start()
    try:
        lengths = [len(block) for block in stream_audio(half_an_hour)]
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(lengths) == 30 * 60 * RATE
    assert max(lengths) < 10 * RATE
    assert min(lengths[:-2]) > RATE  # the last: what is left, and what the filter held back
    assert peak_bytes < 10e6


def test_first_block_comes_before_the_file_is_read(half_an_hour, monkeypatch):
    placed = []
    place = Timeline.place
    monkeypatch.setattr(
        Timeline, "place", lambda self, *args: placed.append(len(args[1])) or place(self, *args)
    )
    blocks = stream_audio(half_an_hour)
    next(blocks)
    assert sum(placed) / 16000 < 20
    blocks.close()


def test_long_gap_comes_in_pieces():
    """Sound of 1 s at 0 and at 1000 s: a second of it at most is handed out at once."""
    sound = np.full((8000, 1), 0.5, np.float32)
    line = Timeline("gap", 8000, 0, float("inf"), "mean")
    blocks = [*line.place(0, sound), *line.place(8_000_000, sound), *line.finish()]
    assert max(map(len, blocks)) == 8000
    waveform = np.concatenate(blocks)
    assert len(waveform) == 8_008_000
    sounding = [*range(8000), *range(8_000_000, 8_008_000)]
    np.testing.assert_array_equal(np.flatnonzero(waveform), sounding)


def test_overlap_is_dropped():
    """0.1 s that begin 0.08 s before what was there ends: all but the last 0.02 s is dropped."""
    line = Timeline("overlap", 1000, 0, float("inf"), "mean")
    first, second = np.full((200, 1), 0.25, np.float32), np.full((100, 1), 0.5, np.float32)
    blocks = [*line.place(0, first), *line.place(120, second), *line.finish()]
    np.testing.assert_array_equal(np.concatenate(blocks), [0.25] * 200 + [0.5] * 20)


def test_run_starts_at_the_median_stamp():
    """Of the first 64; what comes later is handed out by the second (25 blocks of 40 ms), and its
    jitter moves nothing."""
    stamps = [40 * i for i in range(200)]
    stamps[0], stamps[3], stamps[150] = 20, 110, 6030
    line = Timeline("jitter", 1000, 0, float("inf"), "mean")
    ones = np.ones((40, 1), np.float32)
    counts = [sum(map(len, line.place(stamp + 7, ones))) for stamp in stamps]
    held = timeline._STAMPS_COMPARED
    later = ([0] * 24 + [1000]) * 5 + [0] * 11
    assert counts == [0] * (held - 1) + [7 + 40 * held] + later
    assert [len(block) for block in line.finish()] == [40 * 11]
    assert line.end == 7 + 40 * 200


@pytest.mark.parametrize("arguments", [{"channel": "left"}, {"sample_rate": 0}])
def test_arguments_are_refused_at_once(tmp_path, arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name} is {value!r}"):
        stream_audio(tmp_path / "nothing.wav", **arguments)


def test_no_file_no_sound(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such media file"):
        next(stream_audio(tmp_path / "nothing.wav"))
    silent = media.write_clock_video(tmp_path / "a.mp4", 2, width=64, height=48, sound=False)
    with pytest.raises(MediaError, match="has no sound stream"):
        next(stream_audio(silent))
    (tmp_path / "noise.wav").write_bytes(np.random.default_rng(7).bytes(20_000))
    with pytest.raises(MediaError, match="noise.wav: "):
        next(stream_audio(tmp_path / "noise.wav"))


def test_no_sample_in_it(tmp_path):
    path = media.write_sound(tmp_path / "none.wav", np.zeros(0), 44100)
    for read in (read_audio, lambda path: next(stream_audio(path))):
        with pytest.raises(MediaError, match=r"none\.wav: no sound at or after 0 s, it ends at 0"):
            read(path)


def blocks_until_error(path, message):
    """How many samples come before the MediaError, which `read_audio` raises too."""
    with pytest.raises(MediaError, match=message):
        read_audio(path)
    given = 0
    with pytest.raises(MediaError, match=message):
        for block in stream_audio(path):
            given += len(block)
    return given


def test_cut_off_shows_at_the_end(tmp_path):
    """30 % of 30 s: of the 9 s that are there a block is given, all but the last 4 s that would not
    fill another, then comes the error."""
    path = media.write_sound(tmp_path / "cut.wav", media.clock_sound(0, 30, RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 10])
    message = r"declares sound up to (30\.0|29\.99).* ends at (9\.0|8\.99)"
    assert 5 * RATE <= blocks_until_error(path, message) <= 9 * RATE


def test_undecodable_shows_at_the_end(tmp_path):
    """16 s of FLAC whose frames hold nothing but zeros from the sixth second on."""
    path = media.write_clock_video(tmp_path / "clock.mkv", 16, picture=False, audio_codec="flac")
    spoilt = tmp_path / "spoilt.mkv"
    with av.open(str(path)) as source, av.open(str(spoilt), "w") as target:
        copy = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.dts is None:
                continue
            data = bytes(packet)
            if float(packet.pts * packet.time_base) > 5.0:
                data = b"\x00" * len(data)
            damaged = av.Packet(data)
            damaged.pts, damaged.dts, damaged.time_base = packet.pts, packet.dts, packet.time_base
            damaged.stream = copy
            target.mux(damaged)
    message = r"\d+ of \d+ packets of sound cannot be decoded"
    assert 4 * RATE <= blocks_until_error(spoilt, message) <= 5.2 * RATE


def test_wild_samples_show_where_they_are(tmp_path):
    samples = np.zeros(20 * RATE, np.float32)
    samples[15 * RATE] = np.nan
    path = media.write_sound(tmp_path / "wild.wav", samples, RATE, subtype="FLOAT")
    assert 8 * RATE < blocks_until_error(path, "wild.wav: float samples reach nan") < 15 * RATE


def test_rate_that_changes(tmp_path):
    """FFmpeg reads two MP3s in one file; the second has another rate."""
    halves = (media.write_sine(tmp_path / f"{rate}.mp3", 6.0, rate) for rate in (44100, 48000))
    path = tmp_path / "both.mp3"
    path.write_bytes(b"".join(half.read_bytes() for half in halves))
    assert blocks_until_error(path, "sample rate changes from 44100 to 48000 Hz") > 3 * RATE
