"""Frames are the right ones, upright, and on one clock with the sound."""

import av
import numpy as np
import pytest
import synthetic_media as media

from soundnet_tf.media import MediaError, probe, read_clip, track

RATE = 22050
MP3_DELAY = 1105 / 44100
MP2_DELAY = 481 / 44100
AAC_DELAY = 1024 / 44100

# name: options, by how much the sound and the picture of second s come after s (write_clock_video)
CLOCKS = {
    "clock.mp4": ({}, 0.0, 0.0),
    "clock.mov": ({"audio_codec": "pcm_s16le"}, 0.0, 0.0),
    "clock.mkv": ({}, 0.0, 0.0),
    "opus.mkv": ({"audio_codec": "libopus"}, 0.0005, 0.0),  # Opus' delay of 6.5 ms, rounded
    "clock.webm": ({}, 0.0005, 0.0),
    "vp9.webm": ({"video_codec": "libvpx-vp9"}, 0.0005, 0.0),
    "clock.avi": ({}, MP3_DELAY, 0.0),
    "clock.ts": ({}, MP2_DELAY, MP2_DELAY),
    "h264.ts": ({"video_codec": "libx264", "audio_codec": "aac"}, AAC_DELAY, AAC_DELAY),
    "long-gop.mp4": ({"keyframe_every_secs": 10}, 0.0, 0.0),
    "vfr.mp4": ({"vfr": True}, 0.0, 0.0),
    "vfr.mkv": ({"vfr": True}, 0.0, 0.0),
    "vfr.ts": ({"vfr": True, "video_codec": "libx264"}, MP2_DELAY, MP2_DELAY),
    "late-sound.mkv": ({"sound_delay_secs": 2.3}, 0.0, 0.0),
    "late-sound.mp4": ({"sound_delay_secs": 2.3}, 0.0, 0.0),
    "late-sound.ts": ({"sound_delay_secs": 2.3}, 0.0, 0.0),
    "late-picture.mp4": ({"picture_delay_secs": 1.48}, 0.0, 0.0),
    "late-picture.webm": ({"picture_delay_secs": 1.48}, 0.0005, 0.0),
    "late-picture.ts": ({"picture_delay_secs": 1.48}, MP2_DELAY, MP2_DELAY),
}


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory):
    folder, written = tmp_path_factory.mktemp("clock"), {}

    def write(name: str):
        if name not in written:
            options = CLOCKS[name][0]
            path = folder / name
            written[name] = media.write_clock_video(path, 8, width=96, height=64, **options)
        return written[name]

    return write


def seconds_of(clip):
    return [media.second_of_colour(frame.mean(axis=(0, 1))) for frame in clip.frames]


@pytest.mark.parametrize("name", CLOCKS)
def test_picture_and_sound_tell_the_same_time(clock_file, name):
    options, sound_offset, picture_offset = CLOCKS[name]
    start_secs, duration_secs, every_secs = 0.5, 6.0, 0.7
    clip = read_clip(clock_file(name), start_secs, duration_secs, every_secs, short_side=32)

    delay_secs = options.get("picture_delay_secs", 0.0) + picture_offset
    wanted = start_secs + np.arange(9) * every_secs
    due = np.unique(np.maximum(wanted, delay_secs))
    np.testing.assert_allclose(start_secs + clip.frame_secs, due, atol=1.1e-3)
    film_secs = start_secs + clip.frame_secs.astype(float) - picture_offset
    assert seconds_of(clip) == np.floor(film_secs + 2e-3).astype(int).tolist()

    assert len(clip.waveform) == round(duration_secs * RATE)
    first_second = int(np.ceil(options.get("sound_delay_secs", 0.0) + start_secs))
    for second in range(first_second, 6):
        begin = round((second + sound_offset - start_secs) * RATE)
        sound = clip.waveform[begin + 500 : begin + RATE - 500]
        assert media.second_of_pitch(sound, RATE) == second
    sound = clip.waveform[round((first_second - start_secs) * RATE) :]
    lag_secs = media.sound_lag_secs(sound, RATE, first_second)
    assert lag_secs == pytest.approx(sound_offset, abs=1e-3)


def test_late_picture_is_given_with_its_true_time(clock_file):
    """Wanted at 0, 0.5, 1 (nothing yet: 1.48 once, not three times), 1.5, 2, 2.5."""
    clip = read_clip(clock_file("late-picture.mp4"), 0.0, 3.0, 0.5, 32)
    np.testing.assert_allclose(clip.frame_secs, [1.48, 1.5, 2.0, 2.5], atol=1e-6)
    assert seconds_of(clip) == [1, 1, 2, 2]


