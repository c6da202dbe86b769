"""What a file holds, and every way in which a file can be bad."""

import os
import struct
import subprocess
import sys

import av
import numpy as np
import pytest
import synthetic_media as media
from tar_material import write_tar

from soundnet_tf.files import remote, tars
from soundnet_tf.media import MediaError, probe, read_audio, read_clip

READERS = [probe, read_audio, read_clip]


@pytest.fixture(scope="module")
def mp4(tmp_path_factory):
    return media.write_clock_video(tmp_path_factory.mktemp("mp4") / "clock.mp4", 8)


def test_probe_mp4(mp4):
    info = probe(mp4)
    assert info.duration_secs == pytest.approx(8.0, abs=1e-6)
    assert (info.sample_rate, info.channels, info.audio_codec) == (44100, 2, "aac")
    assert (info.width, info.height, info.frame_rate, info.video_codec) == (320, 240, 25, "h264")
    assert info.rotation_degrees == 0


@pytest.mark.parametrize(
    ("name", "codecs", "duration_secs"),
    [
        ("clock.mkv", ("aac", "h264"), 3.023),  # AAC's last frame goes on for 23 ms
        ("clock.webm", ("opus", "vp8"), 3.008),
        ("clock.mov", ("aac", "h264"), 3.0),
        ("clock.avi", ("mp3", "mpeg4"), 3.03),  # the MP3 encoder's delay, and full frames
        ("clock.ts", ("mp2", "mpeg2video"), 3.02),
    ],
)
def test_probe_containers(tmp_path, name, codecs, duration_secs):
    info = probe(media.write_clock_video(tmp_path / name, 3, width=64, height=48))
    assert (info.audio_codec, info.video_codec) == codecs
    assert info.duration_secs == pytest.approx(duration_secs, abs=0.02)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3", "m4a", "opus"])
def test_probe_sound(tmp_path, extension):
    path = media.write_sine(tmp_path / f"sine.{extension}", 2.5, sample_rate=48000, channels=2)
    info = probe(path)
    assert info.duration_secs == pytest.approx(2.5, abs=0.01)
    assert (info.sample_rate, info.channels) == (48000, 2)
    assert (info.width, info.height, info.frame_rate, info.video_codec) == (None,) * 4


def test_probe_duration_without_header(tmp_path):
    """A live WebM declares no duration: 75 frames of 40 ms, and Opus packets up to 3.0 s."""
    path = tmp_path / "live.webm"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(75):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert container.duration is None
    assert probe(path).duration_secs == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("reader", READERS)
def test_missing_file(tmp_path, reader):
    with pytest.raises(FileNotFoundError, match="no such media file: .*nothing.mp4"):
        reader(str(tmp_path / "nothing.mp4"))


