"""Finding sound beside video; what `find_videos` shares with it is tested in test_videos.py."""

import av
import pytest
import synthetic_media as media
import tensorflow as tf

from soundnet_tf.files.find import SOUND_EXTENSIONS, find_files, find_media
from soundnet_tf.media import read_audio

_ENCODERS = {
    **dict.fromkeys((".aif", ".aifc", ".aiff", ".au", ".caf"), "pcm_s16be"),
    **dict.fromkeys((".w64", ".wav"), "pcm_s16le"),
    **dict.fromkeys((".aac", ".m4a", ".m4b", ".mka"), "aac"),
    **dict.fromkeys((".oga", ".ogg", ".opus"), "libopus"),
    **{".ac3": "ac3", ".amr": "libopencore_amrnb", ".eac3": "eac3", ".flac": "flac"},
    **{".mp2": "mp2", ".mp3": "libmp3lame", ".wma": "wmav2", ".wv": "wavpack"},
}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "recordings"
    for name in ("b.mp4", "a/rain.WAV", "a/deep/dog.flac", "a/song.mp3", "a/notes.txt", "log.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ["a/deep/dog.flac", "a/rain.WAV", "a/song.mp3", "b.mp4"]),
        ("*/*", ["a/rain.WAV", "a/song.mp3"]),
        ("**/*.flac", ["a/deep/dog.flac"]),
        ("a/**", ["deep/dog.flac", "rain.WAV", "song.mp3"]),
        ("a/rain.WAV", ["rain.WAV"]),
        ("b.mp4", ["b.mp4"]),
    ],
)
def test_media_are_sound_and_video(folder, source, expected):
    found = find_media(str(folder / source))
    assert list(found) == expected  # sorted
    base = folder / "a" if source.startswith("a/") else folder
    assert found == {id: str(base / id) for id in expected}


def test_a_list_names_files_of_any_extension(folder, monkeypatch):
    """It says itself what it wants; whether a file is there shows when it is read."""
    listed = folder / "list.txt"
    listed.write_text("# two\nrecordings/log.csv\n\nrecordings/a/gone.xyz\nrecordings/log.csv\n")
    monkeypatch.chdir(folder.parent)
    expected = {"a/gone.xyz": str(folder / "a/gone.xyz"), "log.csv": str(folder / "log.csv")}
    found = find_media("recordings/list.txt")
    assert found == expected
    assert list(found) == sorted(expected)


def test_only_the_wanted_extensions_are_found(folder):
    assert list(find_files(str(folder), (".mp3", ".csv"), "thing")) == ["a/song.mp3", "log.csv"]


def test_remote_media_are_named_alike(folder):
    """TensorFlow's in-memory file system stands for a bucket."""
    tf.io.gfile.makedirs("ram://sounds/day/a")
    for name in ("a/rain.WAV", "a/notes.txt", "b.mp4"):
        tf.io.gfile.copy(str(folder / name), f"ram://sounds/day/{name}", overwrite=True)
    expected = {"a/rain.WAV": "ram://sounds/day/a/rain.WAV", "b.mp4": "ram://sounds/day/b.mp4"}
    assert find_media("ram://sounds/day/") == expected
    assert find_media("ram://sounds/day/**/*.WAV") == {"a/rain.WAV": expected["a/rain.WAV"]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "nowhere: no such folder, pattern, media file or list of media files"),
        ("a/*.txt", r"a/\*\.txt: no media files found, looked for \.aac .* \.wav .* \.mp4 .*"),
        ("log.csv", r"log\.csv: no media files found"),
    ],
)
def test_finding_nothing_names_what_was_looked_for(folder, source, message):
    with pytest.raises(FileNotFoundError, match=message):
        find_media(str(folder / source))


def test_a_file_that_is_neither_list_nor_media_is_refused(folder):
    (folder / "sound.dat").write_bytes(b"\x00\xff\xfe\x80")
    message = "sound.dat is neither a list of media files in UTF-8 nor a media file with one of"
    with pytest.raises(ValueError, match=message):
        find_media(str(folder / "sound.dat"))


@pytest.mark.parametrize("extension", SOUND_EXTENSIONS)
def test_every_sound_extension_can_be_read(tmp_path, extension):
    """A second in the container that goes by this name, and in a codec that belongs in it."""
    path = tmp_path / f"second{extension}"
    _write_second(path, _ENCODERS[extension])
    assert find_media(str(tmp_path)) == {path.name: str(path)}
    assert len(read_audio(str(path))) / 22050 == pytest.approx(1.0, abs=0.1)


def _write_second(path, encoder):
    rate = 8000 if path.suffix == ".amr" else 48000
    container_format = {".aifc": "aiff"}.get(path.suffix)  # FFmpeg reads this name only
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(encoder, rate=rate, layout="mono")
        stream.bit_rate = 64_000  # PyAV's own is too high for a channel of WMA
        samples = media.clock_sound(0.0, 1.0, rate)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
