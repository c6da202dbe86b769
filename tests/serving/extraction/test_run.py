"""extract: many files into one, in order, whatever their lengths and whatever is broken."""

import os
import subprocess
import sys

import numpy as np
import odd_media
import pytest
import soundfile
from extract_material import (
    SECOND,
    count_decoded,
    make_parts_of_three,
    save_model,
    write_noise,
    write_twenty,
)

from soundnet_tf.serving import listener
from soundnet_tf.serving.embed import embed_file
from soundnet_tf.serving.extraction import feature_file, many_files
from soundnet_tf.serving.extraction import parts as feature_parts
from soundnet_tf.serving.extraction import run as extraction
from soundnet_tf.serving.extraction.run import extract
from soundnet_tf.serving.extraction.settings import SUFFIXES, ExtractConfig

LENGTHS = {
    "long.flac": 2 * listener.PIECE_SAMPLES + 70_001,
    "B/three.wav": 3 * SECOND,
    "a.ogg": 50_000,
    "a/again.wav": 3 * SECOND,
    "tiny.wav": 100,
    "z.wav": 5_001,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(str(tmp_path_factory.mktemp("model")))


@pytest.fixture
def twenty(tmp_path):
    return write_twenty(tmp_path / "twenty")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Files of all lengths, of which one is stereo, and a .txt that is no medium."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, samples in LENGTHS.items():
        write_noise(folder / name, samples)
    write_noise(folder / "stereo.wav", 20_000, channels=2, rate=44100)
    (folder / "notes.txt").write_text("not sound")
    return folder


def table(path):
    """Names, embeddings, timestamps of a .parquet file in the form of .npz and .h5."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    columns = parquet.read_table(path).to_pydict()
    return columns["file"], np.float32(columns["embedding"]), np.array(columns["secs"])


class TestContent:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize("pooling", ["none", "meanstd"])
    def test_it_is_embed_file_of_each_in_order(self, model, recordings, tmp_path, suffix, pooling):
        """Also where the order of lengths, of which batches are made, is another."""
        if suffix == ".parquet":
            pytest.importorskip("pyarrow", reason="needs pyarrow")
        out = str(tmp_path / "new" / f"x{suffix}")
        config = ExtractConfig(str(recordings), out, pooling=pooling, model=model)
        summary = extract(config, progress=False)
        names = sorted([*LENGTHS, "stereo.wav"])
        rows = {n: embed_file(str(recordings / n), pooling=pooling, model=model) for n in names}
        embeddings = np.concatenate([np.atleast_2d(rows[n][0]) for n in names])
        timestamps = np.concatenate([np.atleast_1d(rows[n][1]) for n in names])
        counts = [np.size(rows[n][1]) for n in names]
        if suffix == ".parquet":
            files, found_embeddings, found_timestamps = table(out)
            assert files == np.repeat(names, counts).tolist()
        else:
            found = feature_file.load_features(out)
            assert found.names == names and found.skipped == {}
            np.testing.assert_array_equal(found.offsets, np.cumsum([0, *counts]))
            seconds = [LENGTHS.get(n, 10_000) / SECOND for n in names]
            np.testing.assert_allclose(found.durations, seconds)
            found_embeddings, found_timestamps = found.embeddings, found.timestamps
        np.testing.assert_allclose(
            found_embeddings, embeddings, rtol=1e-5, atol=1e-5 * embeddings.max()
        )
        np.testing.assert_array_equal(found_timestamps, timestamps)
        assert (summary.files, summary.rows, summary.channels) == (7, *embeddings.shape)
        assert summary.is_new and summary.skipped == {}
        assert summary.sound_secs == pytest.approx((sum(LENGTHS.values()) + 10_000) / SECOND)
        assert os.listdir(tmp_path / "new") == [f"x{suffix}"]

    def test_the_sound_stream_that_was_asked_for(self, model, tmp_path):
        (tmp_path / "films").mkdir()
        path = str(odd_media.write_two_sounds(tmp_path / "films" / "two.mkv"))
        for number in (0, 1):
            out = str(tmp_path / f"{number}.npz")
            config = ExtractConfig(str(tmp_path / "films"), out, model=model, audio_stream=number)
            extract(config, progress=False)
            expected, _ = embed_file(path, model=model, audio_stream=number)
            found = feature_file.read_features(out).embeddings
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_name_that_is_not_utf_8(self, model, twenty, tmp_path, suffix):
        """Not read: one whose link leads to itself."""
        if suffix == ".parquet":
            pytest.importorskip("pyarrow", reason="needs pyarrow")
        path = os.path.join(os.fsencode(twenty), b"caf\xe9.wav")
        os.rename(twenty / "07.wav", path)
        (twenty / "loop.wav").symlink_to("loop.wav")
        out = str(tmp_path / f"x{suffix}")
        summary = extract(ExtractConfig(str(twenty), out, model=model), progress=False)
        assert summary.skipped == {"loop.wav": "no such media file: loop.wav"}
        expected, secs = embed_file(os.fsdecode(path), model=model)
        if suffix == ".parquet":
            files, embeddings, _ = table(out)
            found = embeddings[[name == r"caf\xe9.wav" for name in files]]
        else:
            features = feature_file.load_features(out)
            found, _ = features.rows(features.names.index(r"caf\xe9.wav"))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert len(found) == len(secs)

    def test_choices_reach_the_network(self, model, twenty, tmp_path):
        write_noise(twenty / "stereo.wav", 3 * SECOND, channels=2)
        choices = {"layer": "objects", "short": "pad", "channel": "first"}
        out = str(tmp_path / "x.npz")
        extract(ExtractConfig(str(twenty), out, model=model, **choices), progress=False)
        found = feature_file.load_features(out)
        np.testing.assert_allclose(found.embeddings.sum(axis=1), 1, rtol=1e-5)
        for file, name in enumerate(found.names):
            expected, secs = embed_file(str(twenty / name), model=model, **choices)
            np.testing.assert_allclose(found.rows(file)[0], expected, rtol=1e-5)
            np.testing.assert_array_equal(found.rows(file)[1], secs)
        expected = {**choices, "pooling": "none", "sample_rate": 22050}
        assert found.settings.items() >= expected.items()

    def test_few_files_are_decoded_ahead(self, model, twenty, monkeypatch):
        monkeypatch.setattr(many_files, "GROUP_FILES", 3)
        decoded = count_decoded(monkeypatch)
        files = {path.name: str(path) for path in sorted(twenty.iterdir())}
        ears = listener.load(model)
        groups = many_files.hear_files(files, ears, "pool5", "mean", "loop")
        assert [file.name for file in next(groups)] == ["00.wav", "01.wav", "02.wav"]
        groups.close()
        assert len(decoded) <= 3 + 2 * many_files._DECODERS

    def test_a_long_file_ends_its_group(self, model, twenty, monkeypatch):
        """So there is one at a time whose steps are held. Here two have 22 000 samples or more."""
        monkeypatch.setattr(many_files, "_LONGEST_SAMPLES", 22_000)
        files = {path.name: str(path) for path in sorted(twenty.iterdir())}
        ears = listener.load(model)
        groups = list(many_files.hear_files(files, ears, "pool5", "mean", "loop"))
        long = [i for i, path in enumerate(files.values()) if soundfile.info(path).frames > 22_000]
        assert len(long) == 2 and long[-1] == 17
        assert [len(group) for group in groups] == np.diff([0, *(i + 1 for i in long), 20]).tolist()

    def test_parts_are_cut_where_they_grow_large(self, model, twenty, tmp_path, monkeypatch):
        """A file of 4 600 samples or more gives 1 kB or more: each group of two fills a part."""
        monkeypatch.setattr(many_files, "GROUP_FILES", 2)
        monkeypatch.setattr(extraction, "_PART_BYTES", 2048)
        parts, add = [], feature_parts.Parts.add
        monkeypatch.setattr(
            feature_parts.Parts,
            "add",
            lambda self, outcomes, sizes: parts.append(len(outcomes)) or add(self, outcomes, sizes),
        )
        out = str(tmp_path / "x.npz")
        assert extract(ExtractConfig(str(twenty), out, model=model), progress=False).files == 20
        assert parts == [2] * 10


class TestBadFiles:
    def test_they_are_listed_and_stop_nothing(self, model, twenty, tmp_path):
        (twenty / "05.wav").write_text("not sound")
        (twenty / "11 empty.mp3").touch()
        names = [*(f"{i:02d}.wav" for i in range(20)), "11 empty.mp3", "gone.wav"]
        listed = tmp_path / "list.txt"
        listed.write_text("".join(f"{twenty / name}\n" for name in names))
        out = str(tmp_path / "x.npz")
        summary = extract(ExtractConfig(str(listed), out, model=model), progress=False)
        assert list(summary.skipped) == ["05.wav", "11 empty.mp3", "gone.wav"]
        assert summary.skipped["11 empty.mp3"].startswith("is empty (0 bytes)")
        assert summary.skipped["gone.wav"] == "no such media file: gone.wav"
        assert not any(str(tmp_path) in reason for reason in summary.skipped.values())
        found = feature_file.load_features(out)
        assert found.skipped == summary.skipped
        assert found.names == [name for name in names[:20] if name != "05.wav"]

    def test_a_long_file_that_breaks_off_late(self, model, twenty, tmp_path, monkeypatch):
        """Its first minute is decoded ahead, the rest while the network hears."""
        (twenty / "05 long.wav").touch()
        stream_audio = many_files.stream_audio

        def breaking(path, channel, **_):
            if not path.endswith("long.wav"):
                yield from stream_audio(path, channel)
                return
            for _ in range(35):
                yield np.zeros(4 * SECOND, np.float32)
            raise ValueError(f"{path}: is cut off")

        monkeypatch.setattr(many_files, "stream_audio", breaking)
        out = str(tmp_path / "x.npz")
        config = ExtractConfig(str(twenty), out, layer="conv7", pooling="mean", model=model)
        summary = extract(config, progress=False)
        assert summary.files == 20 and summary.skipped == {"05 long.wav": "is cut off"}

    def test_if_none_can_be_read_it_is_an_error_and_nothing_is_left(self, model, tmp_path):
        folder = tmp_path / "bad"
        folder.mkdir()
        for i in range(5):
            (folder / f"{i}.wav").touch()
        config = ExtractConfig(str(folder), str(tmp_path / "x.npz"), model=model)
        with pytest.raises(ValueError, match=r"none of 5 files gave features \(0.wav: is empty"):
            extract(config, progress=False)
        assert os.listdir(tmp_path) == ["bad"]

    def test_only_bad_files_in_a_part(self, model, twenty, tmp_path, monkeypatch):
        make_parts_of_three(monkeypatch)
        for i in range(3, 6):
            (twenty / f"{i:02d}.wav").write_text("not sound")
        config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
        assert extract(config, progress=False).files == 17


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"out": "x.csv"}, ValueError, "x.csv: features go into a file that ends in"),
            ({"pooling": "median"}, ValueError, "pooling 'median' is unknown"),
            ({"channel": "left"}, ValueError, "channel 'left' is unknown"),
            ({"short": "crash"}, ValueError, "short 'crash' is unknown"),
            ({"layer": "conv9"}, ValueError, "no endpoint conv9 in this soundnet8; it has conv1"),
            ({"model": "nowhere"}, FileNotFoundError, "nowhere is no trained SoundNet"),
            ({"inputs": "nowhere"}, FileNotFoundError, "nowhere: no such folder"),
        ],
    )
    def test_before_anything_is_written(
        self, model, twenty, tmp_path, monkeypatch, arguments, error, message
    ):
        monkeypatch.chdir(tmp_path)
        usual = {"inputs": str(twenty), "out": "x.npz", "model": model}
        with pytest.raises(error, match=message):
            extract(ExtractConfig(**{**usual, **arguments}), progress=False)
        assert os.listdir(tmp_path) == ["twenty"]

    def test_a_folder_without_sound(self, model, tmp_path):
        with pytest.raises(FileNotFoundError, match="no media files found"):
            extract(ExtractConfig(str(tmp_path), str(tmp_path / "x.npz"), model=model))


class TestBinary:
    @staticmethod
    def run(*arguments):
        command = [sys.executable, "-m", "soundnet_tf.bin.extract", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def test_help_teaches(self):
        done = self.run("--help")
        assert "bin/extract.py --inputs=recordings --pooling=mean --out=features.npz" in done.stdout
        assert "np.load" in done.stdout and "--layer" in done.stdout

    @pytest.mark.slow
    def test_it_says_what_it_did(self, model, twenty, tmp_path):
        (twenty / "05.wav").write_bytes(b"")
        arguments = (f"--inputs={twenty}", f"--out={tmp_path}/x.h5", f"--model={model}")
        done = self.run(*arguments, "--pooling=mean")
        assert done.returncode == 0, done.stderr
        assert "19 files, 0.00 hours of sound, 19 rows of 256" in done.stdout
        assert "1 skipped:\n  05.wav: is empty (0 bytes)" in done.stdout
        assert "extracting: 100%" in done.stderr
        found = feature_file.load_features(str(tmp_path / "x.h5"))
        expected, _ = embed_file(str(twenty / "06.wav"), pooling="mean", model=model)
        np.testing.assert_allclose(found.embeddings[5], expected, rtol=1e-5, atol=1e-6)
        other = self.run(*arguments, "--pooling=max")
        assert other.returncode == 1
        assert "pooling was mean, is max" in other.stderr and "Traceback" not in other.stderr
