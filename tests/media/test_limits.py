"""Files of a few bytes whose headers claim what nobody has: refused at once, in little memory."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import synthetic_media
from PIL import Image

from soundnet_tf import media
from soundnet_tf.media import limits
from soundnet_tf.media.container import MediaError
from soundnet_tf.media.pictures import upright_rgb


def wav(path, rate: int, channels: int):
    """A second's worth of zeros, at least, under a header with these (RIFF, `fmt ` of 16 bytes)."""
    block = 2 * channels % 65536
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * block % 2**32, block, 16)
    data = bytes(1 << 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return str(path)


@pytest.mark.parametrize(
    "read", [media.read_audio, media.probe, lambda p: list(media.stream_audio(p))]
)
@pytest.mark.parametrize(
    ("rate", "channels", "message"),
    [
        (2_000_000_000, 1, "declares 1 channels at 2000000000 Hz, more than the 64 at 1000000 Hz"),
        (1_000_001, 2, "declares 2 channels at 1000001 Hz"),
        (44100, 65, "declares 65 channels at 44100 Hz"),
    ],
)
def test_more_sound_a_second_than_anything_has_is_refused(tmp_path, read, rate, channels, message):
    with pytest.raises(MediaError, match=message):
        read(wav(tmp_path / "x.wav", rate, channels))


def test_the_most_that_is_recorded_is_read(tmp_path):
    assert media.probe(wav(tmp_path / "x.wav", 768_000, 2)).sample_rate == 768_000
    assert media.probe(wav(tmp_path / "y.wav", 44_100, 64)).channels == 64


def test_a_picture_of_more_pixels_than_allowed_is_not_decoded(tmp_path):
    """9000 x 8000 are 72 megapixels in 100 kB: beyond the 67 of the default. As a sleeve of a song
    they are no reason to refuse its sound."""
    encoded = io.BytesIO()
    Image.new("L", (9000, 8000)).save(encoded, "PNG")
    (tmp_path / "bomb.png").write_bytes(encoded.getvalue())
    with pytest.raises(MediaError, match=r"more than 67.1089 megapixels \(--most_megapixels\)"):
        media.probe(str(tmp_path / "bomb.png"))
    info = media.probe(str(tmp_path / "bomb.png"), most_pixels=80_000_000)
    assert (info.width, info.height) == (9000, 8000)


def test_the_bound_of_pixels_reaches_every_way_to_pictures(tmp_path):
    """64 x 48 are 3072 pixels."""
    path = str(
        synthetic_media.write_clock_video(tmp_path / "a.mp4", 3, width=64, height=48, fps=10)
    )
    for from_secs in (0.0, 1.5):
        with media.open_film(path, from_secs, most_pixels=3072) as film:
            assert len(film.clip(from_secs, 1.0, 0.5, 48).frames) == 2
        with (
            pytest.raises(MediaError, match="none of its pictures can be decoded"),
            media.open_film(path, from_secs, most_pixels=3071) as film,
        ):
            film.clip(from_secs, 1.0, 0.5, 48)


def test_a_pixels_aspect_makes_no_picture_of_gigabytes():
    """64 x 48 with pixels a million times as wide as high would be 341 million pixels wide."""
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
    with pytest.raises(MediaError, match="a.mp4: its pictures are 64000000 x 48 pixels as its"):
        upright_rgb("a.mp4", frame, 1e6, 256)
    assert upright_rgb("a.mp4", frame, 48.0, 256).shape == (256, 256 * 64, 3)


@pytest.mark.parametrize(("width", "height"), [(65, 1), (1, 65), (6401, 100), (100, 6401)])
def test_pictures_that_are_but_a_line_are_refused_whichever_way_it_goes(width, height):
    """64 to 1 is the most; on either side."""
    with pytest.raises(MediaError, match=f"its pictures are {width} x {height} pixels"):
        limits.check_shape("a.mp4", width, height)
    limits.check_shape("a.mp4", min(width, 64 * height), min(height, 64 * width))


def test_stamps_of_decades_are_refused(tmp_path):
    """The first picture of a film, again and again, each 59 s after the one before (longer pauses
    are taken for joins): 1003 hours, and 180 000 clips of 20 s, in a megabyte."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")
        frame.pts = 0
        (first,) = [*stream.encode(frame), *stream.encode(None)]
        for number in range(61_200):
            packet = av.Packet(bytes(first))
            packet.stream, packet.time_base = stream, Fraction(1)
            packet.pts = packet.dts = 59 * number
            packet.is_keyframe = True
            container.mux(packet)
    with pytest.raises(MediaError, match="by its time stamps it lasts 1003 hours, more than the"):
        media.probe(str(path))
