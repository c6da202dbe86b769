"""Finding sound beside video; what `find_videos` shares with it is tested in test_videos.py."""

import os

import av
import pytest
import synthetic_media as media

from soundnet_tf.files import remote, storage
from soundnet_tf.files.find import SOUND_EXTENSIONS, find_files, find_media, one_line
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


def test_a_list_names_files_of_any_extension(folder, monkeypatch, caplog):
    """It says itself what it wants; what is not there is told with its line, and its reader's."""
    listed = folder / "list.txt"
    listed.write_text("log.csv\n\na/gone.xyz\n./log.csv\n")
    monkeypatch.chdir(folder.parent)
    expected = {"a/gone.xyz": str(folder / "a/gone.xyz"), "log.csv": str(folder / "log.csv")}
    found = find_media("recordings/list.txt")
    assert found == expected
    assert list(found) == sorted(expected)
    assert "recordings/list.txt, line 3: no such file: 'a/gone.xyz'" in caplog.text
    assert "line 1" not in caplog.text and "second names" not in caplog.text


def test_a_file_of_several_names_counts_once(folder, caplog):
    """`0.mp4` comes before `b.mp4`, but is a link; of two plain names the first counts, and of
    two links out of the folder."""
    outside = folder.parent / "outside.mp3"
    outside.touch()
    (folder / "0.mp4").symlink_to("b.mp4")
    (folder / "a" / "hard.mp4").hardlink_to(folder / "b.mp4")
    (folder / "out2.mp3").symlink_to(outside)
    (folder / "out1.mp3").symlink_to(outside)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    expected = ["a/deep/dog.flac", "a/hard.mp4", "a/rain.WAV", "a/song.mp3", "out1.mp3"]
    assert list(find_media(str(folder))) == expected
    assert "4 second names (links) of files and folders were left out" in caplog.text
    assert list(find_media(f"{folder}/**/*.mp4")) == ["a/hard.mp4"]
    (folder / "list").write_text("0.mp4\nb.mp4\nout2.mp3\n")
    assert list(find_media(f"{folder}/list")) == ["b.mp4", "out2.mp3"]


def test_links_that_lead_nowhere_are_given_for_their_reader_to_refuse(folder):
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    assert list(find_media(f"{folder}/*.mp4")) == ["b.mp4", "gone.mp4", "loop.mp4"]


def test_names_that_are_not_utf_8_get_ids_that_are(tmp_path):
    r"""The byte E9 becomes the four characters \xe9, of which also a name may be made; that has its
    own already, so the other one's backslash is doubled. Each path opens its own file."""
    names = [b"caf\xe9.wav", rb"caf\xe9.wav", "café.wav".encode(), b"\xff/rain.wav"]
    for name in names:
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name)
    found = find_media(str(tmp_path))
    contents = {id: storage.read_bytes(path) for id, path in found.items()}
    assert contents == {
        r"\xff/rain.wav": names[3],
        r"caf\\xe9.wav": names[0],
        r"caf\xe9.wav": names[1],
        "café.wav": names[2],
    }
    assert list(find_media(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"\xff")))) == [
        "rain.wav"
    ]


def test_only_the_wanted_extensions_are_found(folder):
    assert list(find_files(str(folder), (".mp3", ".csv"), "thing")) == ["a/song.mp3", "log.csv"]


def test_remote_media_are_named_alike(folder):
    for name in ("a/rain.WAV", "a/notes.txt", "b.mp4"):
        remote.upload(str(folder / name), f"memory://sounds/day/{name}")
    base = "memory://sounds/day"
    expected = {"a/rain.WAV": f"{base}/a/rain.WAV", "b.mp4": f"{base}/b.mp4"}
    assert find_media("memory://sounds/day/") == expected
    assert find_media("memory://sounds/day/**/*.WAV") == {"a/rain.WAV": expected["a/rain.WAV"]}


def test_remote_entries_may_be_written_as_find_writes_them(folder):
    """`find . -name '*.mp4'` begins each with `./`; no key in a bucket has such levels, and none is
    above its bucket."""
    base = "memory://written"
    remote.upload(str(folder / "b.mp4"), f"{base}/day/b.mp4")
    remote.write_bytes(f"{base}/night/l.txt", b"./../day/b.mp4\n../../../day//x/../b.mp4\n")
    assert find_media(f"{base}/night/l.txt") == {"b.mp4": f"{base}/day/b.mp4"}
    assert find_media(f"{base}/./day/../") == {"day/b.mp4": f"{base}/day/b.mp4"}


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


@pytest.mark.parametrize("name", ["part-0.tar.gz", "PART.TGZ", "a.tar.zst"])
def test_a_compressed_tar_is_to_be_unpacked(folder, name):
    (folder / name).write_bytes(b"\x1f\x8b\x08\xff\xfe")
    with pytest.raises(ValueError, match=rf"{name} is a compressed tar, .*unpack it to \.tar"):
        find_media(str(folder / name))


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Straße 東京 ☂.wav", "Straße 東京 ☂.wav"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J\x07\x9b\u2028", "\\x1b[2J\\x07\\x9b\\u2028"),
        ("caf\udce9", "caf\\xe9"),
        ("back\\slash's", "back\\slash's"),
    ],
)
def test_a_name_on_one_line_has_nothing_that_a_terminal_obeys(name, said):
    assert one_line(name) == said
