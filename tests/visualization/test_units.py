"""What excites units, of networks and recordings of which it is known."""

import csv

import numpy as np
import pytest
import soundfile
import tuned_network
import written_shards
from lively import lively

from soundnet_tf.data import codecs, folder
from soundnet_tf.data.cached import CachedTeacher
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.files.find import find_media
from soundnet_tf.models import checkpoint, student
from soundnet_tf.models.architecture import SOUNDNET8
from soundnet_tf.serving import listener
from soundnet_tf.serving.extraction import many_files
from soundnet_tf.sounds import labelled_set
from soundnet_tf.visualization import prepared, recordings, units

RATE = tuned_network.RATE
HZ = (500, 1500, 2500, 4000)  # of units 0 to 3; 64 taps tell apart what differs by 700 Hz
COLOURS = {500: (220, 40, 40), 1500: (40, 220, 40), 2500: (40, 40, 220), 4000: (220, 220, 40)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tuned_network.save(tmp_path_factory.mktemp("tuned"), HZ)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Each has every tone, in seconds and of a loudness of its own: film i is loudest in HZ[i]."""
    folder = tmp_path_factory.mktemp("films")
    for i in range(3):
        seconds = np.roll(HZ, i).tolist()
        loudness = [0.9 if hz == HZ[i] else 0.2 + 0.1 * i for hz in seconds]
        colours = [COLOURS[hz] for hz in seconds]
        tuned_network.write_film(folder / f"film{i}.mkv", seconds, colours, loudness)
    return folder


def second_of(film, hz):
    return np.roll(HZ, film).tolist().index(hz)


def test_a_unit_is_excited_by_its_tone_where_that_is_loudest(model, films):
    """A tone swells to the middle of its second, as sin², which 0.02 s from there has lost 0.4 %:
    what a step sees of the wave decides within that (it looks every 2 samples). Its loudness says
    which film comes first, and the units without a kernel are never excited."""
    source = recordings.Files(find_media(str(films)))
    found = units.find(source, model, "conv1", top=2, progress=False)
    assert [unit.number for unit in found.excited] == [0, 1, 2, 3]
    assert len(found.units) == 16 and found.recordings == 3 and not found.skipped
    assert found.heard_secs == pytest.approx(12)
    for unit, hz in enumerate(HZ):
        loudness = [0.9 if unit == i else 0.2 + 0.1 * i for i in range(3)]
        expected = sorted(range(3), key=lambda i: -loudness[i])[:2]
        moments = found.units[unit].moments
        assert [moment.recording for moment in moments] == [f"film{i}.mkv" for i in expected]
        for film, moment in zip(expected, moments, strict=True):
            assert abs(moment.secs - second_of(film, hz) - 0.5) < 0.02
        ratio = moments[0].value / moments[1].value
        assert ratio == pytest.approx(loudness[expected[0]] / loudness[expected[1]], rel=0.02)


def test_of_some_units_those_alone_are_told(model, films):
    source = recordings.Files(find_media(str(films)))
    found = units.find(source, model, "conv1", [1, 9], top=1, progress=False)
    assert [(unit.number, len(unit.moments)) for unit in found.units] == [(1, 1), (9, 0)]
    with pytest.raises(ValueError, match="no unit 16, 99 in conv1 of .*; it has 0 to 15"):
        units.find(source, model, "conv1", [16, 3, 99], progress=False)
    with pytest.raises(ValueError, match="no layer objects in this network; choose of conv1"):
        units.find(source, model, "objects", progress=False)


def test_a_moment_is_heard_and_seen_again(model, films):
    """The sound around it is the film's own, the frame has the colour of its second."""
    source = recordings.Files(find_media(str(films)))
    found = units.find(source, model, "conv1", top=3, progress=False)
    for unit, hz in enumerate(HZ):
        for moment in found.units[unit].moments:
            excerpt = source.excerpt(moment.recording, moment.piece, moment.secs, 0.5)
            assert excerpt.start_secs == pytest.approx(moment.secs - 0.25)
            assert excerpt.waveform.size == RATE // 2
            spectrum = np.abs(np.fft.rfft(excerpt.waveform))
            assert abs(2 * spectrum.argmax() - hz) <= 4  # bins of 2 Hz, and the swelling
            colour = excerpt.frame.reshape(-1, 3).mean(axis=0)
            assert np.abs(colour - COLOURS[hz]).max() < 6
            assert excerpt.frame.shape[0] == recordings.FRAME_SHORT_SIDE


def test_at_the_beginning_the_excerpt_begins_with_the_film(films):
    source = recordings.Files(find_media(str(films)))
    for secs in (0.0, 0.1):
        excerpt = source.excerpt("film0.mkv", 0, secs, 1.0)
        assert excerpt.start_secs == 0 and excerpt.waveform.size == RATE
        assert np.abs(excerpt.frame.reshape(-1, 3).mean(axis=0) - COLOURS[500]).max() < 6


@pytest.fixture(scope="module")
def lively_model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("lively"))
    network = lively(student.SoundNet8(object_classes=3, scene_classes=2))
    checkpoint.save_student(folder, network, tuned_network.LABELS)
    return folder


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    """Of many lengths: one is shorter than conv7 needs, one than its hop, one comes in pieces."""
    folder = tmp_path_factory.mktemp("noises")
    lengths = [100, 9_000, 40_000, 70_000, 110_250, 150_000, 441_000, 500_001]
    for number, length in enumerate([*lengths, 2 * listener.PIECE_SAMPLES + 70_001]):
        rng = np.random.default_rng(number)
        swell = np.interp(np.arange(length), np.linspace(0, length, 9), rng.uniform(0, 0.9, 9))
        soundfile.write(folder / f"{number}.wav", swell * rng.uniform(-1, 1, length), RATE)
    return folder


