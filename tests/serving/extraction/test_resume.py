"""extract run again: it goes on where it was interrupted, and refuses what does not fit."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from extract_material import (
    count_decoded,
    make_parts_of_three,
    save_model,
    write_noise,
    write_twenty,
)

from soundnet_tf.serving.embed import embed_file
from soundnet_tf.serving.extraction import feature_file
from soundnet_tf.serving.extraction.run import extract
from soundnet_tf.serving.extraction.settings import SUFFIXES, ExtractConfig


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(str(tmp_path_factory.mktemp("model")))


@pytest.fixture
def twenty(tmp_path):
    return write_twenty(tmp_path / "twenty")


@pytest.fixture(autouse=True)
def _parts_of_three(monkeypatch):
    make_parts_of_three(monkeypatch)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_interrupted_it_goes_on_and_writes_the_same_bytes(
    model, twenty, tmp_path, monkeypatch, suffix
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
    (partial / ".part-00002.npz.0123abcd-99999999-00ff.partial").write_text(
        "half a part of a killed run"
    )
    decoded = count_decoded(monkeypatch)
    summary = extract(ExtractConfig(str(twenty), str(broken), model=model), progress=False)
    assert sorted(decoded) == [f"{i:02d}.wav" for i in range(6, 20)]
    assert broken.read_bytes() == unbroken.read_bytes()
    assert list(summary.skipped) == ["04.wav"] and summary.files == 19
    assert not partial.exists()


def test_changed_files_are_done_again_and_others_kept(model, twenty, tmp_path, monkeypatch):
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
    found = feature_file.load_features(config.out)
    assert found.names == sorted(path.name for path in twenty.iterdir())
    for file, name in enumerate(found.names):
        expected, _ = embed_file(str(twenty / name), model=model)
        np.testing.assert_allclose(found.rows(file)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "conv5"},
        {"pooling": "mean"},
        {"channel": "first"},
        {"short": "pad"},
        {"audio_stream": 0},
    ],
)
@pytest.mark.parametrize("is_whole", [False, True])
def test_other_settings_are_refused(model, twenty, tmp_path, monkeypatch, change, is_whole):
    out = str(tmp_path / "x.h5")
    with monkeypatch.context() as patch:
        if not is_whole:
            count_decoded(patch, stop_at="08.wav")
        with contextlib.suppress(KeyboardInterrupt):
            extract(ExtractConfig(str(twenty), out, model=model), progress=False)
    (name, value), was = *change.items(), ExtractConfig("", out)
    told = rf"{name} was {getattr(was, name)}, is {value}\): choose another --out, remove it"
    with pytest.raises(ValueError, match=told) as refused:
        extract(ExtractConfig(str(twenty), out, model=model, **change), progress=False)
    assert str(refused.value).startswith(out if is_whole else f"{out}.partial")


def test_weights_tell_not_the_models_name(model, twenty, tmp_path):
    out = str(tmp_path / "x.npz")
    extract(ExtractConfig(str(twenty), out, model=model), progress=False)
    copy = shutil.copytree(model, tmp_path / "copy")
    again = extract(ExtractConfig(str(twenty), out, model=str(copy)), progress=False)
    assert not again.is_new
    save_model(str(copy))
    with pytest.raises(ValueError, match="weights_sha256 was .*, is .*choose another --out"):
        extract(ExtractConfig(str(twenty), out, model=str(copy)), progress=False)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_whole_is_not_made_again(model, twenty, tmp_path, monkeypatch, suffix):
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
    (twenty / "07.wav").unlink()
    with pytest.raises(
        ValueError, match=r"has 1 files that are .* any more \(07.wav\): choose anot"
    ):
        extract(config, progress=False)
    assert out.read_bytes() == content and sorted(os.listdir(tmp_path)) == ["twenty", out.name]


def same_size_other_sound(path):
    sound, rate = soundfile.read(path)
    size = path.stat().st_size
    soundfile.write(path, sound[::-1], rate)
    assert path.stat().st_size == size


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_to_the_whole_only_what_is_new_is_added(
    model, twenty, tmp_path, monkeypatch, suffix, checksum
):
    """One is added, one changed but in its size, and one skipped before is a sound now. By checksum
    one that was only touched is the same."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    sound = (twenty / "04.wav").read_bytes()
    (twenty / "04.wav").write_text("not sound")
    (twenty / "05.wav").write_text("nor this")
    outs = [str(tmp_path / f"{name}{suffix}") for name in ("x", "from nothing")]
    configs = [
        ExtractConfig(str(twenty), out, pooling="mean", model=model, checksum=checksum)
        for out in outs
    ]
    extract(configs[0], progress=False)
    write_noise(twenty / "new.wav", 9_000)
    same_size_other_sound(twenty / "07.wav")
    (twenty / "04.wav").write_bytes(sound)
    os.utime(twenty / "11.wav", ns=(1, 1))
    decoded = count_decoded(monkeypatch)
    summary = extract(configs[0], progress=False)
    touched = [] if checksum else ["11.wav"]
    assert sorted(decoded) == ["04.wav", "07.wav", *touched, "new.wav"]
    assert (summary.files, list(summary.skipped), summary.is_new) == (20, ["05.wav"], True)
    assert extract(configs[1], progress=False) == summary
    found, expected = map(feature_file.read_features, outs)
    assert (found.names, found.inputs) == (expected.names, expected.inputs)
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    np.testing.assert_array_equal(found.durations, expected.durations)
    np.testing.assert_allclose(found.embeddings, expected.embeddings, rtol=1e-5, atol=1e-5)
    assert sorted(os.listdir(tmp_path)) == sorted(["twenty", *map(os.path.basename, outs)])


