"""extract: many files into one, in order, resumable, whatever their lengths and whatever is broken."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile

from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving import extract as extraction
from soundnet_tf.serving import feature_files, feature_parts, hear_files, listener
from soundnet_tf.serving.embed import embed_file
from soundnet_tf.serving.extract import ExtractConfig, extract

SECOND = 22050
LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}
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
    """A small SoundNet-8 with random weights."""
    folder = str(tmp_path_factory.mktemp("model"))
    save_model(folder)
    return folder


def save_model(folder):
    checkpoint.save_student(folder, student.SoundNet8(object_classes=3, scene_classes=2), LABELS)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Files of all lengths, of which one is stereo, and a .txt that is no medium."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, samples in LENGTHS.items():
        write_noise(folder / name, samples)
    write_noise(folder / "stereo.wav", 20_000, channels=2, rate=44100)
    (folder / "notes.txt").write_text("not sound")
    return folder


@pytest.fixture
def twenty(tmp_path):
    """Twenty short files, 00.wav to 19.wav."""
    folder = tmp_path / "twenty"
    for i in range(20):
        write_noise(folder / f"{i:02d}.wav", 4_600 + 997 * (i * 7 % 20))
    return folder


@pytest.fixture
def parts_of_three(monkeypatch):
    monkeypatch.setattr(hear_files, "GROUP_FILES", 3)
    monkeypatch.setattr(extraction, "_PART_FILES", 3)


def write_noise(path, samples, channels=1, rate=SECOND):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([samples, *path.name.encode()]).uniform(
        -0.4, 0.4, (samples, channels)
    )
    soundfile.write(path, noise, rate)


def table(path):
    """Names, embeddings, timestamps of a .parquet file in the form of .npz and .h5."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    columns = parquet.read_table(path).to_pydict()
    return columns["file"], np.float32(columns["embedding"]), np.array(columns["secs"])


def count_decoded(monkeypatch, stop_at=None):
    """Names of the files whose decoding began; that of `stop_at` is as if Ctrl-C were pressed."""
    decoded, stream_audio = [], hear_files.stream_audio

    def counted(path, channel):
        decoded.append(os.path.basename(path))
        if decoded[-1] == stop_at:
            raise KeyboardInterrupt
        return stream_audio(path, channel)

    monkeypatch.setattr(hear_files, "stream_audio", counted)
    return decoded


class TestContent:
    @pytest.mark.parametrize("suffix", feature_files.SUFFIXES)
    @pytest.mark.parametrize("pooling", ["none", "meanstd"])
    def test_it_is_embed_file_of_each_in_order(
        self, model, recordings, tmp_path, suffix, pooling
    ):
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
            found = feature_files.load_features(out)
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

    def test_choices_reach_the_network(self, model, twenty, tmp_path):
        write_noise(twenty / "stereo.wav", 3 * SECOND, channels=2)
        choices = {"layer": "objects", "short": "pad", "channel": "first"}
        out = str(tmp_path / "x.npz")
        extract(ExtractConfig(str(twenty), out, model=model, **choices), progress=False)
        found = feature_files.load_features(out)
        np.testing.assert_allclose(found.embeddings.sum(axis=1), 1, rtol=1e-5)
        for file, name in enumerate(found.names):
            expected, secs = embed_file(str(twenty / name), model=model, **choices)
            np.testing.assert_allclose(found.rows(file)[0], expected, rtol=1e-5)
            np.testing.assert_array_equal(found.rows(file)[1], secs)
        assert found.settings.items() >= {**choices, "pooling": "none", "sample_rate": 22050}.items()

    def test_few_files_are_decoded_ahead(self, model, twenty, monkeypatch):
        monkeypatch.setattr(hear_files, "GROUP_FILES", 3)
        decoded = count_decoded(monkeypatch)
        files = {path.name: str(path) for path in sorted(twenty.iterdir())}
        ears = listener.load(model)
        groups = hear_files.hear_files(files, ears, "pool5", "mean", "loop")
        assert [file.name for file in next(groups)] == ["00.wav", "01.wav", "02.wav"]
        groups.close()
        assert len(decoded) <= 3 + 2 * hear_files._DECODERS

    def test_a_long_file_ends_its_group(self, model, twenty, monkeypatch):
        """So there is one at a time whose steps are held. Here two have 22 000 samples or more."""
        monkeypatch.setattr(hear_files, "_LONGEST_SAMPLES", 22_000)
        files = {path.name: str(path) for path in sorted(twenty.iterdir())}
        ears = listener.load(model)
        groups = list(hear_files.hear_files(files, ears, "pool5", "mean", "loop"))
        long = [i for i, path in enumerate(files.values()) if soundfile.info(path).frames > 22_000]
        assert len(long) == 2 and long[-1] == 17
        assert [len(group) for group in groups] == np.diff([0, *(i + 1 for i in long), 20]).tolist()

    def test_parts_are_cut_where_they_grow_large(self, model, twenty, tmp_path, monkeypatch):
        """A file of 4 600 samples or more gives 1 kB or more: each group of two fills a part."""
        monkeypatch.setattr(hear_files, "GROUP_FILES", 2)
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