@pytest.mark.parametrize("layer", ["pool2", "conv6", "conv7"])
def test_the_top_is_that_of_all_steps_of_all_recordings(lively_model, noises, layer, monkeypatch):
    """Brute force: each recording whole through the network, its steps inside the sound, without
    conv7's last one; sorted. A few files are heard together, the last one in pieces."""
    monkeypatch.setattr(many_files, "GROUP_FILES", 3)
    paths = find_media(str(noises))
    found = units.find(recordings.Files(paths), lively_model, layer, top=4, progress=False)
    network = listener.load(lively_model).network
    best, secs = [], []
    for path in paths.values():
        sound, _ = soundfile.read(path, dtype="float32")
        heard = listener.load(lively_model).hear([sound], [layer])[0].steps[layer]
        if sound.size >= SOUNDNET8.endpoints[layer].minimum_samples:
            whole = network(sound[None], endpoints=[layer])[layer].numpy()[0]
            np.testing.assert_allclose(heard.values, whole, rtol=1e-3, atol=1e-4)
        values, at = heard.values, heard.secs
        if layer == "conv7" and len(at) > 1:
            values, at = values[:-1], at[:-1]
        is_inside = (at >= 0) & (at <= sound.size / RATE)
        if is_inside.any():
            values, at = values[is_inside], at[is_inside]
        best.append(values.max(axis=0))
        secs.append(np.clip(at[values.argmax(axis=0)], 0, sound.size / RATE))
    best, secs, names = np.array(best), np.array(secs), [*paths]
    for unit in found.units:
        of = best[:, unit.number]
        order = [i for i in np.argsort(-of, kind="stable")[:4] if of[i] > 0]
        np.testing.assert_allclose([m.value for m in unit.moments], of[order], rtol=2e-3, atol=1e-4)
        gaps = np.diff(np.sort(of))
        if (gaps > 0.01).all():  # no two that rounding could exchange
            assert [m.recording for m in unit.moments] == [names[i] for i in order]
    top = found.units[int(best.max(axis=0).argmax())]
    assert top.moments[0].secs == pytest.approx(secs[best.argmax(axis=0)[top.number], top.number])


