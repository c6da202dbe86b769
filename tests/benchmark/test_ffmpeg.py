"""The ffmpeg program's part of the benchmark: what is asked of it, and that it is the same work."""

import shutil

import pytest
import synthetic_media

from benchmark import prepare
from soundnet_tf.data import clips, planning
from soundnet_tf.data.clips import Video
from soundnet_tf.data.settings import Cutting
from soundnet_tf.files.identity import identity_of

SECS = 12


@pytest.fixture
def film(tmp_path):
    (tmp_path / "films").mkdir()
    return synthetic_media.write_clock_video(tmp_path / "films" / "a.mp4", SECS)


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_every_film_is_given_to_the_program(film, tmp_path):
    shutil.copy(film, film.with_name("b.mkv"))
    noting = program(tmp_path / "ffmpeg", f'echo "$5 $*" >> {tmp_path}/calls')
    prepare.run_ffmpeg(noting, str(film.parent))()
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first.startswith(str(film)) and second.startswith(str(film.with_name("b.mkv")))
    assert "-ar 22050" in first and "256" in first


def test_a_film_that_the_program_cannot_read_is_named(film, tmp_path):
    failing = program(tmp_path / "ffmpeg", "echo no such codec >&2; exit 1")
    with pytest.raises(RuntimeError, match="ffmpeg cannot read .*a.mp4: no such codec"):
        prepare.run_ffmpeg(failing, str(film.parent))()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg on the PATH")
def test_ffmpeg_makes_what_we_make(film, tmp_path, monkeypatch):
    """As many samples to 0.1 s, and pictures of the same seconds and size."""
    import numpy as np
    from PIL import Image

    class Kept:
        """A folder that stays."""

        def __enter__(self):
            (tmp_path / "out").mkdir()
            return str(tmp_path / "out")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(prepare.tempfile, "TemporaryDirectory", Kept)
    prepare.run_ffmpeg(shutil.which("ffmpeg"), str(film.parent))()
    (run,) = planning.plan(Video("a.mp4", str(film), identity_of(str(film))), Cutting())
    (record,) = clips.cut(run, Cutting())
    samples = (tmp_path / "out" / "0.pcm").stat().st_size // 2
    assert samples == pytest.approx(record.sample_count, abs=2205)
    theirs = [Image.open(path) for path in sorted((tmp_path / "out").glob("*.jpg"))]
    seconds = [
        synthetic_media.second_of_colour(np.asarray(picture).mean(axis=(0, 1)))
        for picture in theirs
    ]
    assert seconds == [round(secs) for secs in record.frame_secs] == [0, 5, 10]
    assert {picture.size for picture in theirs} == {(342, 256)}
