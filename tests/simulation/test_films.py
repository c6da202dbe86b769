"""Films of labelled sounds: who is joined with whom, and the prepared folder that they make."""

import collections
import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from labelled_shards import clips_in, contents
from tone_manifest import write_tones
from toy_sets import toy_set

from soundnet_tf.data import records, sources
from soundnet_tf.media import read_audio
from soundnet_tf.simulation import films, posteriors, prepare, teachers
from soundnet_tf.sounds import labelled_set


def test_no_recording_is_in_both_splits_and_each_is_in_as_many_films():
    """Of each class 6 in folds 1 to 3 and 2 in fold 4: two films of four a round, of which the
    second has two of the first's again; the held-out ones are in one film, twice each."""
    data = toy_set(folds=("1", "2", "3", "4"), per_fold=(2, 2))
    found = films.joined(data)
    assert len(found) == 2 * (4 * 2 + 1) and len({film.id for film in found}) == len(found)
    assert [film.number for film in found] == [*range(len(found))]
    counts = {"train": collections.Counter(), "val": collections.Counter()}
    for film in found:
        assert {clip.label for clip in film.recordings} == {data.classes[film.kind]}
        assert len(film.recordings) == 4
        counts[film.split].update(clip.path for clip in film.recordings)
    assert not counts["train"].keys() & counts["val"].keys()
    assert counts["train"].keys() == {c.path for c in data.clips if c.fold != "4"}
    assert counts["val"].keys() == {c.path for c in data.clips if c.fold == "4"}
    assert set(counts["val"].values()) == {2}
    assert min(counts["train"].values()) >= 4 and sum(counts["train"].values()) == 2 * 4 * 8


def test_rounds_join_others_and_a_seed_gives_the_same_again():
    data = toy_set(folds=("1", "2"), per_fold=(8, 8))
    found = films.joined(data, 3)
    assert films.joined(data, 3) == found and films.joined(data, 4) != found
    together = [frozenset(c.path for c in f.recordings) for f in found if f.split == "train"]
    assert len(set(together)) == len(together)


def test_a_class_that_is_in_one_split_only_is_refused():
    data = toy_set(folds=("1", "2", "3"))
    without = tuple(c for c in data.clips if (c.label, c.fold) != ("b", "3"))
    with pytest.raises(ValueError, match="no recording of b in fold 3, the last"):
        films.joined(dataclasses.replace(data, clips=without))
    only = tuple(c for c in data.clips if c.label != "b" or c.fold == "3")
    broken = object.__new__(labelled_set.LabelledSet)
    vars(broken).update(name="toy", classes=data.classes, clips=only)
    with pytest.raises(ValueError, match="no recording of b outside of fold 3"):
        films.joined(broken)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return labelled_set.from_manifest(write_tones(tmp_path_factory.mktemp("tones"), folds=3))


@pytest.fixture(scope="module", params=[teachers.NOISY, teachers.EXACT])
def made(request, data, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "P"
    prepare.prepare(data, request.param, str(out), progress=False)
    return request.param, out


def test_a_folder_holds_the_films_with_what_the_teacher_says(made, data):
    """Sound is within half a step of 16 bits; posteriors are the teacher's, rounded to float16."""
    teacher, out = made
    clips = clips_in(out)
    expected = {f"{film.id}@0.000": film for film in films.joined(data)}
    assert clips.keys() == expected.keys()
    seers = teachers.make(teacher, 2)
    for id, film in expected.items():
        clip = clips[id]
        sound = np.concatenate(
            [np.resize(read_audio(recording.path), 110_250) for recording in film.recordings]
        )
        stored = np.frombuffer(clip.audio, "<i2") / 32768
        np.testing.assert_allclose(stored, sound, atol=1.01 / 65536)
        assert clip.frame_secs == tuple(map(float, range(20))) and clip.sample_count == 441_000
        for head, seer in seers.items():
            said = seer.posteriors(film.kind, film.number, 20).astype(np.float16)
            np.testing.assert_array_equal(clip.posteriors[head].values, said)


def test_training_takes_the_folder_as_it_is(made, data):
    """12 recordings of which 8 are to learn from: 2 films a round and kind; grey pictures."""
    _, out = made
    training, validation = sources.from_prepared(str(out))
    assert (training.count, validation.count) == (2 * 4 * 2, 2)
    assert training.teachers == validation.teachers
    assert {h: t.classes for h, t in training.teachers.items()} == {"objects": 1000, "scenes": 401}
    parsed = records.parse(
        next(iter(training.read(tf.constant([0], tf.int64), False))), training.teachers
    )
    np.testing.assert_allclose(tf.reduce_sum(parsed["posteriors/scenes"], axis=1), 1, atol=2e-3)
    square = records.decode_square(parsed["jpegs"][0])
    assert abs(int(square.numpy().min()) - 128) <= 1 and np.ptp(square.numpy()) == 0


def test_the_same_set_gives_the_same_bytes_and_is_made_once(made, data, tmp_path):
    teacher, out = made
    before = contents(out)
    prepare.prepare(data, teacher, str(out), progress=False)
    assert contents(out) == before
    stamps = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    again = tmp_path / "again"
    prepare.prepare(data, teacher, str(again), progress=False)
    assert contents(again) == before
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == stamps
    fewer = dataclasses.replace(data, clips=data.clips[:-1])
    prepare.prepare(fewer, teacher, str(again), progress=False)
    assert contents(again) != before


def test_what_the_held_out_films_show_can_be_told_from_the_kinds(data, tmp_path):
    """The kind's own mean is nearer to a held-out film than the mean of all: there is something to
    learn. With 40 kinds of 1000 classes."""
    seer = teachers.make(teachers.NOISY, 40)["objects"]
    learned = np.array([[seer.posteriors(k, f, 4).mean(0) for f in range(20)] for k in range(40)])
    of_kind, of_all = learned.mean(axis=1), learned.mean(axis=(0, 1))
    held_out = np.array([seer.posteriors(kind, 100, 4).mean(axis=0) for kind in range(40)])
    gain = posteriors.kl(held_out, of_all) - posteriors.kl(held_out, of_kind)
    assert gain.mean() > 0.3
