"""Files that were read wrongly without a word: what is right of them, by every function."""

import numpy as np
import odd_media
import pytest
from av.stream import Disposition
from media_writer import Pictures, Sound, counted_film, counted_picture, index_of, write
from odd_media import BLUE, COLOURS, ORIENTATIONS, RED, TONES

from soundnet_tf.media import (
    CancelledWarning,
    MediaError,
    open_film,
    probe,
    read_audio,
    read_clip,
    stream_audio,
    track,
)
from soundnet_tf.media.survey import survey

RATE = 22050


def pitch(samples, rate=RATE):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


def length_secs(path):
    """By all functions, which have to agree."""
    read = len(read_audio(path)) / RATE
    assert sum(map(len, stream_audio(path))) / RATE == read
    assert probe(path).duration_secs == pytest.approx(read, abs=0.1)
    return read


@pytest.mark.parametrize(
    ("suffix", "jump_secs"),
    [(".ts", 0.0), (".ts", 1004.0), (".ts", -1.0), (".webm", 0.0), (".ogg", 0.0), (".flac", 0.0)],
)
def test_joined_files_are_one_timeline(tmp_path, suffix, jump_secs):
    """4 s of red and 440 Hz, then 4 s of blue and 1000 Hz. A FLAC loses up to four frames of 0.1 s
    at the join, which have no stamp."""
    path = odd_media.write_joined(tmp_path / f"x{suffix}", second_offset_secs=jump_secs)
    assert length_secs(path) == pytest.approx(8.0, abs=0.42 if suffix == ".flac" else 0.15)
    for start_secs, part in ((0.3, 0), (3.0, 0), (4.3, 1), (7.0, 1)):
        assert pitch(read_audio(path, start_secs, 0.8)) == pytest.approx(TONES[part], abs=3)
        if suffix in (".ts", ".webm"):
            clip = read_clip(path, start_secs, 0.8, 0.3, short_side=64)
            assert pitch(clip.waveform) == pytest.approx(TONES[part], abs=3)
            means = [frame.mean(axis=(0, 1)) for frame in clip.frames]
            np.testing.assert_allclose(means, [COLOURS[part]] * 3, atol=12)


def test_a_clip_over_a_join_changes_sides_in_both(tmp_path):
    """One pass and a clip alone: each second's sound and picture are of one side."""
    path = odd_media.write_joined(tmp_path / "x.ts")
    with open_film(path) as film:
        film.clip(0.0, 2.0, 0.5, 64)
        clip = film.clip(2.0, 4.0, 0.5, 64)
    alone = read_clip(path, 2.0, 4.0, 0.5, 64)
    np.testing.assert_array_equal(clip.waveform, alone.waveform)
    np.testing.assert_array_equal(clip.frames, alone.frames)
    for secs, frame in zip(clip.frame_secs, clip.frames, strict=True):
        if abs(secs - 2.0) > 0.2:
            part = int(secs > 2.0)
            heard = clip.waveform[round(secs * RATE) :][: round(0.3 * RATE)]
            assert pitch(heard) == pytest.approx(TONES[part], abs=5)
            np.testing.assert_allclose(frame.mean(axis=(0, 1)), COLOURS[part], atol=12)


def test_windows_of_a_joined_file_equal_the_whole(tmp_path):
    path = odd_media.write_joined(tmp_path / "x.ogg")
    whole = read_audio(path)
    for start_secs in (0.0, 2.1, 3.7, 4.4, 6.9):
        window = read_audio(path, start_secs, 1.0)
        there = whole[round(start_secs * RATE) :][: len(window)]
        np.testing.assert_allclose(window, there, atol=1e-4)


