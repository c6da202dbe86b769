"""What a map is made of: features, labels and places of clips, and the tables of it."""

import csv
import io
from dataclasses import replace

import av
import colour_teacher
import numpy as np
import pytest
import soundfile
import tuned_network
import written_shards
from PIL import Image
from pyarrow import parquet
from tuned_network import BLUE, GREEN, NAUGHTY, RATE, RED

import soundnet_tf
from soundnet_tf.data import folder as folders
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.visualization import map_files, map_page, map_sources, map_stage, sound_map
from soundnet_tf.visualization.settings import MapConfig


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher") / "colours.keras"
    return colour_teacher.write_colour_teacher(path, [RED, GREEN, BLUE])


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Six films of one tone and colour each, three and three; a sound; files that are no media."""
    folder = tmp_path_factory.mktemp("films")
    for i in range(6):
        tone, colour = ((500, RED), (1500, BLUE))[i % 2]
        tuned_network.write_film(folder / f"{i}.mkv", [tone] * 2, [colour] * 2, [0.3 + i / 20] * 2)
    soundfile.write(folder / f"{NAUGHTY}.wav", tuned_network.sound_of([2500]), RATE)
    silence = np.full(RATE, np.nan, np.float32)
    soundfile.write(folder / "nan.wav", silence, RATE, subtype="FLOAT")
    (folder / "empty.wav").write_bytes(b"")
    return folder


def config(out, model, **options):
    return MapConfig(str(out), model=model, layer="conv1", **options)


@pytest.fixture(scope="module")
def made(model, teacher, films, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "MAP"
    return map_stage.run(config(out, model, inputs=str(films), teacher=teacher), False), out


def test_features_are_those_of_extract(made, model, films):
    """The mean over time, of each file alone."""
    found, _ = made
    for clip, vector in zip(found.clips, found.sound.vectors, strict=True):
        path = films / clip.recording
        expected, _ = soundnet_tf.embed_file(str(path), "conv1", pooling="mean", model=model)
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


def test_clips_that_sound_alike_lie_together(made):
    """Each film's nearest is of its tone."""
    found, _ = made
    assert [clip.id for clip in found.clips] == [*(f"{i}.mkv" for i in range(6)), f"{NAUGHTY}.wav"]
    points = found.sound.points[:6]
    apart = np.linalg.norm(points[:, None] - points, axis=2) + np.diag(np.full(6, np.inf))
    assert [int(i) % 2 for i in apart.argmin(axis=1)] == [0, 1] * 3


def test_what_has_no_features_is_told(made):
    found, out = made
    assert [*found.skipped] == ["empty.wav", "nan.wav"]
    assert "float samples reach nan" in found.skipped["nan.wav"]
    text = map_stage.text(found, str(out), atlas=True)
    assert "2 skipped:\n  empty.wav: " in text and "\n  nan.wav: float" in text
    assert f"  embedding-atlas {out}/atlas.parquet --x x --y y" in text


def test_pictures_are_placed_by_the_layer_before_the_teachers_last(made, films):
    """Its mean over space, of the colours of the frames; the sound is not on that map."""
    found, _ = made
    assert found.pictures.clips.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.pictures.told == "the penultimate layer of colours"
    expected = [(RED, BLUE)[i % 2] for i in range(6)]
    np.testing.assert_allclose(found.pictures.vectors, expected, atol=3)


def test_without_labels_a_clip_has_its_most_probable_scene(made, model, films):
    found, _ = made
    assert found.is_own
    assert found.labels_are == "the scene that the network hears as most probable"
    for clip, label in zip(found.clips, found.labels, strict=True):
        heard = soundnet_tf.recognize_file(str(films / clip.recording), model)
        assert label == heard.top_overall("scenes", 1)[0][0]


def test_the_table_has_both_places(made):
    found, out = made
    with open(out / "map.csv", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["id"] for row in rows] == [clip.id for clip in found.clips]
    places = [[float(row["x"]), float(row["y"])] for row in rows]
    np.testing.assert_allclose(places, found.sound.points, rtol=1e-4, atol=1e-4)
    seen = [[float(row["picture_x"]), float(row["picture_y"])] for row in rows[:6]]
    np.testing.assert_allclose(seen, found.pictures.points, rtol=1e-4, atol=1e-4)
    assert (rows[6]["picture_x"], rows[6]["duration"]) == ("", "1.000")