@pytest.mark.parametrize("reader", READERS)
def test_folder(tmp_path, reader):
    with pytest.raises(MediaError, match="is a folder"):
        reader(tmp_path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["a.mp4", "a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_empty_file(tmp_path, reader, name):
    (tmp_path / name).touch()
    with pytest.raises(MediaError, match=r"a\.\w+: is empty \(0 bytes\)"):
        reader(tmp_path / name)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("extension", ["mp4", "mkv", "ts", "wav", "flac", "mp3", "ogg"])
def test_random_bytes(tmp_path, reader, extension):
    path = tmp_path / f"noise.{extension}"
    path.write_bytes(np.random.default_rng(7).bytes(20_000))
    with pytest.raises(MediaError, match=f"noise.{extension}: "):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_mp4_without_its_index(tmp_path, mp4, reader):
    """The index of an MP4 written in one go stands at its end; a broken download lacks it."""
    path = tmp_path / "broken.mp4"
    path.write_bytes(mp4.read_bytes()[: mp4.stat().st_size // 2])
    with pytest.raises(MediaError, match="broken.mp4: FFmpeg cannot read it") as raised:
        reader(path)
    assert isinstance(raised.value.__cause__, av.error.FFmpegError)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3"])
def test_sound_file_cut_off(tmp_path, extension):
    noise = np.random.default_rng(0).normal(0, 0.1, 441_000)
    path = media.write_sound(tmp_path / f"noise.{extension}", noise, 44100)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 10])
    with pytest.raises(MediaError, match=r"declares sound up to (10\.0|9\.99).* ends at [23]\.\d"):
        read_audio(path)
    path.write_bytes(whole[: len(whole) * 7 // 10])
    assert 6.5 < len(read_audio(path)) / 22050 < 7.5  # what is there is sound


@pytest.mark.parametrize("tagged", [True, False])
def test_matroska_cut_off(tmp_path, tagged):
    """With the stream's own duration in its tags, and with the file's duration alone."""
    path = media.write_clock_video(tmp_path / "clock.mkv", 8, width=64, height=48)
    whole = path.read_bytes()
    if not tagged:
        whole = whole.replace(b"DURATION", b"DURATIO_")
    path.write_bytes(whole[: len(whole) * 3 // 10])
    with pytest.raises(MediaError, match=r"declares sound up to 8\.02.* it is cut off"):
        read_audio(path)


def test_mp4_cut_off_behind_its_index(tmp_path, mp4):
    path = tmp_path / "cut.mp4"
    with (
        av.open(str(mp4)) as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as target,
    ):
        copies = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(MediaError, match=r"declares sound up to 8\.0.* it is cut off"):
        read_clip(path)


@pytest.mark.parametrize("tagged", [True, False])
def test_sound_that_ends_long_before_the_picture(tmp_path, tagged):
    """Nothing is damaged here: the sound is over after 2 of 8 s."""
    path = tmp_path / "short.mkv"
    media.write_clock_video(path, 8, width=64, height=48, sound_gap_secs=(2.0, 9.0))
    if not tagged:
        path.write_bytes(path.read_bytes().replace(b"DURATION", b"DURATIO_"))
    clip = read_clip(path)
    assert len(clip.waveform) / 22050 == pytest.approx(2.0, abs=0.05)
    assert len(clip.frames) == 2  # at 0 and 5 s


def test_wav_from_a_pipe(tmp_path):
    """A writer that cannot seek back leaves sizes of 2**32 - 1 in the header."""
    path = media.write_sine(tmp_path / "sine.wav", 2.0)
    whole = bytearray(path.read_bytes())
    whole[4:8] = struct.pack("<I", 2**32 - 1)
    data = whole.index(b"data")
    whole[data + 4 : data + 8] = struct.pack("<I", 2**32 - 1)
    path.write_bytes(whole)
    assert len(read_audio(path)) == 44100


def test_wav_without_samples(tmp_path):
    path = media.write_sound(tmp_path / "nothing.wav", np.zeros(0), 44100)
    with pytest.raises(MediaError, match=r"nothing.wav: (no sound at or after 0 s|FFmpeg cannot)"):
        read_audio(path)


@pytest.mark.parametrize("read", [probe, read_audio, read_clip])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "x.mp4")
    with pytest.raises(MediaError, match="x.mp4: is no regular file, but a pipe or a device"):
        read(str(tmp_path / "x.mp4"))


def test_no_sound_stream(tmp_path):
    path = media.write_clock_video(tmp_path / "mute.mp4", 1, sound=False)
    for reader in (read_audio, read_clip):
        with pytest.raises(MediaError, match=r"mute.mp4: has no sound stream \(found video\)"):
            reader(path)
    assert probe(path).sample_rate is None


def test_no_picture_stream(tmp_path):
    path = media.write_sine(tmp_path / "sine.m4a")
    with pytest.raises(MediaError, match=r"sine.m4a: has no picture stream \(found audio\)"):
        read_clip(path)


def test_mostly_undecodable_sound(tmp_path):
    """Every AAC packet after the first second is overwritten with ones; the index is whole."""
    path = media.write_clock_video(tmp_path / "bad.mp4", 4, picture=False)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None and packet.pts > 44100:
                content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"bad.mp4: \d+ of \d+ packets of sound cannot be decoded"):
        read_audio(path)


@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm", "avi", "ts"])
def test_random_damage(tmp_path, extension):
    """Whatever bytes are overwritten: arrays with finite numbers, or a MediaError."""
    path = media.write_clock_video(tmp_path / f"clock.{extension}", 2, width=64, height=48)
    whole = path.read_bytes()
    outcomes = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 40):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            clip = read_clip(path, 0.5, 1.0, 0.3, 32)
        except MediaError as error:
            assert str(path) in str(error)
            outcomes.append("error")
        else:
            assert np.isfinite(clip.waveform).all() and len(clip.waveform)
            assert len(clip.frames) == len(clip.frame_secs)
            outcomes.append("clip")
    assert "clip" in outcomes


def test_name_is_not_taken_for_a_protocol(tmp_path):
    path = media.write_sine(tmp_path / "concat:a|b.wav", 1.0)
    assert len(read_audio(path)) == 22050


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("list.mp4", "ffconcat version 1.0\nfile {}\n"), ("list.m3u8", PLAYLIST)],
    ids=["concat", "hls"],
)
@pytest.mark.parametrize("place", ["beside", "remote", "tar"])
def test_no_file_leads_to_others(tmp_path, monkeypatch, name, text, place):
    """FFmpeg would read `inner.ts` for it, of the current folder where the list has none: also of
    lists that came from a bucket or in a tar."""
    media.write_clock_video(tmp_path / "inner.ts", 3, width=64, height=48)
    monkeypatch.chdir(tmp_path)
    content = text.format("inner.ts" if "ffconcat" in text else tmp_path / "inner.ts").encode()
    path = str(tmp_path / name)
    if place == "tar":
        path = tars.contents(str(write_tar(tmp_path / "x.tar", {name: content}))).files[name]
    elif place == "remote":
        path = f"memory://lists/{name}"
        remote.write_bytes(path, content)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match="FFmpeg cannot read it"):
        probe(path)


def test_remote_file(mp4, tmp_path):
    far = f"memory://{tmp_path.name.lower()}"
    remote.upload(str(mp4), f"{far}/folder/clock.mp4")
    remote.write_bytes(f"{far}/empty.mp4", b"")
    path = f"{far}/folder/clock.mp4"
    np.testing.assert_array_equal(read_audio(path, 2, 1), read_audio(mp4, 2, 1))
    assert probe(path) == probe(mp4)
    with pytest.raises(FileNotFoundError, match="no such media file"):
        read_audio(f"{far}/nothing.wav")
    with pytest.raises(MediaError, match="is a folder; give one file"):
        read_audio(f"{far}/folder")
    with pytest.raises(MediaError, match="is empty"):
        read_audio(f"{far}/empty.mp4")


def test_tensorflow_is_not_imported():
    check = "import sys, soundnet_tf.media; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
