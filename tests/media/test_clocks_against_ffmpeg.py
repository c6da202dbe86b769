"""Where sound and pictures lie, and which way up, is where the ffmpeg program puts them.

Streams that begin late, early or nowhere near 0, stamps that wrap, jump or begin anew, pictures
that are turned and mirrored.
"""

import ffmpeg_reference
import numpy as np
import odd_media
import pytest
from media_comparison import assert_same_film, assert_same_pictures
from media_formats import Format
from media_writer import Pictures, Sound, counted_film, write
from odd_media import ORIENTATIONS, TONES

from soundnet_tf.media import probe, read_audio, read_clip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ffmpeg_reference.PROGRAM is None, reason="there is no ffmpeg program"),
]

CONTAINERS = [
    Format(".mp4", "aac", "libx264"),
    Format(".mp4", "flac", "libx264"),
    Format(".mov", "pcm_s16le", "libx264"),
    Format(".mkv", "flac", "libx264"),
    Format(".mkv", "pcm_s16le", "ffv1"),
    Format(".webm", "libopus", "libvpx"),
    Format(".ts", "mp2", "mpeg2video"),
    Format(".ts", "aac", "libx264"),
    Format(".mpg", "mp2", "mpeg1video"),
    Format(".flv", "aac", "libx264"),
    Format(".nut", "libmp3lame", "mpeg4"),
    Format(".wmv", "wmav2", "wmv2", form="asf"),
    Format(".wtv", "mp2", "mpeg2video"),
]
DELAYS = {  # seconds at which sound and pictures begin
    "late sound": {"sound_secs": 3.0},
    "sound a little late": {"sound_secs": 0.513},
    "late pictures": {"picture_secs": 3.0},
    "pictures a little late": {"picture_secs": 0.52},
    "both late": {"sound_secs": 2.3, "picture_secs": 1.2},
}
OFFSETS = [
    Format(".mp4", "aac", "libx264", options={"output_ts_offset": "5"}, note="from 5 s"),
    Format(".mp4", "aac", "libx264", options={"use_editlist": "0"}, note="without edit list"),
    Format(".mov", "pcm_s16le", "libx264", options={"output_ts_offset": "5"}, note="from 5 s"),
    Format(".mkv", "flac", "libx264", options={"output_ts_offset": "5"}, note="from 5 s"),
    Format(".mkv", "aac", "libx264", options={"avoid_negative_ts": "disabled"}, note="negative"),
    Format(".webm", "libopus", "libvpx", options={"output_ts_offset": "700"}, note="from 700 s"),
    Format(".ts", "mp2", "mpeg2video", options={"output_ts_offset": "1.4"}, note="from 1.4 s"),
    Format(".ts", "aac", "libx264", options={"output_ts_offset": "90000"}, note="from 25 h"),
    Format(".mpg", "mp2", "mpeg1video", options={"output_ts_offset": "3600"}, note="from 1 h"),
    Format(".flv", "aac", "libx264", options={"output_ts_offset": "5"}, note="from 5 s"),
    Format(".nut", "libmp3lame", "mpeg4", options={"output_ts_offset": "60"}, note="from 1 min"),
]


@pytest.mark.parametrize("delays", DELAYS.values(), ids=DELAYS)
@pytest.mark.parametrize("form", CONTAINERS, ids=str)
def test_streams_that_begin_late(tmp_path, form, delays):
    path = form.write(tmp_path, **delays)
    assert_same_film(path, ffmpeg_reference.decode(path), form.is_exact, form.slack_secs)


@pytest.mark.parametrize("form", OFFSETS, ids=str)
def test_files_that_begin_elsewhere(tmp_path, form):
    path = form.write(tmp_path)
    assert_same_film(path, ffmpeg_reference.decode(path), form.is_exact, form.slack_secs)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_edit_list_that_hides_the_beginning(tmp_path, suffix):
    """Sound from half a second before time 0 on is presented from 0 on."""
    form = Format(suffix, "aac", "libx264", options={"avoid_negative_ts": "disabled"})
    path = form.write(tmp_path, sound_secs=-0.5)
    assert_same_film(path, ffmpeg_reference.decode(path), form.is_exact, form.slack_secs)


