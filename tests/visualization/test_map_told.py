"""What a map tells of clips: pictures, place, neighbours and label of each; and its figures."""

import csv
import io
from dataclasses import replace
from types import SimpleNamespace

import colour_teacher
import numpy as np
import pytest
import soundfile
import tuned_network
import written_shards
from tuned_network import BLUE, GREEN, RATE, RED

from soundnet_tf.data import folder as folders
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.serving.stream import Steps
from soundnet_tf.visualization import (
    map_files,
    map_page,
    map_sources,
    map_stage,
    placing,
    sound_map,
)
from soundnet_tf.visualization.settings import MapConfig
from soundnet_tf.visualization.sound_map import Clip, Placed, SoundMap


class Silent:
    """A source that nothing can be read of."""

    def excerpt(self, *at):
        raise OSError("it is gone")

    def link(self, recording, folder):
        return None


def a_map(points, vectors, secs=1.0):
    clips = tuple(Clip(f"{i}.wav", 0, 0.0, secs) for i in range(len(points)))
    trust = placing.Faithfulness(2, 0.9, 4, 0.8, 0.7, 0.2)
    trust = placing.Faithfulness(2, 0.9, 4, 0.8, 0.7, 0.2)
    placed = Placed(
        "pool5",
        np.arange(len(clips)),
        np.array(vectors, np.float32),
        np.array(points, np.float32),
        trust,
    )
    labels = ("",) * len(clips)
    return SoundMap("M", "pool5", clips, labels, "none", False, placed, None, {}, {})


def content(found):
    return map_page.content(found, Silent(), ".", 0, progress=False)


def test_pictures_are_those_of_their_clips(model, tmp_path):
    """The first clip has none; the two behind it are red and blue."""
    soundfile.write(tmp_path / "a.wav", tuned_network.sound_of([500]), RATE)
    for name, colour in (("b.mkv", RED), ("c.mkv", BLUE)):
        tuned_network.write_film(tmp_path / name, [500], [colour])
    paths = {name: str(tmp_path / name) for name in ("a.wav", "b.mkv", "c.mkv")}
    teacher = colour_teacher.write_colour_teacher(tmp_path / "t.keras", [RED, GREEN, BLUE])
    source = map_sources.WholeFiles(paths)
    found = sound_map.draw(source, model, "conv1", teacher, progress=False)
    assert found.pictures.clips.tolist() == [1, 2]
    np.testing.assert_allclose(found.pictures.vectors, [RED, BLUE], atol=3)
    first, *rows = csv.DictReader(io.StringIO(map_files.as_table(found)))
    assert first["picture_x"] == first["picture_y"] == ""
    places = [[float(row["picture_x"]), float(row["picture_y"])] for row in rows]
    np.testing.assert_allclose(places, found.pictures.points, rtol=1e-4)
    assert not np.array_equal(*places)


def test_neighbours_are_those_by_sound_not_on_the_map():
    """Features pair 0 with 1 and 2 with 3; the map, which errs, 0 with 2 and 1 with 3."""
    found = a_map([(0, 0), (9, 0), (0, 1), (9, 1)], [[0], [1], [100], [121]])
    assert [near[0] for near in content(found)["data"]["near"]] == [1, 0, 3, 2]


def test_a_map_keeps_its_proportions():
    """Four times as wide as high: within the square its height is a quarter, in the middle."""
    (drawn,) = content(a_map([(0, 0), (4, 1), (2, 0)], [[0], [1], [2]]))["data"]["maps"]
    assert drawn["x"] == [0, 1, 0.5]
    assert drawn["y"] == [0.375, 0.625, 0.375]


def test_figures_of_trust_stand_in_their_columns():
    """By features 80 % agree, on the map 70 %, by chance 20 %. Four clips of 90 s are 6 minutes."""
    found = a_map([(0, 0), (1, 0), (0, 1), (1, 1)], [[0], [1], [2], [3]], 90.0)
    page = map_page.page(content(found))
    cells = [f'<td class="number">{text}</td>' for text in ("0.900", "80.0", "70.0", "20.0")]
    assert f'<th scope="row">By sound</th>{"".join(cells)}' in page
    heads = ("trustworthiness", "by features", "on the map", "shuffled")
    at = [page.index(head, page.index("<thead>")) for head in heads]
    assert at == sorted(at)
    assert "4 clips (6.0 minutes)" in page
    assert (
        "trustworthiness 0.900; of the 2 nearest 80.0 % have the same label by their features, "
        "70.0 % on the map, 20.0 % by chance"
    ) in map_stage.text(found, "OUT", atlas=False)


def test_a_clips_own_label_is_of_all_its_steps():
    """Most probable in the mean is what the first step hardly hears."""
    ears = SimpleNamespace(labels={"objects": ("x",), "scenes": ("street", "café")})
    steps = Steps(np.float32([[0.6, 0.4], [0.1, 0.9]]), np.array([5.0, 8.0]))
    piece = SimpleNamespace(recording="a", number=0, heard=SimpleNamespace(steps={"scenes": steps}))
    source = SimpleNamespace(labels={}, pieces=1, heard=lambda ears, head: [[piece]])
    labels, told = sound_map._labels(source, ears, [Clip("a", 0, 0.0, 20.0)], progress=False)
    assert labels == ["café"]
    assert told == "the scene that the network hears as most probable"


def test_a_teacher_sees_a_clip_from_its_beginning_to_its_end(tmp_path):
    """Of 20 frames the middle ones of 8 equal parts, of 2.5 frames each; frame k is grey 10 k."""
    clip = written_shards.clip(0)
    posteriors = {
        head: replace(of, values=np.repeat(of.values, 10, axis=0))
        for head, of in clip.posteriors.items()
    }
    clip = replace(
        clip,
        jpegs=tuple(written_shards.jpeg_of((10 * k,) * 3) for k in range(20)),
        frame_secs=tuple(0.1 * k for k in range(20)),
        posteriors=posteriors,
    )
    shards = {"train-00000-of-00001.tfrecord": [clip], "val-00000-of-00001.tfrecord": [clip]}
    teachers = {"objects": CachedTeacher("a teacher", "f" * 16, written_shards.LABELS)}
    folders.write_folder(str(tmp_path), shards, {"frame_every_secs": 0.1}, "films", teachers)
    squares = map_sources.MapShards(str(tmp_path)).squares(clip.video_id, 0, 8)
    greys = squares.reshape(8, -1).mean(axis=1) / 10
    np.testing.assert_allclose(greys, [1, 3, 6, 8, 11, 13, 16, 18], atol=0.2)


@pytest.mark.parametrize(("playable", "count"), [(2, 2), (0, 0), (9, 3)])
def test_the_page_holds_as_many_sounds_as_was_asked(model, tmp_path, playable, count):
    (tmp_path / "in").mkdir()
    for i in range(3):
        soundfile.write(tmp_path / "in" / f"{i}.wav", tuned_network.sound_of([500 + 500 * i]), RATE)
    config = MapConfig(
        str(tmp_path / "out"),
        inputs=str(tmp_path / "in"),
        model=model,
        layer="conv1",
        playable=playable,
        atlas=False,
    )
    map_stage.run(config, progress=False)
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert page.count("data:audio/mpeg") == count