def test_no_frame_at_or_after_the_end(clock_file):
    clip = read_clip(clock_file("late-picture.mp4"), 0.0, 1.48, 0.5, 32)
    assert clip.frames == () and clip.frame_secs.shape == (0,)
    assert len(clip.waveform) == round(1.48 * RATE)


def test_last_frame_still_on_screen(tmp_path):
    """At 25 frames a second the last of 2 s begins at 1.96 s and stays up to 2.0 s."""
    path = media.write_clock_video(tmp_path / "clock.mp4", 2, width=96, height=64)
    clip = read_clip(path, 0.0, 20.0, 0.99, 32)  # wanted at 0, 0.99, 1.98, 2.97
    np.testing.assert_allclose(clip.frame_secs, [0.0, 0.99, 1.98], atol=1e-6)
    assert seconds_of(clip) == [0, 0, 1]
    clip = read_clip(path, 1.95, 20.0, 0.02, 32)  # at 1.95, 1.97, 1.99, 2.01
    np.testing.assert_allclose(clip.frame_secs, [0.0, 0.02, 0.04], atol=1e-6)
    clip = read_clip(path, 1.98, 20.0, 5.0, 32)
    np.testing.assert_allclose(clip.frame_secs, [0.0], atol=1e-6)


def test_paper_defaults(tmp_path):
    """20 s and a frame each 5 s are four frames, short side 256, and 441 000 samples."""
    path = media.write_clock_video(tmp_path / "clock.mp4", 21, fps=5, width=64, height=32)
    clip = read_clip(path)
    assert clip.frame_secs.tolist() == [0, 5, 10, 15]
    assert seconds_of(clip) == [0, 5, 10, 15]
    assert len(clip.waveform) == 441_000
    assert {frame.shape for frame in clip.frames} == {(256, 512, 3)}
    assert {frame.dtype for frame in clip.frames} == {np.dtype(np.uint8)}


@pytest.mark.parametrize(
    "name", ["long-gop.mp4", "vfr.mkv", "clock.webm", "clock.avi", "clock.ts", "h264.ts"]
)
def test_seek_gives_what_decoding_all_gives(clock_file, name):
    """The same frames to the last bit as those picked out of all frames by the definition."""
    path = clock_file(name)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        origin = container.start_time / av.time_base
        film = [
            (float(frame.pts * stream.time_base) - origin, frame.to_ndarray(format="rgb24"))
            for frame in container.decode(stream)
        ]
    rng = np.random.default_rng(3)
    for start_secs in rng.uniform(0, 7, 4):
        clip = read_clip(path, start_secs, 3.0, 0.9, 64)
        wanted_secs = start_secs + np.arange(0, 3.0, 0.9)
        begun = [sum(secs <= wanted + 1e-5 for secs, _ in film) for wanted in wanted_secs]
        last_secs = film[-1][0] + 0.04  # each stays for as long
        shown = [(w, film[n - 1][1]) for w, n in zip(wanted_secs, begun, strict=True)]
        shown = [(wanted, frame) for wanted, frame in shown if wanted < last_secs]
        np.testing.assert_allclose(
            start_secs + clip.frame_secs, [wanted for wanted, _ in shown], atol=1e-5
        )
        for frame, (_, expected) in zip(clip.frames, shown, strict=True):
            np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("lead_secs", [0.01, 4.0])
@pytest.mark.parametrize("name", ["clock.ts", "h264.ts"])
def test_search_of_a_transport_stream(clock_file, monkeypatch, name, lead_secs):
    """A search that lands late is begun anew, ever earlier; the file's beginning is the last."""
    path = clock_file(name)
    monkeypatch.setattr(track, "_SEARCH_LEAD_SECS", 100.0)  # beyond the beginning: no search
    expected = [read_clip(path, start_secs, 2.0, 0.5, 32) for start_secs in (1.7, 4.2, 6.4)]
    monkeypatch.setattr(track, "_SEARCH_LEAD_SECS", lead_secs)
    for clip, start_secs in zip(expected, (1.7, 4.2, 6.4), strict=True):
        sought = read_clip(path, start_secs, 2.0, 0.5, 32)
        np.testing.assert_array_equal(sought.waveform, clip.waveform)
        np.testing.assert_array_equal(sought.frame_secs, clip.frame_secs)
        np.testing.assert_array_equal(sought.frames, clip.frames)