def test_a_whole_of_before_identities_were_noted_is_made_anew(
    model, twenty, tmp_path, monkeypatch, caplog
):
    config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
    write = feature_file.write
    with monkeypatch.context() as patch:
        patch.setattr(
            feature_file,
            "write",
            lambda path, index, blocks: (
                write(path, dataclasses.replace(index, inputs={}), blocks)
                if path == config.out
                else write(path, index, blocks)
            ),
        )
        extract(config, progress=False)
    decoded = count_decoded(monkeypatch)
    extract(config, progress=False)
    assert len(decoded) == 20
    assert "20 files of" in caplog.text and "a version wrote it that did not note" in caplog.text
    assert not extract(config, progress=False).is_new


def test_parts_of_a_run_that_ended_just_before_removing_them(model, twenty, tmp_path):
    config = ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model)
    extract(config, progress=False)
    (tmp_path / "x.npz.partial").mkdir()
    assert not extract(config, progress=False).is_new
    assert not (tmp_path / "x.npz.partial").exists()


def test_no_other_file_is_written_over(model, twenty, tmp_path):
    (tmp_path / "x.npz").write_text("somebody's")
    with pytest.raises(ValueError, match="x.npz is no whole file of features"):
        extract(ExtractConfig(str(twenty), str(tmp_path / "x.npz"), model=model), False)
    assert (tmp_path / "x.npz").read_text() == "somebody's"


@pytest.mark.slow
def test_killed_it_goes_on_and_writes_the_same_bytes(model, twenty, tmp_path):
    """It blocks at 10.wav, when 00 to 08 are in three parts, and is killed."""
    unbroken, killed = (str(tmp_path / f"{name}.npz") for name in ("unbroken", "killed"))
    extract(ExtractConfig(str(twenty), unbroken, model=model), progress=False)
    script = f"""
import threading
from soundnet_tf.serving.extraction import many_files
from soundnet_tf.serving.extraction import run as extract
many_files.GROUP_FILES = extract._PART_FILES = 3
stream_audio = many_files.stream_audio
def blocking(path, channel, **options):
    if path.endswith("10.wav"):
        threading.Event().wait()
    return stream_audio(path, channel, **options)
many_files.stream_audio = blocking
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