@pytest.mark.parametrize("lead_secs", [0.3, 4.0])
def test_a_search_in_joined_parts_gives_what_reading_from_the_beginning_gives(
    tmp_path, monkeypatch, lead_secs
):
    """Three parts of 6 s whose stamps are alike; the search goes by places in the file."""
    part = write(
        tmp_path / "1.ts",
        counted_film("mpeg2video", 6.0, options={"g": "25"}),
        Sound("mp2", 44100, odd_media.chirp(6.0)),
    )
    path = odd_media.join(tmp_path / "x.ts", part, part, part)
    starts_secs = (1.7, 5.6, 8.3, 11.9, 13.33, 16.2)
    monkeypatch.setattr(track, "_SEARCH_LEAD_SECS", 100.0)  # before the beginning: no search
    expected = [read_clip(path, start_secs, 1.5, 0.2, 64) for start_secs in starts_secs]
    monkeypatch.setattr(track, "_SEARCH_LEAD_SECS", lead_secs)
    for start_secs, clip in zip(starts_secs, expected, strict=True):
        sought = read_clip(path, start_secs, 1.5, 0.2, 64)
        np.testing.assert_array_equal(sought.waveform, clip.waveform)
        np.testing.assert_array_equal(sought.frame_secs, clip.frame_secs)
        np.testing.assert_array_equal(sought.frames, clip.frames)
    with track.open_track(str(path), "video", 16.2) as found:  # it is near that it begins
        assert found.secs(next(found.packets).pts) > 16.2 - lead_secs - 3


@pytest.mark.parametrize("wrap_at_secs", [0.005, 0.5, 4.0, 7.95])
def test_stamps_that_wrap(tmp_path, wrap_at_secs):
    """The same as a file that does not wrap, before and after it."""
    plain = odd_media.write_wrapped(tmp_path / "plain.ts", wrap_at_secs=90000.0)
    path = odd_media.write_wrapped(tmp_path / "wrap.ts", wrap_at_secs=wrap_at_secs)
    assert length_secs(path) == pytest.approx(8.0, abs=0.05)
    np.testing.assert_array_equal(read_audio(path), read_audio(plain))
    for start_secs in (0.0, 5.0):
        clip, expected = read_clip(path, start_secs, 2.0), read_clip(plain, start_secs, 2.0)
        np.testing.assert_allclose(clip.waveform, expected.waveform, atol=1e-4)
        np.testing.assert_array_equal(clip.frames, expected.frames)