@pytest.mark.parametrize("wrap_at_secs", [0.005, 0.5, 4.0, 7.95])
def test_stamps_that_wrap(tmp_path, wrap_at_secs):
    """33 bits of 1/90 000 s; at 0.005 s the wrap lies between the first sound and picture."""
    path = odd_media.write_wrapped(tmp_path / "x.ts", wrap_at_secs=wrap_at_secs)
    reference = ffmpeg_reference.decode(path, wraps=True)
    assert_same_film(path, reference)


def pitch(samples, rate):
    """Hz of the loudest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


@pytest.mark.parametrize(
    ("suffix", "jump_secs"),
    [(".ts", 0.0), (".ts", 1004.0), (".webm", 0.0), (".flac", 0.0), (".ogg", 0.0)],
)
def test_joined_files(tmp_path, suffix, jump_secs):
    """The second follows on the first; ffmpeg's program leaves out what a jump skips."""
    has_pictures = suffix in (".ts", ".webm")
    path = odd_media.write_joined(tmp_path / f"x{suffix}", second_offset_secs=jump_secs)
    reference = ffmpeg_reference.decode(path, picture=has_pictures)
    rate, seconds = reference.rate, len(reference.waveform) / reference.rate
    assert seconds == pytest.approx(8.0, abs=0.1)
    # Where a FLAC is joined its demuxer takes the last frames of the first for one packet that has
    # no stamp, so that either program loses some of them: four of 0.1 s at most.
    slack_secs = 0.42 if suffix == ".flac" else 0.1
    length_secs = len(read_audio(str(path), sample_rate=rate)) / rate
    assert length_secs == pytest.approx(seconds, abs=slack_secs)
    assert probe(str(path)).duration_secs == pytest.approx(length_secs, abs=0.05)
    for start_secs, hz in ((0.2, TONES[0]), (3.0, TONES[0]), (4.2, TONES[1]), (7.0, TONES[1])):
        window = read_audio(str(path), start_secs, 0.8, sample_rate=rate)
        assert pitch(window, rate) == pytest.approx(hz, abs=3)
        if has_pictures:
            clip = read_clip(str(path), start_secs, 0.8, 0.3, short_side=64)
            there = reference.pictures[reference.on_screen(start_secs)]
            assert len(clip.frames) == 3
            for frame in clip.frames:
                off = np.abs(frame.astype(int) - there.astype(int)).mean()
                assert off < 6


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_orientations(tmp_path, suffix, orientation):
    """All eight matrices that keep the edges; `probe` gives the upright size."""
    path = odd_media.write_oriented(tmp_path / f"x{suffix}", orientation)
    reference = ffmpeg_reference.decode(path, sound=False)
    upright = reference.pictures[0]
    off = np.abs(upright.astype(int) - odd_media.oriented(odd_media.quadrants(), orientation))
    assert off.mean() < 6
    frame = read_clip(str(path), 0.0, 1.0, 0.5, short_side=96).frames[0]
    assert frame.shape == upright.shape
    assert np.abs(frame.astype(int) - upright.astype(int)).mean() < 6
    info = probe(str(path))
    assert (info.height, info.width) == upright.shape[:2]


def test_slide_show(tmp_path):
    """A picture stays on screen until the next; the last one to the end."""
    for suffix in (".mp4", ".mkv"):
        path = odd_media.write_slide_show(tmp_path / f"x{suffix}")
        reference = ffmpeg_reference.decode(path)
        assert_same_pictures(str(path), reference, [(0.0, 8.0), (1.5, 4.5)], 0.5, 1e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".nut"])
def test_irregular_pictures(tmp_path, suffix):
    """Steps of 33 ms to 0.9 s, in a codec that reorders frames."""
    secs = np.cumsum([0.0, *[0.04, 0.12, 0.9, 0.033, 0.2, 0.04, 0.04, 0.51] * 3]).tolist()
    counted = counted_film("libx264", len(secs), rate=1).frames
    film = Pictures("libx264", counted, secs, is_regular=False, keyframe_every=9)
    codec = "libmp3lame" if suffix == ".nut" else "aac"
    path = write(tmp_path / f"x{suffix}", film, Sound(codec, 44100, odd_media.chirp(6.0)))
    reference = ffmpeg_reference.decode(path)
    clips = [(0.0, 5.8), (1.07, 2.0), (2.95, 2.5)]
    assert_same_pictures(str(path), reference, clips, 0.17, 1e-3)


def test_header_that_says_too_little(tmp_path):
    path = odd_media.write_short_header(tmp_path / "x.webm")
    assert_same_film(path, ffmpeg_reference.decode(path), slack_secs=1e-3)
