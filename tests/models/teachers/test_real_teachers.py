"""Trained networks on real frames: they must see what a person sees there."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import vision_material

from soundnet_tf.models.teachers.teacher import load_teacher

DOG = "data/videos/SpecVQGAN__videos__dog__video_02754.mp4"


@pytest.fixture(scope="module")
def mobilenet(shared):
    return load_teacher(f"keras:MobileNetV2@{shared / 'teachers/mobilenet_v2_imagenet.weights.h5'}")


@pytest.fixture(scope="module")
def squeezenet(shared):
    return load_teacher(f"file:{shared / 'teachers/squeezenet_places365.keras'}")


def real_frames(shared, video, *moments_secs):
    frames = [vision_material.centre_square(shared / video, secs) for secs in moments_secs]
    return np.stack(frames)[np.newaxis]


def best(teacher, frames):
    return [teacher.labels[index] for index in np.argmax(teacher(frames)[0], axis=-1)]


def test_mobilenet_is_given_what_it_was_trained_on(mobilenet, shared):
    frames = real_frames(shared, DOG, 1, 3, 5)
    pictures = tf.image.resize(frames[0], (224, 224), antialias=True)
    network = keras.applications.MobileNetV2(
        weights=str(shared / "teachers/mobilenet_v2_imagenet.weights.h5")
    )
    expected = network(keras.applications.mobilenet_v2.preprocess_input(pictures))
    np.testing.assert_allclose(mobilenet(frames)[0], expected, atol=1e-4)


def test_mobilenet_knows_dogs_and_drums(mobilenet, shared):
    dogs = np.argmax(mobilenet(real_frames(shared, DOG, 1, 3, 5))[0], axis=-1)
    assert set(dogs) <= set(vision_material.IMAGENET_DOGS)
    drums = real_frames(shared, "data/videos/im2wav__video__0nYltlo90Zc_147000_157000.mp4", 2, 5)
    assert best(mobilenet, drums) == ["drum, membranophone, tympan"] * 2


@pytest.mark.parametrize(
    ("video", "scene"),
    [
        ("MMAudio__example_videos__F8Zt3mYlOqU_000094.mp4", "underwater ocean deep"),  # a dark fish
        ("Video-LLaMA__examples__applausing.mp4", "stage indoor"),  # a singer in a spotlight
        ("SpecVQGAN__vggsound__video__7tMPoaU2oL4_0_10000.mp4", "auditorium"),  # a crowd in a hall
    ],
)
def test_squeezenet_knows_scenes(squeezenet, shared, video, scene):
    assert best(squeezenet, real_frames(shared, f"data/videos/{video}", 2)) == [scene]


def test_fingerprints_of_the_real_ones(mobilenet, squeezenet):
    """They are written into records, so they may not change from version to version."""
    assert mobilenet.fingerprint == "656b64c78306f79d"
    assert squeezenet.fingerprint == "de0780a77eca3954"


def test_efficientnet_of_pypi(shared):
    try:
        teacher = load_teacher("pypi:efficientnet_lite0")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert (teacher.name, teacher.image_size) == ("efficientnet_lite0", 224)
    assert teacher.fingerprint == "b2cdfdc545e278aa"
    dogs = np.argmax(teacher(real_frames(shared, DOG, 1, 3, 5))[0], axis=-1)
    assert set(dogs) <= set(vision_material.IMAGENET_DOGS)