@pytest.mark.parametrize("name", ["x.mp4", "x.mov"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_eight_orientations(tmp_path, name, orientation):
    path = odd_media.write_oriented(tmp_path / name, orientation)
    expected = odd_media.oriented(odd_media.quadrants(), orientation)
    (frame,) = read_clip(path, 0.0, 1.0, 5.0, short_side=96).frames
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 6
    info = probe(path)
    assert (info.height, info.width) == expected.shape[:2]
    # By the numbers that `probe` gives it is turned alike.
    stored = odd_media.quadrants()[:, ::-1] if info.mirrored else odd_media.quadrants()
    np.testing.assert_array_equal(np.rot90(stored, info.rotation_degrees // 90), expected)


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("adpcm_ima_wav", "x.wav"),
        ("adpcm_ms", "x.wav"),
        ("g722", "x.wav"),
        ("ac3", "x.ac3"),
        ("wavpack", "x.wv"),
        ("tta", "x.tta"),
        ("pcm_s16le", "x.mka"),
        ("flac", "long.flac"),
        ("pcm_u8", "x.avi"),
        ("alac", "x.m4a"),
        ("libmp3lame", "x.mp3"),
        ("libopus", "x.ogg"),
        ("adpcm_yamaha", "x.wav"),
        ("libopencore_amrnb", "x.amr"),
    ],
)
def test_a_window_is_the_same_stretch_of_the_whole(tmp_path, codec, name):
    """Never twice alike: a chirp. A lying seek is off by tenths, a lost packet gives zeros."""
    write_one = {"long.flac": odd_media.write_long_blocks, "x.avi": odd_media.write_8_bit_avi}
    if name in write_one:
        path = write_one[name](tmp_path / name)
    else:
        rate = {"libopus": 48000, "libopencore_amrnb": 8000}.get(codec, 44100)
        path = odd_media.write_chirp(tmp_path / name, codec, rate=rate)
    whole = read_audio(path)
    for start_secs, duration_secs in ((0.7, 1.0), (3.333, 2.0), (5.71, 1.9), (7.2, 2.0)):
        window = read_audio(path, start_secs, duration_secs)
        there = whole[round(start_secs * RATE) :][: round(duration_secs * RATE)]
        assert len(window) == len(there)
        np.testing.assert_allclose(window, there, atol=2e-3 if codec == "ac3" else 2e-4)


def test_counted_stamps_do_not_drift(tmp_path):
    """A block of raw AC-3 is 1536 samples; FFmpeg counts 3134 of 1/90 000 s, 0.22 ms a second too
    few: 13 ms in a minute. The chirp goes on in the codec's whole blocks."""
    seconds = 60.0
    path = odd_media.write_chirp(tmp_path / "x.ac3", "ac3", seconds)
    blocks = len(survey(str(path))[0].order)
    assert len(read_audio(path, sample_rate=44100)) == 1536 * blocks
    assert probe(path).duration_secs == pytest.approx(1536 * blocks / 44100, abs=1e-6)
    whole, window = read_audio(path), read_audio(path, 55.0, 2.0)
    np.testing.assert_allclose(window, whole[55 * RATE : 57 * RATE], atol=2e-3)


def test_a_seek_that_lies_is_not_believed(tmp_path, monkeypatch):
    """The seek leads to packets that say to be half a second later than they are: the file is read
    from its beginning instead, and right."""
    path = write(tmp_path / "x.mka", Sound("flac", 44100, odd_media.chirp(8.0)))
    expected = read_audio(path, 6.0, 1.0)
    demux, calls = track.demux, []

    def lying(*streams):
        calls.append(streams)
        is_after_seek = len(calls) == 1
        for packet in demux(*streams):
            if is_after_seek and packet.pts is not None:
                packet.pts, packet.dts = packet.pts + 500, packet.dts + 500
            yield packet

    monkeypatch.setattr(track, "demux", lying)
    np.testing.assert_array_equal(read_audio(path, 6.0, 1.0), expected)
    assert len(calls) == 2


def test_streams_that_end_where_others_begin_are_refused(tmp_path):
    """The second of two joined transport streams has other numbers: half would be lost."""
    first = write(tmp_path / "1.ts", *_film_and_tone())
    second = write(tmp_path / "2.ts", *_film_and_tone(), mpegts_start_pid="512")
    path = odd_media.join(tmp_path / "x.ts", first, second)
    with pytest.raises(MediaError, match="stream ends where another begins"):
        probe(path)


def _film_and_tone():
    return counted_film("mpeg2video", 4.0), Sound("mp2", 44100, odd_media.chirp(4.0))


def test_parts_of_another_codec_are_refused(tmp_path):
    """The same streams by their numbers, AAC and then MP2: one decoder does not do."""
    parts = [
        write(tmp_path / f"{codec}.ts", counted_film("mpeg2video", 4.0), Sound(codec, 44100, sound))
        for codec, sound in (("aac", odd_media.chirp(4.0)), ("mp2", odd_media.chirp(3.0)))
    ]
    path = odd_media.join(tmp_path / "x.ts", *parts)
    for read in (read_audio, lambda path: list(stream_audio(path))):
        with pytest.raises(
            MediaError, match="from 4.* s on its sound cannot be decoded; it was joined"
        ):
            read(path)


def test_slides_go_on_when_the_sound_has_ended(tmp_path):
    """Sound for 4 s; pictures at 0, 3 and 80 s, which is no jump of the clock."""
    slides = Pictures(
        "libx264", [counted_picture(i, 0) for i in range(3)], [0.0, 3.0, 80.0], rate=1
    )
    path = write(tmp_path / "x.mkv", slides, Sound("aac", 44100, odd_media.chirp(4.0)))
    assert len(read_audio(path)) / RATE == pytest.approx(4.0, abs=0.05)
    assert probe(path).duration_secs > 80
    clip = read_clip(path, 2.0, 2.0, 1.0, short_side=64)
    assert [index_of(frame) for frame in clip.frames] == [0, 1]


def test_sound_and_picture_are_of_one_programme(tmp_path):
    """Two pictures, each with its sound, in a transport stream; the second picture is larger."""
    tones = [Sound("mp2", 44100, odd_media.tone(hz, 3.0)) for hz in TONES]
    small = odd_media.coloured("mpeg2video", RED, 3.0)
    large = odd_media.coloured("mpeg2video", BLUE, 3.0, (192, 128))
    path = write(tmp_path / "x.ts", small, tones[0], large, tones[1])
    info = probe(path)
    assert (info.audio_stream, info.video_stream) == (1, 1)
    assert pitch(read_audio(path)) == pytest.approx(TONES[1], abs=3)
    told = probe(path, audio_stream=0)
    assert (told.audio_stream, told.video_stream) == (0, 0)
    told = probe(path, video_stream=0)
    assert (told.audio_stream, told.video_stream) == (0, 0)


def test_bytes_of_different_codecs_are_not_compared(tmp_path):
    """AAC that is the default one has a tenth of the bytes of PCM, and is full of sound."""
    small = Sound("aac", 44100, odd_media.tone(TONES[0], 3.0), flags=int(Disposition.default))
    path = write(
        tmp_path / "x.mkv", small, Sound("pcm_s16le", 44100, odd_media.tone(TONES[1], 3.0))
    )
    assert probe(path).audio_stream == 0


def test_pictures_long_before_the_sound_are_not_before_time_0(tmp_path):
    """FFmpeg takes NUT's time 0 from the sound here."""
    film = counted_film("mpeg4", 4.0, options={"bf": "2"})
    path = write(
        tmp_path / "x.nut", film, Sound("mp2", 44100, odd_media.chirp(4.0), start_secs=1.5)
    )
    clip = read_clip(path, 0.0, 1.0, 0.5, short_side=64)
    assert [index_of(frame) for frame in clip.frames] == [0, 12]


def test_a_last_packet_that_is_not_full(tmp_path):
    """TTA's packets are 1.04 s."""
    path = write(tmp_path / "x.tta", Sound("tta", 44100, odd_media.chirp(4.5)))
    assert length_secs(path) == pytest.approx(4.5, abs=2e-3)


def test_no_picture_is_made_of_the_other_parts(tmp_path):
    """The second part was cut before its first keyframe, which comes up to a second later: until
    then there is no picture beside its sound."""
    film = odd_media.coloured("libx264", RED, 4.0), Sound("mp2", 44100, odd_media.tone(440.0, 4.0))
    first = write(tmp_path / "1.ts", *film)
    film = odd_media.coloured("libx264", BLUE, 4.0), Sound("mp2", 44100, odd_media.tone(1e3, 4.0))
    second = write(tmp_path / "2.ts", *film)
    packets = second.read_bytes()
    (tmp_path / "cut.ts").write_bytes(packets[len(packets) // 188 // 8 * 188 :])
    path = odd_media.join(tmp_path / "x.ts", first, tmp_path / "cut.ts")
    clip = read_clip(path, 3.0, 4.0, 0.1, short_side=64)
    red = [
        secs + 3.0 for secs, f in zip(clip.frame_secs, clip.frames, strict=True) if f[0, 0, 0] > 99
    ]
    blue = [
        secs + 3.0 for secs, f in zip(clip.frame_secs, clip.frames, strict=True) if f[0, 0, 2] > 99
    ]
    assert len(red) + len(blue) == len(clip.frames)
    assert max(red) < 4.1 and min(blue) > 4.05 and len(blue) > 10


def test_a_header_that_says_too_little(tmp_path):
    path = odd_media.write_short_header(tmp_path / "x.webm", declared_secs=3.0)
    assert length_secs(path) == pytest.approx(8.0, abs=0.05)
    assert len(read_clip(path, 6.0, 1.0).frames) == 1


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_pictures_that_stay(tmp_path, name):
    """Slides at 0, 3 and 5.5 s: wanted each half second, the last one that has begun; the last one
    stays for 2.5 s as the one before it did, to the end of the sound."""
    path = odd_media.write_slide_show(tmp_path / name)
    for start_secs, duration_secs in ((0.0, 8.0), (1.5, 4.5), (2.0, 0.9), (6.0, 2.0)):
        clip = read_clip(path, start_secs, duration_secs, 0.5, short_side=64)
        wanted = start_secs + np.arange(0.0, duration_secs, 0.5)
        assert [index_of(frame) for frame in clip.frames] == [
            int(secs >= 3.0) + int(secs >= 5.5) for secs in wanted
        ]
        np.testing.assert_allclose(start_secs + clip.frame_secs, wanted, atol=1e-6)


def test_pictures_that_end_early_are_not_on_screen_any_more(tmp_path):
    film = counted_film("libx264", 2.0)
    path = write(tmp_path / "x.mp4", film, Sound("aac", 44100, odd_media.chirp(6.0)))
    clip = read_clip(path, 1.0, 4.0, 0.5)
    np.testing.assert_allclose(clip.frame_secs, [0.0, 0.5], atol=1e-6)
    assert read_clip(path, 3.0, 2.0, 0.5).frames == ()


def test_a_single_picture_stays_to_the_end(tmp_path):
    film = Pictures("libx264", [odd_media.quadrants()], [0.0], rate=25)
    path = write(tmp_path / "x.mkv", film, Sound("aac", 44100, odd_media.chirp(6.0)))
    assert len(read_clip(path, 4.0, 2.0, 0.5).frames) == 4


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "libvpx"])
def test_irregular_frames_are_the_last_that_began(tmp_path, codec):
    """Pictures at odd moments, by the definition."""
    secs = np.cumsum([0, 10, 1, 23, 1, 1, 33, 1, 15, 5, 1, 28]) / 25
    pictures = [counted_picture(i, 0) for i in range(len(secs))]
    film = Pictures(codec, pictures, [float(s) for s in secs], rate=25)
    path = write(tmp_path / "x.mkv", film, Sound("pcm_s16le", 44100, odd_media.chirp(5.0)))
    for start_secs in (0.0, 0.33, 1.4, 3.02):
        clip = read_clip(path, start_secs, 1.4, 0.11, short_side=64)
        wanted = start_secs + np.arange(0.0, 1.4, 0.11)
        expected = [int(np.sum(secs <= moment + 1e-5)) - 1 for moment in wanted]
        assert [index_of(frame) for frame in clip.frames] == expected


@pytest.mark.parametrize("aside", ["comment", "hearing_impaired", "visual_impaired"])
def test_sound_about_the_film_is_not_taken(tmp_path, aside):
    """The first stream has 440 Hz, the second 1000 Hz."""
    path = tmp_path / "x.mkv"
    odd_media.write_two_sounds(path, Disposition[aside] | Disposition.default, 0)
    info = probe(path)
    assert info.audio_stream == 1
    assert aside in info.audio_streams[0].dispositions
    assert pitch(read_audio(path)) == pytest.approx(TONES[1], abs=3)
    assert pitch(read_audio(path, audio_stream=0)) == pytest.approx(TONES[0], abs=3)
    assert pitch(np.concatenate(list(stream_audio(path)))) == pytest.approx(TONES[1], abs=3)
    assert probe(path, audio_stream=0).audio_stream == 0


@pytest.mark.parametrize("first_is_default", [True, False])
def test_of_two_equal_sounds_the_default_one_is_taken(tmp_path, first_is_default):
    flags = (Disposition.default, 0) if first_is_default else (0, Disposition.default)
    path = odd_media.write_two_sounds(tmp_path / "x.mkv", *flags)
    hz = TONES[0 if first_is_default else 1]
    assert pitch(read_audio(path, 1.0, 1.0)) == pytest.approx(hz, abs=3)


def test_a_silent_track_is_not_taken(tmp_path):
    """Silence compresses to next to nothing, and is the default here."""
    silence = Sound("aac", 44100, np.zeros(3 * 44100, np.float32), flags=Disposition.default)
    sound = Sound("aac", 44100, odd_media.chirp(3.0))
    path = write(tmp_path / "x.mkv", silence, sound)
    assert probe(path).audio_stream == 1
    assert np.abs(read_audio(path)).max() > 0.2


@pytest.mark.parametrize(
    "write_film", [odd_media.write_preview_first, odd_media.write_unmarked_cover]
)
@pytest.mark.parametrize("name", ["x.mkv", "x.mp4"])
def test_the_film_is_taken_not_its_preview_or_cover(tmp_path, write_film, name):
    path = write_film(tmp_path / name)
    info = probe(path)
    assert (info.video_stream, len(info.video_streams)) == (1, 2)
    (frame,) = read_clip(path, 1.0, 1.0, 5.0, 64).frames
    np.testing.assert_allclose(frame.mean(axis=(0, 1)), BLUE, atol=12)
    (frame,) = read_clip(path, 0.0, 1.0, 5.0, 64, video_stream=0).frames
    np.testing.assert_allclose(frame.mean(axis=(0, 1)), RED, atol=12)


@pytest.mark.parametrize("number", [-1, 2])
def test_a_stream_that_is_not_there(tmp_path, number):
    path = odd_media.write_two_sounds(tmp_path / "x.mkv")
    with pytest.raises(MediaError, match=rf"2 sound streams; audio_stream is {number}, it counts"):
        read_audio(path, audio_stream=number)


def test_channels_that_cancel_out(tmp_path):
    path = odd_media.write_out_of_phase(tmp_path / "x.wav")
    with pytest.warns(CancelledWarning, match="x.wav is silent, since its channels cancel out"):
        assert np.abs(read_audio(path)).max() < 1e-4
    with pytest.warns(CancelledWarning):
        list(stream_audio(path))
    assert read_audio(path, channel="first").max() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(
        read_audio(path, channel="loudest"), read_audio(path, channel="first")
    )


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_u8", "pcm_f32le"])
def test_the_loudest_channel_is_that_of_the_whole_file(tmp_path, codec):
    """The first channel sounds for 7 s, the second for 5 s and twice as loud: four times the energy
    a second. In a window that has the first alone, too."""
    left, right = odd_media.chirp(12.0), 2 * odd_media.chirp(12.0)
    left[7 * 44100 :], right[: 7 * 44100] = 0, 0
    path = write(tmp_path / "x.wav", Sound(codec, 44100, np.stack([left, right], axis=1)))
    alone = write(tmp_path / "right.wav", Sound(codec, 44100, right))
    np.testing.assert_array_equal(read_audio(path, channel="loudest"), read_audio(alone))
    window = read_audio(path, 0.2, 2.0, channel="loudest")
    np.testing.assert_array_equal(window, read_audio(alone, 0.2, 2.0))
    blocks = np.concatenate(list(stream_audio(path, channel="loudest")))
    np.testing.assert_array_equal(blocks, read_audio(alone))


def test_the_loudest_channel_of_the_stream_that_was_asked_for(tmp_path):
    """Of the first stream the first channel is the louder one, of the second the second."""
    loud, quiet = odd_media.chirp(3.0), odd_media.chirp(3.0) / 2
    sounds = [np.stack(pair, axis=1) for pair in ((loud, quiet), (quiet, loud))]
    streams = [Sound("pcm_s16le", 44100, sound) for sound in sounds]
    path = write(tmp_path / "x.mkv", counted_film("libx264", 3.0), *streams)
    for number in (0, 1):
        heard = read_audio(path, channel="loudest", audio_stream=number)
        assert np.abs(heard).max() == pytest.approx(0.3, abs=0.01)
        clip = read_clip(path, 0.0, 3.0, channel="loudest", audio_stream=number)
        np.testing.assert_array_equal(clip.waveform, heard)


def test_what_follows_on_a_packet_that_is_lost_stays_in_its_place(tmp_path):
    """The second of two joined MP3s begins with a header that is no sound: the decoder refuses it,
    and 26 ms are missing there, not at the end."""
    parts = [
        write(tmp_path / name, Sound("libmp3lame", 44100, odd_media.chirp(4.0)))
        for name in ("a.mp3", "b.mp3")
    ]
    path = odd_media.join(tmp_path / "x.mp3", *parts)
    whole = read_audio(path)
    for start_secs in (1.0, 5.0, 6.5):
        there = whole[round(start_secs * RATE) :][:RATE]
        np.testing.assert_allclose(read_audio(path, start_secs, 1.0), there, atol=1e-4)


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    """What was found in a file is remembered only for the file it was found in."""
    path = tmp_path / "x.wav"
    write(path, Sound("pcm_s16le", 44100, odd_media.chirp(4.0)))
    assert probe(path).duration_secs == pytest.approx(4.0)
    write(path, Sound("pcm_s16le", 44100, odd_media.chirp(2.0)))
    assert probe(path).duration_secs == pytest.approx(2.0)
