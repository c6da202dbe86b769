"""What a run hands on: its settings to student, optimizer and pipeline; its seed; its length."""

import dataclasses
import json
import sys

import cached_records as cached
import keras
import numpy as np
import pytest
from colour_teacher import write_colour_teacher

from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import AugmentConfig, PipelineConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training import baselines, loop, steps
from soundnet_tf.training.settings import DistillConfig, TrainConfig

SEEN = {"objects": [0.5, 0.3, 0.2]}


def pipeline_config(**changes):
    settings = {"batch_size": 2, "crop_secs": 3.0, "targets": "cached"}
    return PipelineConfig(**(settings | changes))


def config_of(of_pipeline, **changes):
    settings = {"teachers": {}, "architecture": "soundnet5"}
    return TrainConfig(pipeline=of_pipeline, **(settings | changes))


def source():
    """Clips longer than the crop, three steps an epoch."""
    return cached.source(*(cached.clip(number, 3.5, SEEN) for number in range(7)))


class BegunError(Exception):
    """Ends a run where its first step would be."""


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """A run up to its first step: gives the distiller, its batches and how long it is."""

    def fit(judge, batches, validation, end, steps_per_epoch, callbacks):
        raise BegunError(judge.distiller, batches, (end, steps_per_epoch))

    def begin(config):
        monkeypatch.setattr(steps, "fit", fit)
        monkeypatch.setattr(baselines, "measure_once", lambda *arguments: {})
        out = str(tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        with pytest.raises(BegunError) as caught:
            loop.train(config, source(), cached.source(cached.clip(9, 3.0, SEEN)), out)
        return caught.value.args

    return begin


@pytest.mark.parametrize("given, end", [(7, 9), (6, 6), (1, 3)])
def test_steps_are_rounded_up_to_epochs(begun, given, end):
    """7 clips in batches of 2 are 3 steps an epoch."""
    _, batches, length = begun(config_of(pipeline_config(), steps=given, epochs=50))
    assert length == (end, 3) and batches.cardinality() == end


def test_without_steps_the_epochs_count(begun):
    _, batches, length = begun(config_of(pipeline_config(), epochs=4))
    assert length == (12, 3) and batches.cardinality() == 12


def test_an_epoch_may_be_longer_or_shorter_than_a_pass(begun):
    """Then the clips just go on: 7 steps of 2 are two passes over 7."""
    _, batches, length = begun(config_of(pipeline_config(), validate_every=10, steps=11))
    assert length == (20, 10)
    seen = [clip for batch in taken(batches, 7) for clip in batch["id"]]
    assert {seen.count(clip) for clip in seen} == {2} and len(set(seen)) == 7
    _, batches, length = begun(config_of(pipeline_config(), validate_every=2, epochs=4))
    assert length == (8, 2) and batches.cardinality() == 8


def test_fewer_clips_than_a_batch_are_refused(tmp_path):
    few = config_of(pipeline_config(batch_size=10))
    with pytest.raises(ValueError, match="7 training clips are fewer than a batch of 10"):
        loop.train(few, source(), cached.source(cached.clip(9, 3.0, SEEN)), str(tmp_path))


def test_bfloat16_reaches_the_student_alone(begun):
    distiller, _, _ = begun(config_of(pipeline_config(), precision="mixed_bfloat16"))
    layers = [layer for layer in distiller.student.layers if layer.weights]
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    assert {variable.dtype for variable in distiller.student.variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    distiller, _, _ = begun(config_of(pipeline_config()))
    assert {layer.compute_dtype for layer in distiller.student.layers} == {"float32"}


def taken(batches, count):
    return [{name: v.numpy() for name, v in batch.items()} for batch in batches.take(count)]


def test_the_pipelines_settings_reach_it(begun):
    """Without crop and gain training sees what evaluation sees; with each of them it does not."""
    plain = pipeline_config(random_crop=False)
    expected = by_id(taken(pipeline.eval_batches(source(), plain), 4))
    for change, same in [
        ({}, True),
        ({"random_crop": True}, False),
        ({"augment": AugmentConfig(gain_db=6.0)}, False),
    ]:
        settings = {"random_crop": False} | change
        _, batches, _ = begun(config_of(pipeline_config(**settings)))
        found = by_id(taken(batches, 3))
        assert all(np.array_equal(expected[i], found[i]) for i in found) is same, change


def by_id(batches):
    return {
        i: sound
        for batch in batches
        for i, sound in zip(batch["id"], batch["waveform"], strict=True)
    }


def test_the_students_start_is_the_seeds_whatever_came_before(begun, monkeypatch, tmp_path):
    """Loading a teacher draws numbers for its layers; so may whoever calls."""
    spec = write_colour_teacher(tmp_path / "colours.keras", np.eye(3) * 255)
    teacher = load_teacher(spec)
    labelled = CachedTeacher(teacher.name, teacher.fingerprint, teacher.labels)
    monkeypatch.setitem(cached.TEACHERS, "objects", labelled)

    def start(**settings):
        distiller, _, _ = begun(config_of(pipeline_config(), **settings))
        return distiller.student.get_weights()

    first = start(seed=3)
    keras.utils.set_random_seed(99)
    again = start(seed=3, teachers={"objects": spec})
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = zip(first, start(seed=4), strict=True)
    assert all(np.ptp(a) == 0 or not np.array_equal(a, b) for a, b in kernels)


def test_a_run_of_before_settings_were_declared_goes_on(begun, tmp_path):
    """Its `run.json` as it was written then: the spacing of frames, a second seed and a mask among
    the settings, and no weights."""
    begun(config_of(pipeline_config()))
    path = tmp_path / "run0" / loop.RUN_FILE
    run = json.loads(path.read_text())
    run["settings"]["pipeline"] |= {"frame_every_secs": run.pop("frame_every_secs"), "seed": 0}
    run["settings"]["distill"] |= {"mask_sound": False, "weights": {}}
    path.write_text(json.dumps(run))
    others = source(), cached.source(cached.clip(9, 3.0, SEEN))
    with pytest.raises(BegunError):
        loop.train(config_of(pipeline_config()), *others, str(tmp_path / "run0"))
    with pytest.raises(ValueError, match="gain_db was 0.0, is 1.0"):
        loop.train(
            config_of(pipeline_config(augment=AugmentConfig(gain_db=1.0))),
            *others,
            str(tmp_path / "run0"),
        )


def test_frames_at_another_spacing_are_another_run(begun, tmp_path):
    """As many clips with the same teachers, prepared otherwise."""
    begun(config_of(pipeline_config()))
    dense = dataclasses.replace(source(), frame_every_secs=1.0)
    validation = cached.source(cached.clip(9, 3.0, SEEN))
    with pytest.raises(ValueError, match="frame_every_secs was 2.0, is 1.0"):
        loop.train(config_of(pipeline_config()), dense, validation, str(tmp_path / "run0"))


def test_as_many_other_clips_are_another_run(begun, tmp_path, monkeypatch):
    """What of a run was noted before clips had a digest goes on all the same."""
    clips = source()
    monkeypatch.setattr(sys.modules[__name__], "source", lambda: of("11" * 32))

    def of(digest):
        return dataclasses.replace(clips, sha256=digest)

    begun(config_of(pipeline_config()))
    validation, out = cached.source(cached.clip(9, 3.0, SEEN)), str(tmp_path / "run0")
    with pytest.raises(ValueError, match=r"clips_sha256\.train was 1111.*, is 2222"):
        loop.train(config_of(pipeline_config()), of("22" * 32), validation, out)
    path = tmp_path / "run0" / loop.RUN_FILE
    run = json.loads(path.read_text())
    del run["clips_sha256"]
    path.write_text(json.dumps(run))
    with pytest.raises(BegunError):
        loop.train(config_of(pipeline_config()), of("22" * 32), validation, out)


def test_what_is_mixed_and_shuffled_reaches_the_distiller(begun):
    distill = DistillConfig(mix_share=0.25, shuffled_pairs=True)
    distiller, _, _ = begun(config_of(pipeline_config(), distill=distill, seed=8))
    assert distiller.config == distill and distiller.seed == 8


def test_labelled_clips_are_learned_from_as_they_are_labelled(begun):
    """Nobody said so, and no teacher is given."""
    distiller, batches, _ = begun(config_of(pipeline_config(targets="auto")))
    assert "frames" not in batches.element_spec
    assert distiller.heads == ("objects",)