def test_of_a_long_recording_no_more_is_kept_than_a_step_a_unit(lively_model, noises):
    """And the six at its ends, of the 5 393 steps that pool2 has of a minute."""
    source = recordings.Files({"long": str(noises / "8.wav")})
    ((piece,),) = source.heard(listener.load(lively_model), "pool2")
    assert len(piece.heard.steps["pool2"].secs) <= 32 + 6
    assert piece.heard.duration_secs == pytest.approx((2 * listener.PIECE_SAMPLES + 70_001) / RATE)


def test_the_same_label_goes_by_the_file_whatever_its_name(model, films, tmp_path):
    """A label of a link's name; film 2 has none. Two films share the tone that they begin with."""
    (tmp_path / "link.mkv").symlink_to(films / "film0.mkv")
    with open(tmp_path / "set.csv", "w", newline="") as file:
        rows = [("link.mkv", "red"), (str(films / "film1.mkv"), "red")]
        rows += [(f"other{i}.wav", "none") for i in range(2)]
        csv.writer(file).writerows([("path", "label"), *rows])
    for i in range(2):
        soundfile.write(tmp_path / f"other{i}.wav", np.zeros(RATE), RATE)
    labels = labelled_set.labels_of_manifest(str(tmp_path / "set.csv"))
    source = recordings.Files(find_media(str(films)), labels)
    assert source.names == {"label": {"film0.mkv": "red", "film1.mkv": "red"}}
    found = units.find(source, model, "conv1", top=3, progress=False)
    assert found.counts == {"label": {"red": 2}}
    assert found.units[0].shared[:6] == ("label", "red", 2, 2, 2, 2)
    assert found.units[0].shared.p == 1 and found.units[9].shared is None
    assert recordings.of_labelled(labels)[films.name + "/film1.mkv"] == str(films / "film1.mkv")
    (tmp_path / "strange").mkdir()
    soundfile.write(tmp_path / "strange" / "x.wav", np.zeros(RATE), RATE)
    with pytest.raises(ValueError, match="labels none of these 1 recordings; name a set of"):
        recordings.Files(find_media(str(tmp_path / "strange")), labels)


def clip(video, start_secs, seconds, classes, colours):
    """A clip whose teachers are sure of a class a second, with a picture of a colour for each."""
    sound = tuned_network.sound_of(seconds)
    values = np.full([len(classes), 3], 0.1, np.float16)
    values[np.arange(len(classes)), classes] = 0.8
    return ClipRecord(
        id=f"{video}@{start_secs:.3f}",
        video_id=video,
        start_secs=start_secs,
        audio=codecs.encode_sound(sound, "pcm16"),
        sample_count=sound.size,
        jpegs=tuple(written_shards.jpeg_of(colour) for colour in colours),
        frame_secs=tuple(float(second) for second in range(len(classes))),
        audio_codec="pcm16",
        posteriors={"objects": Posteriors("a teacher", "f" * 16, values)},
    )


@pytest.fixture
def shards(tmp_path):
    """Video a in two clips, which hum at 500 Hz in its second 21, beside b and c."""
    red, green, blue = COLOURS[500], COLOURS[1500], COLOURS[2500]
    clips = {
        "train-00000-of-00002.tfrecord": [
            clip("a", 0.0, [1500, 4000], [0, 0], [red, green]),
            clip("a", 20.0, [4000, 500], [1, 0], [green, blue]),
        ],
        "train-00001-of-00002.tfrecord": [clip("b", 3.0, [2500, 2500], [1, 1], [red, red])],
        "val-00000-of-00001.tfrecord": [clip("c", 0.0, [4000, 1500], [0, 2], [red, blue])],
    }
    teacher = CachedTeacher("a teacher", "f" * 16, ("cat", "dog", "sea"))
    path = str(tmp_path / "shards")
    folder.write_folder(path, clips, {"frame_every_secs": 1.0}, "films", {"objects": teacher})
    return path


