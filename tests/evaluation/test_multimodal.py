"""Sound and vision on films of one colour and one tone, told apart by one of them or by both."""

import itertools

import colour_teacher
import numpy as np
import pytest
import small_vision
import synthetic_media
from tone_films import BLUE, RED, write_film

from soundnet_tf.evaluation import multimodal
from soundnet_tf.media import MediaError
from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving import embed
from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet

PALETTE = (RED, BLUE)
LAYER = "pool2"  # early enough for random weights to tell a low tone from a high one
LOW, HIGH = 250, 3500  # Hz


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A SoundNet-8 with random weights, as training leaves it."""
    folder = str(tmp_path_factory.mktemp("model"))
    labels = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "cafe")}
    checkpoint.save_student(folder, student.SoundNet8(object_classes=3, scene_classes=2), labels)
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Its penultimate features are a frame's mean colour."""
    return colour_teacher.write_colour_teacher(
        tmp_path_factory.mktemp("teacher") / "colours.keras", PALETTE
    )


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Clips of each tone in each colour in each of three folds, which differ a little:
    (tone, colour, fold) to path."""
    folder = tmp_path_factory.mktemp("films")
    return {
        (hz, colour, fold): write_film(
            folder / f"{hz}-{colour[0]}-{fold}.mkv", np.array(colour) + 5 * fold, hz + 20 * fold
        )
        for hz, colour, fold in itertools.product((LOW, HIGH), PALETTE, (1, 2, 3))
    }


def labelled(films, label):
    clips = [LabelledClip(str(path), label(*key[:2]), str(key[2])) for key, path in films.items()]
    return LabelledSet("films", tuple(sorted({clip.label for clip in clips})), tuple(clips))


LABELS = {
    "sound": lambda hz, colour: "low" if hz == LOW else "high",
    "vision": lambda hz, colour: "red" if colour == RED else "blue",
    "both": lambda hz, colour: f"{hz} {colour[0]}",
}


@pytest.mark.parametrize(
    ("told_by", "expected"),
    [
        ("sound", {"sound": 1.0, "vision": 0.5, "both": 1.0}),
        ("vision", {"sound": 0.5, "vision": 1.0, "both": 1.0}),
        ("both", {"sound": 0.5, "vision": 0.5, "both": 1.0}),
    ],
)
def test_what_tells_the_classes(films, model, teacher, told_by, expected):
    """Films of one colour (or tone) look (or sound) the same in two classes, so that exactly one of
    each such pair is right: 0.5."""
    data = labelled(films, LABELS[told_by])
    result = multimodal.evaluate(data, model, teacher, LAYER, frames=2, progress=False)
    found = {name: outcome["accuracy_mean"] for name, outcome in result["modalities"].items()}
    assert found == expected
    assert result["chance"] == (0.25 if told_by == "both" else 0.5)
    assert {key: result[key] for key in ("dataset", "videos", "layer", "frames", "model")} == {
        "dataset": "films",
        "videos": 12,
        "layer": LAYER,
        "frames": 2,
        "model": model,
    }
    assert result["teacher"] == teacher and result["classes"] == list(data.classes)
    for outcome in result["modalities"].values():
        assert list(outcome["per_fold"]) == ["1", "2", "3"]
        np.testing.assert_array_equal(np.sum(outcome["confusion"], axis=1), 12 / len(data.classes))


@pytest.fixture
def features_of(monkeypatch):
    """`evaluate` that gives the features of each modality instead of what they are worth."""
    monkeypatch.setattr(multimodal, "cross_validate", lambda data, features, *_: features)
    return lambda *args, **options: multimodal.evaluate(*args, **options, progress=False)


def test_sound_is_the_mean_of_the_layer(films, model, teacher, features_of):
    data = labelled(films, LABELS["sound"])
    features = features_of(data, model, teacher, LAYER)["modalities"]
    expected = [embed.embed_file(clip.path, LAYER, "mean", model)[0] for clip in data.clips]
    assert features["sound"].shape == (12, 32) and np.std(expected) > 0
    np.testing.assert_allclose(features["sound"], expected, rtol=1e-5)
    both = np.concatenate([features["sound"], features["vision"]], axis=1)
    np.testing.assert_array_equal(features["both"], both)


def test_vision_is_the_mean_of_frames_from_the_middles_of_equal_parts(
    films, tmp_path, model, teacher, features_of
):
    """Parts of 2 s of a film of 8 s have their middles where seconds 1, 3, 5 and 7 begin."""
    path = synthetic_media.write_clock_video(tmp_path / "clock.mkv", 8, 10, 64, 64)
    data = labelled({**films, (LOW, RED, 1): path}, LABELS["sound"])
    features = features_of(data, model, teacher, frames=4, modalities=["vision"])["modalities"]
    colours = [synthetic_media.colour_of_second(second) for second in (1, 3, 5, 7)]
    index = [clip.path for clip in data.clips].index(str(path))
    np.testing.assert_allclose(features["vision"][index], np.mean(colours, axis=0), atol=4)
    others = np.delete(features["vision"], index, axis=0)
    truth = np.delete([np.array(key[1]) + 5 * key[2] for key in films], index, axis=0)
    np.testing.assert_allclose(others, truth, atol=0.01)


def test_frames_are_cut_to_the_centre_square(films, tmp_path, model, teacher, features_of):
    """A wide film that is red in its middle third and black beside it is red."""
    path = tmp_path / "wide.mkv"
    picture = np.pad(np.full((64, 64, 3), RED), [(0, 0), (64, 64), (0, 0)])
    write_film(path, picture, LOW, size=(192, 64))
    data = labelled({**films, (LOW, RED, 1): path}, LABELS["sound"])
    features = features_of(data, model, teacher, modalities=["vision"])["modalities"]["vision"]
    index = [clip.path for clip in data.clips].index(str(path))
    np.testing.assert_allclose(features[index], RED, atol=1)


def test_what_is_not_needed_is_not_loaded(films, model, teacher):
    data = labelled(films, LABELS["both"])
    sound = multimodal.evaluate(data, model, "none", LAYER, modalities=["sound"], progress=False)
    assert sound["modalities"]["sound"]["accuracy_mean"] == 0.5
    vision = multimodal.evaluate(data, "none", teacher, modalities=["vision"], progress=False)
    assert vision["modalities"]["vision"]["accuracy_mean"] == 0.5
    assert (list(sound["modalities"]), list(vision["modalities"])) == (["sound"], ["vision"])


def test_chance_is_the_most_frequent_class_of_those_tested(films, model, teacher):
    """2 of 3 films are low in the test fold, 6 of 11 in all."""
    split = {1: "train", 2: "train", 3: "test"}
    clips = labelled(films, LABELS["sound"]).clips[:-1]
    clips = tuple(LabelledClip(c.path, c.label, split[int(c.fold)]) for c in clips)
    data = LabelledSet("unbalanced", ("high", "low"), clips)
    result = multimodal.evaluate(data, model, teacher, modalities=["vision"], progress=False)
    assert result["chance"] == pytest.approx(2 / 3)
    assert np.sum(result["modalities"]["vision"]["confusion"]) == 3


@pytest.mark.parametrize("modalities", [["sound", "smell"], []])
def test_unknown_modalities(films, model, teacher, modalities):
    data = labelled(films, LABELS["sound"])
    with pytest.raises(ValueError, match=r"modalities=\[.*\]; choose some of sound, vision, both"):
        multimodal.evaluate(data, model, teacher, modalities=modalities)


def test_no_frames(films, model, teacher):
    with pytest.raises(ValueError, match="frames is 0; the teacher needs one or more"):
        multimodal.evaluate(labelled(films, LABELS["sound"]), model, teacher, frames=0)


def test_an_unknown_layer(films, model, teacher):
    with pytest.raises(ValueError, match="no endpoint conv9"):
        multimodal.evaluate(labelled(films, LABELS["sound"]), model, teacher, "conv9")


def test_a_teacher_without_layers(films, model, tmp_path):
    small_vision.small_network().export(tmp_path / "saved", verbose=False)
    data = labelled(films, LABELS["sound"])
    with pytest.raises(ValueError, match="^file:.*saved does not show its layers"):
        multimodal.evaluate(
            data, model, f"file:{tmp_path / 'saved'}", modalities=["vision"], progress=False
        )


@pytest.mark.parametrize("modality", ["sound", "vision"])
def test_videos_that_cannot_be_read_are_named(films, model, teacher, tmp_path, modality):
    path = tmp_path / "damaged.mkv"
    path.write_bytes(b"no film")
    data = labelled({**films, (HIGH, RED, 2): path}, LABELS["sound"])
    with pytest.raises(MediaError, match=r"damaged\.mkv"):
        multimodal.evaluate(data, model, teacher, LAYER, modalities=[modality], progress=False)


def test_a_video_whose_picture_ends_too_early(films, model, teacher, tmp_path):
    path = write_film(tmp_path / "brief.mkv", RED, LOW, seconds=4.0, picture_secs=0.5)
    data = labelled({**films, (LOW, RED, 1): path}, LABELS["sound"])
    with pytest.raises(MediaError, match=r"brief\.mkv: no picture after 2\.0\d\d s; leave it out"):
        multimodal.evaluate(data, model, teacher, frames=1, modalities=["vision"], progress=False)
