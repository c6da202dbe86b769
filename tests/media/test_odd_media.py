"""The odd files that tests are written with are as odd as their docstrings say."""

import av
import numpy as np
import odd_media
import pytest
from av.stream import Disposition
from media_writer import index_of
from odd_media import ORIENTATIONS, TONES


def stamps(path, kind):
    """Seconds of the packets of the first stream of a kind, as the file has them."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        return [float(packet.pts * packet.time_base) for packet in packets]


def pictures(path, stream=0):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=stream)]


def sound(path, stream=0):
    """[samples, channels] of all that FFmpeg decodes, one after the other."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt")
        blocks = []
        for frame in container.decode(audio=stream):
            blocks += [f.to_ndarray() for f in resampler.resample(frame)]
            channels = frame.layout.nb_channels
        rate = frame.sample_rate
    return np.concatenate(blocks, axis=1).reshape(-1, channels), rate


def pitch(samples, rate):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


@pytest.mark.parametrize("name", ["x.ts", "x.webm", "x.flac", "x.ogg"])
def test_joined_files_hold_both_parts(tmp_path, name):
    path = odd_media.write_joined(tmp_path / name)
    samples, rate = sound(path)
    assert len(samples) / rate == pytest.approx(8.0, abs=0.1)
    for second, hz in ((2.0, TONES[0]), (6.0, TONES[1])):
        begin = round((second - 0.5) * rate)
        assert pitch(samples[begin : begin + rate, 0], rate) == pytest.approx(hz, abs=3)


def test_joined_transport_stream_starts_again_or_jumps(tmp_path):
    again = np.diff(stamps(odd_media.write_joined(tmp_path / "x.ts"), "audio"))
    assert np.sum(again < 0) == 1
    jump = odd_media.write_joined(tmp_path / "jump.ts", second_offset_secs=1004.0)
    assert max(np.diff(stamps(jump, "audio"))) == pytest.approx(1000.0, abs=0.2)


def test_wrapped_stamps_start_again_in_the_file(tmp_path):
    """FFmpeg undoes the wrap when it reads; a PES header has 33 bits of 1/90 000 s."""
    data = odd_media.write_wrapped(tmp_path / "x.ts").read_bytes()
    pts = []
    for at in range(0, len(data), 188):
        start = data.find(b"\0\0\1\xc0", at, at + 188)  # of MP2 sound
        if start >= 0:
            b = data[start + 9 : start + 14]
            low = (b[1] << 7 | b[2] >> 1) << 15 | b[3] << 7 | b[4] >> 1
            pts.append((b[0] >> 1 & 7) << 30 | low)
    secs = np.array(pts) / 90000
    assert secs[0] == pytest.approx(odd_media.WRAP_SECS - 4.0, abs=0.1)
    assert secs[-1] == pytest.approx(4.0, abs=0.3)
    assert [index_of(p) for p in pictures(tmp_path / "x.ts")] == list(range(200))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_display_matrices(tmp_path, orientation):
    """PyAV gives the angle of a matrix (counter-clockwise) and says of a mirror nothing; the
    bytes are those of the table."""
    path = odd_media.write_oriented(tmp_path / "x.mp4", orientation)
    a, b, c, d = ORIENTATIONS[orientation]
    at = path.read_bytes().index(b"tkhd") + 44
    values = np.frombuffer(path.read_bytes()[at : at + 36], ">i4") / 65536
    assert values[[0, 1, 3, 4]].tolist() == [a, b, c, d]
    corners = np.array([[0, 0], [160, 0], [0, 96], [160, 96]])
    shown = corners @ np.array([[a, b], [c, d]]) + values[6:8]
    assert shown.min() == 0
    whole = odd_media.oriented(odd_media.quadrants(), orientation)
    assert sorted(whole.shape[:2]) == [96, 160]
    for (x, y), (to_x, to_y) in zip(corners, shown, strict=True):
        stored = odd_media.quadrants()[min(y, 95), min(x, 159)]
        there = whole[min(int(to_y), whole.shape[0] - 1), min(int(to_x), whole.shape[1] - 1)]
        assert there.tolist() == stored.tolist()


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("x.wav", "adpcm_ima_wav", 44100),
        ("x.wav", "g722", 16000),
        ("x.wv", "wavpack", 44100),
        ("x.tta", "tta", 44100),
        ("x.mka", "pcm_s16le", 44100),
    ],
)
def test_chirps(tmp_path, name, codec, rate):
    """In the middle of the second from 5 s on it is at 200 + 80 * 5.5 = 640 Hz."""
    samples, found = sound(odd_media.write_chirp(tmp_path / name, codec))
    assert (found, len(samples) / rate) == (rate, pytest.approx(8.0, abs=0.05))
    assert pitch(samples[5 * rate : 6 * rate, 0], rate) == pytest.approx(640, abs=40)


def test_flac_of_long_blocks(tmp_path):
    moments = stamps(odd_media.write_long_blocks(tmp_path / "x.flac"), "audio")
    np.testing.assert_allclose(np.diff(moments), 65535 / 44100, atol=1e-6)


def test_8_bit_avi(tmp_path):
    path = odd_media.write_8_bit_avi(tmp_path / "x.avi")
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == "pcm_u8"
    assert len(sound(path)[0]) == 8 * 22050
    assert len(pictures(path)) == 200


def test_short_header(tmp_path):
    path = odd_media.write_short_header(tmp_path / "x.webm")
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(3.0)
    assert stamps(path, "video")[-1] == pytest.approx(7.96)


def test_slide_show(tmp_path):
    path = odd_media.write_slide_show(tmp_path / "x.mp4")
    assert stamps(path, "video") == [0.0, 3.0, 5.5]
    assert [index_of(p) for p in pictures(path)] == [0, 1, 2]
    assert len(sound(path)[0]) / 44100 == pytest.approx(8.0, abs=0.05)


@pytest.mark.parametrize("flag", ["comment", "hearing_impaired", "visual_impaired", "default"])
def test_two_sounds(tmp_path, flag):
    marked = Disposition[flag]
    path = odd_media.write_two_sounds(tmp_path / "x.mkv", first=marked)
    with av.open(str(path)) as container:
        first, second = container.streams.audio
        assert first.disposition & marked
        assert not second.disposition & marked
    for index, hz in enumerate(TONES):
        assert pitch(sound(path, index)[0][:44100, 0], 44100) == pytest.approx(hz, abs=3)


@pytest.mark.parametrize("write", [odd_media.write_preview_first, odd_media.write_unmarked_cover])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_two_picture_streams(tmp_path, write, suffix):
    path = write(tmp_path / f"x.{suffix}")
    with av.open(str(path)) as container:
        assert not any(s.disposition & Disposition.attached_pic for s in container.streams)
        widths = [stream.width for stream in container.streams.video]
    assert widths[0] < widths[1] == 96
    red, blue = (pictures(path, index)[0][8, 8] for index in (0, 1))
    assert red[0] > 200 > 50 > red[2]
    assert blue[2] > 200 > 50 > blue[0]


def test_out_of_phase(tmp_path):
    samples, _ = sound(odd_media.write_out_of_phase(tmp_path / "x.wav"))
    assert np.abs(samples).max() > 0.49
    assert np.abs(samples.mean(axis=1)).max() < 1e-4
