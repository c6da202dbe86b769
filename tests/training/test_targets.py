"""Whose posteriors are learned: which heads, which teachers, and what is refused."""

import dataclasses

import pytest
from colour_teacher import write_colour_teacher

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.sources import Source
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training import targets
from soundnet_tf.training.settings import TrainConfig

COLOURS = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
SCENES = CachedTeacher("places", "5ce4e5ce4e5ce4e5", ("hall", "shore"))


@pytest.fixture
def spec(tmp_path):
    return write_colour_teacher(tmp_path / "colours.keras", COLOURS)


@pytest.fixture
def objects(spec):
    teacher = load_teacher(spec)
    return CachedTeacher(teacher.name, teacher.fingerprint, teacher.labels)


def labelled(**teachers) -> Source:
    return Source(1, 5.0, read=None, teachers=teachers)


def test_without_specs_every_labelled_head_is_learned_in_one_order(objects):
    clips = labelled(scenes=SCENES, objects=objects)
    found = targets.cached_teachers({}, clips, clips)
    assert list(found.items()) == [("objects", objects), ("scenes", SCENES)]


def test_specs_choose_the_heads(objects, spec):
    clips = labelled(scenes=SCENES, objects=objects)
    assert targets.cached_teachers({"objects": spec}, clips, clips) == {"objects": objects}


def test_posteriors_of_another_teacher_are_refused_and_both_are_named(objects, spec):
    other = dataclasses.replace(objects, name="VGG16", fingerprint="00000000deadbeef")
    clips = labelled(objects=other)
    message = rf"of VGG16 \(00000000deadbeef\), but {spec} is colours \({objects.fingerprint}\)"
    with pytest.raises(ValueError, match=message):
        targets.cached_teachers({"objects": spec}, clips, clips)


def test_training_and_validation_of_different_teachers_are_refused(objects):
    other = dataclasses.replace(objects, fingerprint="00000000deadbeef")
    message = rf"\({objects.fingerprint}\) in the training clips and of .*\(00000000deadbeef\) in"
    with pytest.raises(ValueError, match=message):
        targets.cached_teachers({}, labelled(objects=objects), labelled(objects=other))


def test_a_head_that_is_not_labelled_is_named(objects, spec):
    clips = labelled(objects=objects)
    with pytest.raises(ValueError, match=r"training clips have scenes .*\['objects'\].*bin/label"):
        targets.cached_teachers({"scenes": spec}, clips, clips)


def test_validation_clips_that_are_not_labelled_are_named(objects):
    with pytest.raises(ValueError, match="not all validation clips have objects posteriors"):
        targets.cached_teachers({}, labelled(objects=objects), labelled())


def test_clips_without_any_posteriors_say_how_to_get_them():
    with pytest.raises(ValueError, match=r"not all training clips have posteriors.*bin/label.py"):
        targets.cached_teachers({}, labelled(), labelled())


def test_online_teachers_are_loaded(spec, objects):
    assert targets.online_teachers({"objects": spec})["objects"].labels == objects.labels


def test_online_targets_need_a_teacher():
    with pytest.raises(ValueError, match="no teacher was given.*bin/label.py"):
        targets.online_teachers({})


@pytest.mark.parametrize(
    ("training", "validation", "specs", "flip", "chosen"),
    [
        ("objects scenes", "objects scenes", "", False, "cached"),
        ("objects", "objects scenes", "objects", False, "cached"),
        ("objects", "objects", "objects scenes", False, "online"),
        ("objects", "", "objects", False, "online"),
        ("", "", "", False, "online"),
        ("objects", "objects", "objects", True, "online"),  # mirrored frames nobody has seen
    ],
)
def test_targets_are_cached_where_all_clips_have_them(training, validation, specs, flip, chosen):
    config = TrainConfig(
        teachers=dict.fromkeys(specs.split(), "file:x.keras"),
        pipeline=PipelineConfig(targets="auto", flip=flip),
    )
    sources = (labelled(**dict.fromkeys(heads.split(), SCENES)) for heads in (training, validation))
    assert targets.choose(config, *sources).pipeline.targets == chosen


@pytest.mark.parametrize("chosen", ["online", "cached"])
def test_targets_that_were_chosen_stay(objects, chosen):
    config = TrainConfig(pipeline=PipelineConfig(targets=chosen))
    clips = labelled(objects=objects)
    assert targets.choose(config, clips, clips) is config