def test_clips_of_a_prepared_folder_are_heard_with_what_teachers_saw(model, shards):
    """Times are the video's. Video a is a cat in 3 of its 4 seconds, c is as much a cat as a sea,
    the first counts."""
    source = prepared.Shards(shards)
    assert source.pieces == 4
    found = units.find(source, model, "conv1", top=2, progress=False)
    assert found.names == {"objects": {"a": "cat", "b": "dog", "c": "cat"}}
    assert found.counts == {"objects": {"cat": 2, "dog": 1}} and found.recordings == 3
    (first, *_) = found.units[0].moments
    assert first.recording == "a" and first.secs == pytest.approx(21.5, abs=0.02)
    assert [moment.recording for moment in found.units[3].moments] == ["a", "c"]  # one a video
    assert {moment.recording for moment in found.units[1].moments} == {"a", "c"}
    assert found.units[3].shared[:6] == ("objects", "cat", 2, 2, 2, 3)
    assert found.units[3].shared.p == pytest.approx(1 / 3)  # (2 over 2) of (3 over 2)
    excerpt = source.excerpt("a", first.piece, first.secs, 0.5)
    assert abs(2 * np.abs(np.fft.rfft(excerpt.waveform)).argmax() - 500) <= 4
    assert excerpt.start_secs == pytest.approx(first.secs - 0.25)
    assert np.abs(excerpt.frame.reshape(-1, 3).mean(axis=0) - COLOURS[2500]).max() < 6


def test_a_damaged_record_is_told_when_it_is_read_again(model, shards):
    source = prepared.Shards(shards)
    found = units.find(source, model, "conv1", top=1, progress=False)
    (moment,) = found.units[0].moments
    path = f"{shards}/train-00000-of-00002.tfrecord"
    with open(path, "r+b") as file:
        content = file.read()
        file.seek(len(content) - 3000)
        file.write(bytes(255 - byte for byte in content[-3000:]))
    with pytest.raises(ValueError, match="train-00000-of-00002.tfrecord is damaged"):
        source.excerpt(moment.recording, moment.piece, moment.secs, 1.0)


def test_a_folder_without_posteriors_gives_moments_without_names(model, tmp_path):
    one, other = (
        ClipRecord(
            id=f"{name}@0.000",
            video_id=name,
            start_secs=0.0,
            audio=codecs.encode_sound(tuned_network.sound_of([500]), "pcm16"),
            sample_count=RATE,
            jpegs=(),
            frame_secs=(),
            audio_codec="pcm16",
            posteriors={},
        )
        for name in "ab"
    )
    shards = {"train-00000-of-00001.tfrecord": [one], "val-00000-of-00001.tfrecord": [other]}
    folder.write_folder(str(tmp_path / "s"), shards, {"frame_every_secs": 1.0}, "films", {})
    source = prepared.Shards(str(tmp_path / "s"))
    found = units.find(source, model, "conv1", top=5, progress=False)
    assert found.names == {} and found.named == []
    assert [moment.recording for moment in found.units[0].moments] == ["a", "b"]  # equal: in order
    assert source.excerpt("a", 0, 0.5, 0.5).frame is None


def test_units_are_shown_name_by_name_the_surest_first():
    """Two sure dogs, one sure cat, one that is unsure but greatly excited, one hardly."""

    def unit(number, name, p, value):
        shared = name and units.Shared("label", name, 3, 3, 5, 50, p, 100 * p)
        return units.Unit(number, (units.Moment("r", 0.0, value),), shared)

    made = [
        unit(0, "dog", 1e-9, 1.0),
        unit(1, None, 1, 2.0),
        unit(2, "dog", 1e-8, 1.0),
        unit(3, "cat", 1e-5, 1.0),
        unit(4, "cat", 0.1, 9.0),
        units.Unit(5, (), None),
    ]
    found = units.Found("m", SOUNDNET8.endpoints["conv7"], tuple(made), 9, 9.0, {}, {}, {})
    assert [unit.number for unit in found.in_order()] == [0, 3, 2, 4, 1]
    assert [unit.number for unit in found.named] == [0, 2, 3]