@pytest.mark.usefixtures("parts_of_three")
class TestResume:
    @pytest.mark.parametrize("suffix", feature_files.SUFFIXES)
    def test_interrupted_it_goes_on_and_writes_the_same_bytes(
        self, model, twenty, tmp_path, monkeypatch, suffix
    ):
        """Ctrl-C at 08.wav: 00 to 05 are in two parts, 06 and 07 were perhaps heard, but lost."""
        if suffix == ".parquet":
            pytest.importorskip("pyarrow", reason="needs pyarrow")
        (twenty / "04.wav").write_text("not sound")
        unbroken, broken = (tmp_path / f"{name}{suffix}" for name in ("unbroken", "broken"))
        extract(ExtractConfig(str(twenty), str(unbroken), model=model), progress=False)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            count_decoded(patch, stop_at="08.wav")
            extract(ExtractConfig(str(twenty), str(broken), model=model), progress=False)
        partial = tmp_path / f"broken{suffix}.partial"
        assert sorted(os.listdir(partial)) == ["part-00000.npz", "part-00001.npz", "settings.json"]
        assert not broken.exists()
        (partial / "part-00002.npz.tmp").write_text("half a part of a killed run")
        decoded = count_decoded(monkeypatch)
        summary = extract(ExtractConfig(str(twenty), str(broken), model=model), progress=False)
        assert sorted(decoded) == [f"{i:02d}.wav" for i in range(6, 20)]
        assert broken.read_bytes() == unbroken.read_bytes()
        assert list(summary.skipped) == ["04.wav"] and summary.files == 19
        assert not partial.exists()

    def test_changed_files_are_done_again_and_others_kept(
        self, model, twenty, tmp_path, monkeypatch
    ):
        config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            count_decoded(patch, stop_at="08.wav")
            extract(config, progress=False)
        write_noise(twenty / "01.wav", 10_000)
        write_noise(twenty / "02 new.wav", 20_000)
        (twenty / "03.wav").unlink()
        decoded = count_decoded(monkeypatch)
        extract(config, progress=False)
        todo = ["01.wav", "02 new.wav", *(f"{i:02d}.wav" for i in range(6, 20))]
        assert sorted(decoded) == todo
        found = feature_files.load_features(config.out)
        assert found.names == sorted(path.name for path in twenty.iterdir())
        for file, name in enumerate(found.names):
            expected, _ = embed_file(str(twenty / name), model=model)
            np.testing.assert_allclose(found.rows(file)[0], expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(
        "change", [{"layer": "conv5"}, {"pooling": "mean"}, {"channel": "first"}, {"short": "pad"}]
    )
    @pytest.mark.parametrize("is_whole", [False, True])
    def test_other_settings_are_refused(
        self, model, twenty, tmp_path, monkeypatch, change, is_whole
    ):
        out = str(tmp_path / "x.h5")
        with monkeypatch.context() as patch:
            if not is_whole:
                count_decoded(patch, stop_at="08.wav")
            try:
                extract(ExtractConfig(str(twenty), out, model=model), progress=False)
            except KeyboardInterrupt:
                pass
        (name, value), was = *change.items(), ExtractConfig("", out)
        told = rf"{name} was {getattr(was, name)}, is {value}\): choose another --out, or remove it"
        with pytest.raises(ValueError, match=told) as refused:
            extract(ExtractConfig(str(twenty), out, model=model, **change), progress=False)
        assert str(refused.value).startswith(out if is_whole else f"{out}.partial")

    def test_weights_tell_not_the_models_name(self, model, twenty, tmp_path):
        out = str(tmp_path / "x.npz")
        extract(ExtractConfig(str(twenty), out, model=model), progress=False)
        copy = shutil.copytree(model, tmp_path / "copy")
        again = extract(ExtractConfig(str(twenty), out, model=str(copy)), progress=False)
        assert not again.is_new
        save_model(str(copy))
        with pytest.raises(ValueError, match="weights_sha256 was .*, is .*choose another --out"):
            extract(ExtractConfig(str(twenty), out, model=str(copy)), progress=False)

    @pytest.mark.parametrize("suffix", feature_files.SUFFIXES)
    def test_the_whole_is_not_made_again(self, model, twenty, tmp_path, monkeypatch, suffix):
        if suffix == ".parquet":
            pytest.importorskip("pyarrow", reason="needs pyarrow")
        (twenty / "04.wav").write_text("not sound")
        out = tmp_path / f"x{suffix}"
        config = ExtractConfig(str(twenty), str(out), pooling="max", model=model)
        first = extract(config, progress=False)
        content, decoded = out.read_bytes(), count_decoded(monkeypatch)
        second = extract(config, progress=False)
        assert (first.is_new, second.is_new, decoded) == (True, False, [])
        assert vars(first) | {"is_new": False} == vars(second)
        write_noise(twenty / "07.wav", 12_345)
        with pytest.raises(ValueError, match="inputs_sha256 was .*choose another --out"):
            extract(config, progress=False)
        assert out.read_bytes() == content

    def test_parts_of_a_run_that_ended_just_before_removing_them(self, model, twenty, tmp_path):
        config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
        extract(config, progress=False)
        (tmp_path / "x.npz.partial").mkdir()
        assert not extract(config, progress=False).is_new
        assert not (tmp_path / "x.npz.partial").exists()

    def test_no_other_file_is_written_over(self, model, twenty, tmp_path):
        (tmp_path / "x.npz").write_text("somebody's")
        with pytest.raises(ValueError, match="x.npz is no whole file of features"):
            extract(ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model), False)
        assert (tmp_path / "x.npz").read_text() == "somebody's"

    @pytest.mark.slow
    def test_killed_it_goes_on_and_writes_the_same_bytes(self, model, twenty, tmp_path):
        """It blocks at 10.wav, when 00 to 08 are in three parts, and is killed."""
        unbroken, killed = (str(tmp_path / f"{name}.npz") for name in ("unbroken", "killed"))
        extract(ExtractConfig(str(twenty), unbroken, model=model), progress=False)
        script = f"""
import threading
from soundnet_tf.serving import extract, hear_files
hear_files.GROUP_FILES = extract._PART_FILES = 3
stream_audio = hear_files.stream_audio
def blocking(path, channel):
    if path.endswith("10.wav"):
        threading.Event().wait()
    return stream_audio(path, channel)
hear_files.stream_audio = blocking
extract.extract(extract.ExtractConfig({str(twenty)!r}, {killed!r}, model={model!r}))
"""
        with subprocess.Popen([sys.executable, "-c", script]) as process:
            while not os.path.exists(f"{killed}.partial/part-00002.npz"):
                assert process.poll() is None
                time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
        assert not os.path.exists(killed)
        extract(ExtractConfig(str(twenty), killed, model=model), progress=False)
        with open(unbroken, "rb") as a, open(killed, "rb") as b:
            assert a.read() == b.read()


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
        found = feature_files.load_features(out)
        assert found.skipped == summary.skipped
        assert found.names == [name for name in names[:20] if name != "05.wav"]

    def test_a_long_file_that_breaks_off_late(self, model, twenty, tmp_path, monkeypatch):
        """Its first 2 min are decoded by a thread, the rest while the network hears."""
        (twenty / "05 long.wav").touch()
        stream_audio = hear_files.stream_audio

        def breaking(path, channel):
            if not path.endswith("long.wav"):
                yield from stream_audio(path, channel)
                return
            for _ in range(35):
                yield np.zeros(4 * SECOND, np.float32)
            assert threading.current_thread() is threading.main_thread()
            raise ValueError(f"{path}: is cut off")

        monkeypatch.setattr(hear_files, "stream_audio", breaking)
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

    def test_only_bad_files_in_a_part(self, model, twenty, tmp_path, parts_of_three):
        for i in range(3, 6):
            (twenty / f"{i:02d}.wav").write_text("not sound")
        config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
        assert extract(config, progress=False).files == 17


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"out": "x.csv"}, ValueError, "x.csv: features go into a local file that ends in"),
            ({"pooling": "median"}, ValueError, "pooling='median' is unknown"),
            ({"channel": "left"}, ValueError, "channel is 'left'"),
            ({"short": "crash"}, ValueError, "short='crash' is unknown"),
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
        assert "1 files skipped:\n  05.wav: is empty (0 bytes)" in done.stdout
        assert "extracting: 100%" in done.stderr
        found = feature_files.load_features(str(tmp_path / "x.h5"))
        expected, _ = embed_file(str(twenty / "06.wav"), pooling="mean", model=model)
        np.testing.assert_allclose(found.embeddings[5], expected, rtol=1e-5, atol=1e-6)
        other = self.run(*arguments, "--pooling=max")
        assert other.returncode == 1
        assert "pooling was mean, is max" in other.stderr and "Traceback" not in other.stderr
