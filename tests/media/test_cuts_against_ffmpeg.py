"""Of a file that lacks its beginning or its end as much is read as the ffmpeg program decodes."""

import ffmpeg_reference
import pytest
from media_comparison import assert_same_streams
from media_formats import Format

pytestmark = pytest.mark.skipif(
    ffmpeg_reference.PROGRAM is None, reason="the ffmpeg program is not installed"
)

# Recordings may begin anywhere: with packets, of so many bytes, whose stream is already going on.
BEGINNINGS = [
    (188, Format(".ts", "mp2", "mpeg2video")),
    (188, Format(".ts", "aac", "libx264")),
    (192, Format(".m2ts", "ac3", "libx264")),
    (2048, Format(".mpg", "mp2", "mpeg1video")),
    (1, Format(".mp3", "libmp3lame")),
    (1, Format(".mp3", "libmp3lame", options={"write_xing": "0"}, note="without length")),
    (1, Format(".mp2", "mp2")),
    (1, Format(".aac", "aac")),
    (1, Format(".ac3", "ac3", rate=48000)),
]
ENDS = [
    Format(".wav", "pcm_s16le"),
    Format(".w64", "pcm_s24le"),
    Format(".aiff", "pcm_s16be"),
    Format(".au", "pcm_mulaw"),
    Format(".caf", "pcm_s16le"),
    Format(".flac", "flac"),
    Format(".wv", "wavpack"),
    Format(".tta", "tta"),
    Format(".ogg", "libopus"),
    Format(".ogg", "flac"),
    Format(".mp3", "libmp3lame"),
    Format(".aac", "aac"),
    Format(".mka", "libmp3lame"),
    Format(".mkv", "flac", "ffv1"),
    Format(".mkv", "aac", "libx264"),
    Format(".webm", "libopus", "libvpx"),
    Format(".ts", "aac", "libx264"),
    Format(".ts", "mp2", "mpeg2video"),
    Format(".mpg", "mp2", "mpeg1video"),
    Format(".flv", "aac", "libx264"),
    Format(".wmv", "wmav2", "wmv2", form="asf"),
    Format(".avi", "libmp3lame", "mpeg4"),
    Format(".avi", "pcm_s16le", "huffyuv"),
    Format(".nut", "pcm_s16le", "ffv1"),
    Format(
        ".mp4",
        "aac",
        "libx264",
        options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
        note="fragments",
    ),
]


def assert_same_as_ffmpeg(path, form):
    reference = ffmpeg_reference.decode(path, picture=form.video is not None)
    assert_same_streams(path, reference, form.is_exact, form.slack_secs)


@pytest.mark.parametrize(("packet_bytes", "form"), BEGINNINGS, ids=str)
def test_recording_that_begins_in_the_middle(tmp_path, packet_bytes, form):
    path = form.write(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[int(0.31 * len(data)) // packet_bytes * packet_bytes :])
    assert_same_as_ffmpeg(path, form)


@pytest.mark.parametrize("form", ENDS, ids=str)
def test_file_that_is_cut_off(tmp_path, form):
    """After four fifths of its bytes: more than half of the sound is there."""
    path = form.write(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.813 * len(data))])
    assert_same_as_ffmpeg(path, form)