def test_the_atlas_is_as_other_tools_want_it(made):
    """Numbers as numbers, vectors of fixed length, sounds and pictures as bytes with a name whose
    suffix tells their kind."""
    found, out = made
    table = parquet.read_table(out / "atlas.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    file = "struct<bytes: binary, path: string>"
    assert types == {
        **dict.fromkeys(["id", "recording", "label"], "string"),
        **dict.fromkeys(["start", "duration", "x", "y", "picture_x", "picture_y"], "double"),
        "vector": "fixed_size_list<element: float>[16]",
        **{"sound_start": "double", "sound": file, "frame": file},
    }
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [clip.id for clip in found.clips]
    np.testing.assert_array_equal([row["vector"] for row in rows], found.sound.vectors)
    np.testing.assert_array_equal([[row["x"], row["y"]] for row in rows], found.sound.points)
    assert rows[6]["frame"] is None and rows[6]["picture_x"] is None
    for row, tone in zip(rows, [*[500, 1500] * 3, 2500], strict=True):
        assert row["sound"]["path"].endswith(".mp3")
        assert strongest_hz(row["sound"]["bytes"]) == pytest.approx(tone, abs=5)
    for row, colour in zip(rows[:6], [RED, BLUE] * 3, strict=True):
        assert row["frame"]["path"].endswith(".jpg")
        picture = np.asarray(Image.open(io.BytesIO(row["frame"]["bytes"])))
        assert np.abs(picture.mean(axis=(0, 1)) - colour).max() < 8


def strongest_hz(mp3):
    with av.open(io.BytesIO(mp3)) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    return np.abs(np.fft.rfft(sound)).argmax() * RATE / sound.size


def test_sounds_in_the_atlas_are_the_clips(model, tmp_path):
    """What is in it is the clip's sound but for what MP3 loses, sample by sample."""
    draw = np.random.default_rng(0)
    smooth = np.convolve(draw.normal(size=4 * RATE), np.hanning(60) / 60, "same").astype(np.float32)
    soundfile.write(tmp_path / "one.wav", smooth, RATE, subtype="FLOAT")
    map_stage.run(config(tmp_path / "out", model, inputs=str(tmp_path / "one.wav")), False)
    (row,) = parquet.read_table(tmp_path / "out" / "atlas.parquet").to_pylist()
    with av.open(io.BytesIO(row["sound"]["bytes"])) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    count = min(heard.size, smooth.size)
    assert abs(heard.size - smooth.size) < 1200
    assert np.corrcoef(heard[:count], smooth[:count])[0, 1] > 0.98


def test_of_a_long_clip_the_middle_is_played(model, tmp_path):
    """Of 14 s those from 2 to 12: the tone of the first second is not in it, the second's is."""
    tones = [500, 500, *[1500] * 11, 500]
    soundfile.write(tmp_path / "long.wav", tuned_network.sound_of(tones), RATE)
    source = map_sources.WholeFiles({"long.wav": str(tmp_path / "long.wav")})
    clip = sound_map.Clip("long.wav", 0, 0.0, 14.0)
    excerpt = map_page._excerpt(source, clip)
    expected = tuned_network.sound_of(tones)[2 * RATE : 12 * RATE]
    assert excerpt.start_secs == 2.0
    np.testing.assert_allclose(excerpt.waveform, expected, atol=1e-3)


def table_of(folder, rows, name="table.csv"):
    with open(folder / name, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(folder / name)


def test_labels_come_from_a_set_or_from_a_column(model, films, tmp_path):
    """Which may lack some; neighbours are then asked of the others only."""
    labels = ["hum", "<b>whistle</b>", "hum", "<b>whistle</b>"]
    rows = [(str(films / f"{i}.mkv"), label, i // 2 + 1) for i, label in enumerate(labels)]
    known = table_of(tmp_path, [("path", "label", "fold"), *rows])
    by_set = map_stage.run(
        config(tmp_path / "a", model, inputs=str(films), labels=known, atlas=False), False
    )
    assert by_set.labels == (*labels, "", "", "")
    assert (by_set.labels_are, by_set.is_own) == ("their labels", False)
    assert by_set.sound.faithful.chance == pytest.approx(1 / 3)  # 2 of 6 pairs
    assert by_set.sound.faithful.features_agree == 1
    assert not (tmp_path / "a" / "atlas.parquet").exists()
    rows = [("path", "species"), *((path, label) for path, label, _ in rows)]
    table = table_of(tmp_path, rows, "species.csv")
    options = {"inputs": table, "label_column": "species", "atlas": False}
    by_column = map_stage.run(config(tmp_path / "b", model, **options), False)
    assert by_column.labels == tuple(labels) and by_column.labels_are == "their species"


def test_labels_of_other_files_are_refused(films):
    with pytest.raises(ValueError, match="none of 1 recordings has a label"):
        map_sources.WholeFiles({"0.mkv": str(films / "0.mkv")}, {str(films / "1.mkv"): "hum"})


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Six clips with two pictures each, one of them without any."""
    path = tmp_path_factory.mktemp("shards") / "SHARDS"
    jpegs = tuple(written_shards.jpeg_of(colour) for colour in (RED, BLUE))
    made = {}
    for i, name in enumerate(written_shards.NAMES):
        clips = [written_shards.clip(10 * i + k) for k in (0, 1)]
        made[f"{name}.tfrecord"] = [replace(clip, jpegs=jpegs) for clip in clips]
    empty = made["val-00000-of-00001.tfrecord"][1]
    seen = {h: replace(p, values=p.values[:0]) for h, p in empty.posteriors.items()}
    empty = replace(empty, jpegs=(), frame_secs=(), posteriors=seen)
    made["val-00000-of-00001.tfrecord"][1] = empty
    teachers = {"objects": CachedTeacher("a teacher", "f" * 16, written_shards.LABELS)}
    folders.write_folder(str(path), made, {"frame_every_secs": 0.25}, "films", teachers)
    return path


def test_clips_of_shards_are_placed_each_for_itself(model, shards, tmp_path):
    """By pictures, those that were labelled before: by the mean posteriors of their frames."""
    found = map_stage.run(config(tmp_path / "out", model, data=str(shards)), False)
    numbers = (0, 1, 10, 11, 20, 21)
    assert [clip.id for clip in found.clips] == [f"deep/ä {n}.mp4@1.500" for n in numbers]
    assert found.pictures.clips.tolist() == [0, 1, 2, 3, 4]
    assert found.pictures.told == "the posteriors of a teacher"
    posteriors = [written_shards.clip(n).posteriors["objects"].values for n in numbers[:5]]
    expected = np.mean(np.array(posteriors, np.float32), axis=1)
    np.testing.assert_allclose(found.pictures.vectors, expected, rtol=1e-3)
    rows = parquet.read_table(tmp_path / "out" / "atlas.parquet").to_pylist()
    assert [row["start"] for row in rows] == [1.5] * 6
    assert [row["sound_start"] for row in rows] == [1.5] * 6
    assert rows[5]["frame"] is None and rows[4]["frame"] is not None


def test_a_teacher_sees_the_frames_of_shards(model, shards, teacher):
    """A red and a blue one: the mean of both colours."""
    source = map_sources.MapShards(str(shards))
    found = sound_map.draw(source, model, "conv1", teacher, progress=False)
    expected = np.mean([RED, BLUE], axis=0)
    np.testing.assert_allclose(found.pictures.vectors, [expected] * 5, atol=3)


def test_pictures_that_cannot_be_read_are_told(model, films, teacher, monkeypatch):
    def broken(path, count):
        raise map_sources.multimodal.MediaError(f"{path}: broken")

    monkeypatch.setattr(map_sources.multimodal, "squares", broken)
    source = map_sources.WholeFiles({f"{i}.mkv": str(films / f"{i}.mkv") for i in range(3)})
    found = sound_map.draw(source, model, "conv1", teacher, progress=False)
    assert found.pictures is None and [*found.unseen] == ["0.mkv", "1.mkv", "2.mkv"]
    assert "3 not seen:\n  0.mkv: " in map_stage.text(found, "OUT", atlas=False)


def test_where_nothing_can_be_heard_nothing_is_written(model, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(ValueError, match=r"no recording could be heard \(empty\.wav: "):
        map_stage.run(config(tmp_path / "out", model, inputs=str(tmp_path)), False)
    assert not (tmp_path / "out").exists()


def test_features_that_are_not_finite_have_no_place(model, films):
    """As of a network of broken weights."""

    class Broken(map_sources.WholeFiles):
        def heard(self, ears, layer):
            for pieces in super().heard(ears, layer):
                pieces[0].heard.steps[layer].values[0, 0] = np.nan
                yield pieces

    source = Broken({f"{i}.mkv": str(films / f"{i}.mkv") for i in range(3)})
    found = sound_map.draw(source, model, "conv1", progress=False)
    assert found.skipped == {"0.mkv": "conv1 of it has numbers that are not finite"}
    assert [clip.recording for clip in found.clips] == ["1.mkv", "2.mkv"]


def test_an_atlas_is_whole_or_not_there(made, tmp_path):
    found, _ = made
    with pytest.raises(KeyboardInterrupt), map_files.new_atlas(str(tmp_path / "a"), found) as atlas:
        atlas.add(0, None, None, None)
        raise KeyboardInterrupt
    assert not [*tmp_path.iterdir()]


def test_a_page_is_not_there_while_its_run_goes_on(model, films, tmp_path, monkeypatch):
    """Nor is the atlas of an earlier run, when the table has changed. The same run gives the same
    files."""
    wanted = config(tmp_path, model, inputs=str(films / "0.mkv"))
    map_stage.run(wanted, False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["atlas.parquet", "index.html", "map.csv"]

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(map_page, "content", stopped)
    with pytest.raises(KeyboardInterrupt):
        map_stage.run(wanted, False)
    assert [path.name for path in tmp_path.iterdir()] == ["map.csv"]
    monkeypatch.undo()
    map_stage.run(wanted, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either recordings"),
        ({"inputs": "I", "data": "D"}, "give either recordings"),
        ({"labels": "L", "label_column": "c"}, "label_column is 'c', which is of a table"),
        ({"inputs": "I", "labels": "L", "label_column": "c"}, "leave --labels out"),
        ({"inputs": "I", "playable": -1}, "playable is -1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MapConfig("OUT", **options)


def test_without_pyarrow_it_is_said_how_to_go_on(monkeypatch, films, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("soundnet_tf.visualization.settings.check_student", lambda model: None)
    monkeypatch.setattr("soundnet_tf.visualization.settings.check_layers", lambda *args: None)
    wanted = MapConfig(str(tmp_path / "out"), inputs=str(films))
    with pytest.raises(ImportError, match=r"soundnet-tf\[parquet\]'.*--noatlas"):
        wanted.check_inputs()
