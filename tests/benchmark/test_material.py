"""What is made to measure on: films, recordings and shards of the lengths that were asked for."""

import numpy as np
import pytest

from benchmark import material, pipeline, training_steps
from soundnet_tf import media
from soundnet_tf.data import sources
from soundnet_tf.data.pipeline import eval_batches
from soundnet_tf.models import pretrained

SECS = 12.0


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "films"
    material.write_films(str(folder), count=2, secs=SECS)
    return folder


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "shards"
    material.write_shards(str(folder), str(films), clip_secs=SECS)
    return str(folder)


def test_films_are_real_and_move(films):
    paths = sorted(films.iterdir())
    assert [path.name for path in paths] == ["film-000.mp4", "film-001.mp4"]
    for path in paths:
        info = media.probe(str(path))
        assert (info.video_codec, info.audio_codec) == ("h264", "aac")
        assert info.duration_secs == pytest.approx(SECS, abs=0.1)
    clip = media.read_clip(str(paths[1]), duration_secs=SECS)
    assert np.abs(clip.waveform).max() > 0.1
    first, second, third = (frame.astype(float) for frame in clip.frames)
    assert np.abs(first - second).mean() > 10 and np.abs(second - third).mean() > 10


@pytest.mark.parametrize("minutes", [0.05, 1.0, 3.0])
def test_a_recording_lasts_as_long_as_asked_for(tmp_path, minutes):
    """To within the encoder's delay, 26 ms a part. At its end too there is noise of 0.1 in either
    channel: the mean of both has 0.1/√2, and the half of it below 11 kHz 0.1/2."""
    path = str(tmp_path / "recording.mp3")
    material.write_recording(path, minutes)
    waveform = media.read_audio(path)
    assert len(waveform) / 22050 == pytest.approx(60 * minutes, abs=0.1 * max(1, minutes))
    assert waveform[-22050:].std() == pytest.approx(0.05, rel=0.1)


def test_shards_hold_posteriors_of_both_heads(shards):
    source = sources.from_records(f"{shards}/train-*")
    assert source.count == 2
    classes = {head: teacher.classes for head, teacher in source.teachers.items()}
    assert classes == {"objects": 1000, "scenes": 401}


def test_batches_of_shards_and_the_fixed_one_are_alike(shards):
    """So that steps on either are the same work."""
    source = sources.from_records(f"{shards}/train-*")
    batches = pipeline.one_pass(shards, 2, SECS)
    batches()
    config = pipeline.config(2, SECS)
    (batch,) = eval_batches(source, config)
    fixed = training_steps.fixed_batch(2, SECS)
    assert fixed.keys() == batch.keys() - {"id"}
    for name, values in fixed.items():
        assert (values.shape, values.dtype) == (batch[name].shape, batch[name].dtype), name
        if name.startswith("posteriors/"):
            np.testing.assert_allclose(np.sum(values, axis=-1), 1, atol=1e-5)


def test_noise_depends_on_its_seed_alone():
    np.testing.assert_array_equal(material.noise(2, 0.1), material.noise(2, 0.1))
    assert material.noise(2, 0.1).shape == (2, 2205)
    assert not np.array_equal(material.noise(2, 0.1), material.noise(2, 0.1, seed=1))


def test_the_student_can_be_loaded(tmp_path):
    material.write_student(str(tmp_path))
    student, labels = pretrained.load(str(tmp_path))
    assert student.name == "soundnet8"
    assert {head: len(names) for head, names in labels.items()} == material.CLASSES
