"""Whether what is heard fits what is seen: ranks among the pictures of other videos."""

from types import SimpleNamespace

import numpy as np
import pytest

from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.inspection import match
from soundnet_tf.inspection.settings import InspectConfig

CLASSES = 8


def posteriors(classes, certainty):
    """float32 [clips, CLASSES]: each clip is of one class, by so much more than of others."""
    odds = np.ones((len(classes), CLASSES))
    odds[np.arange(len(classes)), classes] = certainty
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def test_a_clip_that_sounds_like_what_it_shows_has_rank_0():
    """40 clips of 8 classes; what is equal fits no better. The last clip shows class 0 and sounds
    like class 7: the pictures of the 4 other clips of class 7 fit better, none of the others'."""
    classes = np.arange(40) % CLASSES
    seen, heard = classes.copy(), classes.copy()
    seen[-1] = 0
    ranks = match.match_ranks(
        {"objects": posteriors(heard, 5)}, {"objects": posteriors(seen, 9)}, np.arange(40)
    )
    assert (ranks[:-1] == 0).all()
    assert ranks[-1] == pytest.approx(4 / 39)


def test_a_class_that_is_always_heard_counts_for_nothing():
    """The student says class 3 of everything, and a little of what there is: all are at rank 0."""
    classes = np.arange(40) % CLASSES
    heard = posteriors(classes, 1.2)
    heard[:, 3] *= 50
    heard /= heard.sum(axis=1, keepdims=True)
    ranks = match.match_ranks(
        {"objects": heard}, {"objects": posteriors(classes, 9)}, np.arange(40)
    )
    assert ranks.max() < 0.2


def test_clips_of_the_same_video_are_not_compared():
    """Videos of two clips that sound like each other: without the other clip, rank 0."""
    seen = np.arange(60) % CLASSES
    heard = seen.copy()
    heard[0], videos = seen[1], np.arange(60) // 2
    heard_only_here = np.array(seen)
    heard_only_here[2:] = np.where(seen[2:] == seen[1], 5, seen[2:])
    ranks = match.match_ranks(
        {"objects": posteriors(heard, 5)}, {"objects": posteriors(heard_only_here, 9)}, videos
    )
    assert ranks[0] == 0


def test_without_relation_ranks_are_chance():
    draw = np.random.default_rng(0)
    heard = {"objects": draw.dirichlet(np.ones(CLASSES), 300)}
    seen = {"objects": draw.dirichlet(np.ones(CLASSES), 300)}
    ranks = match.match_ranks(heard, seen, np.arange(300))
    assert ranks.mean() == pytest.approx(0.5, abs=0.05)


def test_too_few_clips_tell_nothing():
    few = {"objects": posteriors(np.arange(20) % CLASSES, 5)}
    assert match.match_ranks(few, few, np.arange(20)) is None
    assert match.match_ranks(few, few, np.zeros(20, int)) is None
    nothing = {"objects": np.zeros((0, CLASSES))}
    assert match.match_ranks(nothing, nothing, np.zeros(0, int)) is None


def test_classes_are_found_by_their_names():
    """Of a name that stands twice the first counts, as in ImageNet's two cranes."""
    student, teacher = match._shared(["a", "b", "crane", "crane"], ["crane", "x", "b", "crane"])
    assert [(s, t) for s, t in zip(student.tolist(), teacher.tolist(), strict=True)] == [
        (1, 2),
        (2, 0),
    ]


def test_what_is_heard_and_seen_is_of_the_same_classes(monkeypatch):
    """The student knows a, b and c, the teacher x, c and a: of each clip two are left, means over
    time, in one order."""
    teacher = CachedTeacher("eyes", "0123456789abcdef", ("x", "c", "a"))
    seen = np.float32([[0.5, 0.125, 0.375], [0.25, 0.25, 0.5]])
    clip = {"waveform": 0, "posteriors/objects": seen, "video_id": b"V", "start_secs": 0.0}
    heard = SimpleNamespace(values=np.float32([[0.75, 0.25, 0.0], [0.25, 0.25, 0.5]]))
    ears = SimpleNamespace(
        labels={"objects": ("a", "b", "c")},
        hear=lambda *_: [SimpleNamespace(steps={"objects": heard})],
    )
    shard = SimpleNamespace(clips=1, name="train-00000-of-00001.tfrecord")
    known = SimpleNamespace(splits={"train": SimpleNamespace(shards=[shard])}, settings={})
    monkeypatch.setattr(match, "load_manifest", lambda data: known)
    monkeypatch.setattr(match.cached, "teachers_of", lambda *_: {"objects": teacher})
    monkeypatch.setattr(match.listener, "load", lambda model: ears)
    monkeypatch.setattr(match, "_clips", lambda *_: iter([clip]))
    config = InspectConfig(out="OUT", data="SHARDS", model="published")
    found_heard, found_seen, _ = match._answers(config, progress=False)
    np.testing.assert_array_equal(found_heard["objects"], [[0.5, 0.25]])  # a, c
    np.testing.assert_array_equal(found_seen["objects"], [[0.4375, 0.1875]])