@pytest.mark.parametrize(("name", "kind"), [("h264.ts", "video"), ("clock.ts", "audio")])
def test_a_search_reads_no_more_of_a_transport_stream_than_its_lead(clock_file, name, kind):
    """From 7 s on: the search begins 4 s before, keyframes are a second apart."""
    with track.open_track(clock_file(name), kind, 7.0) as found:
        first_secs = found.secs(next(found.packets).pts)
    assert 2.0 < first_secs < 5.0


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((320, 240), 256, (256, 341)),
        ((240, 320), 256, (341, 256)),
        ((96, 64), 32, (32, 48)),
        ((64, 64), 100, (100, 100)),
    ],
)
def test_short_side(tmp_path, size, short_side, expected):
    """256 / 240 * 320 = 341.3."""
    path = media.write_clock_video(tmp_path / "clock.mp4", 1, width=size[0], height=size[1])
    (frame,) = read_clip(path, short_side=short_side).frames
    assert frame.shape == (*expected, 3)


def _write_halves(path, aspect=1):
    """One second of a picture of 96 x 64 that is red on the left and blue on the right."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :48, 0] = picture[:, 48:, 2] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "flt", "mono")
        silence.sample_rate = 44100
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def _rotate(path, matrix):
    """Puts `matrix` (a, b, c, d: x' = a x + c y, y' = b x + d y) into the first track's header.

    In an MP4's "tkhd" box the matrix follows the name by 44 bytes: rows (a, b, 0), (c, d, 0),
    (0, 0, 1) in 16.16 fixed point, the last column in 2.30.
    """
    a, b, c, d = matrix
    rows = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    content[place : place + 36] = b"".join(row.to_bytes(4, "big", signed=True) for row in rows)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("matrix", "degrees", "red_side"),
    [
        ((1, 0, 0, 1), 0, "left"),
        ((0, 1, -1, 0), 270, "top"),  # x to the right becomes y downwards: a clockwise turn
        ((-1, 0, 0, -1), 180, "right"),
        ((0, -1, 1, 0), 90, "bottom"),
    ],
)
def test_rotation(tmp_path, matrix, degrees, red_side):
    path = _write_halves(tmp_path / "turned.mp4")
    _rotate(path, matrix)
    info = probe(path)
    assert info.rotation_degrees == degrees
    assert (info.width, info.height) == ((64, 96) if degrees % 180 else (96, 64))
    (frame,) = read_clip(path, short_side=64).frames
    assert frame.shape == ((96, 64, 3) if degrees % 180 else (64, 96, 3))
    rims = {"left": np.s_[:, :9], "right": np.s_[:, -9:], "top": np.s_[:9], "bottom": np.s_[-9:]}
    red, _, blue = frame[rims[red_side]].mean(axis=(0, 1))
    assert red > 200 and blue < 50


def test_pixels_that_are_not_square(tmp_path):
    """96 pixels of 2:1 beside 64 rows are shown as 192 x 64."""
    (frame,) = read_clip(_write_halves(tmp_path / "wide.mp4", aspect=2), short_side=64).frames
    assert frame.shape == (64, 192, 3)


def test_cover_picture_is_no_video(tmp_path):
    """A song with the picture of its sleeve has no film."""
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "flt", "mono")
        silence.sample_rate = 44100
        packets = [*sound.encode(silence), *sound.encode(None)]
        packets += [*cover.encode(av.VideoFrame(64, 64, "yuvj420p")), *cover.encode(None)]
        container.mux(packets)
    assert probe(path).video_codec is None
    with pytest.raises(MediaError, match="has no picture stream"):
        read_clip(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame_every_secs": 0}, "frame_every_secs is 0"),
        ({"frame_every_secs": float("nan")}, "frame_every_secs is nan"),
        ({"short_side": 0}, "short_side is 0"),
        ({"duration_secs": 0}, "duration_secs is 0"),
        ({"start_secs": -1}, "start_secs is -1"),
        ({"channel": "right"}, "channel is 'right'"),
    ],
)
def test_arguments_out_of_range(clock_file, arguments, message):
    with pytest.raises(ValueError, match=message):
        read_clip(clock_file("clock.mp4"), **arguments)


def test_start_beyond_the_end(clock_file):
    with pytest.raises(MediaError, match=r"no sound at or after 30 s, it ends at 8\."):
        read_clip(clock_file("clock.mp4"), 30.0)
