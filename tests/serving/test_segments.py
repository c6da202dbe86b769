"""Moments of a class, cut out as sound files."""

import csv

import numpy as np
import pytest
import soundfile

from soundnet_tf import labels as label_lists
from soundnet_tf.files import atomic
from soundnet_tf.serving import segments
from soundnet_tf.serving.recognize import Recognition
from soundnet_tf.serving.segments import Segments, classes_called, find

LABELS = {
    "objects": ("Labrador retriever", "crane", "seashore, coast, seacoast", "crane"),
    "scenes": ("coast", "street"),
}
PUBLISHED = {
    "objects": label_lists.load("imagenet_1000"),
    "scenes": label_lists.load("places2_401"),
}
RATE = 8_000
# Borders at 3, 5, 7 and 9 s of 12.
STEPS = Recognition(
    duration_secs=12.0,
    secs=np.array([2.0, 4.0, 6.0, 8.0, 10.0]),
    probabilities={
        "objects": np.float32(
            [
                [0.5, 0.0625, 0.25, 0.1875],
                [0.5, 0.0625, 0.125, 0.3125],
                [0.5, 0.125, 0.125, 0.25],
                [0.25, 0.0625, 0.6875, 0.0],
                [0.25, 0.0625, 0.5625, 0.125],
            ]
        ),
        "scenes": np.float32([[0.25, 0.75]] * 4 + [[0.875, 0.125]]),
    },
    labels=LABELS,
)
NO_LABRADOR = Recognition(
    12.0, np.array([6.0]), {"objects": np.float32([[0, 0.25, 0.5, 0.25]])}, LABELS
)


def read_table(folder):
    with open(folder / "segments.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def spans(wanted, top):
    return [tuple(s) for s in find(STEPS, classes_called(wanted, LABELS), top)]


def test_moments_in_which_the_class_is_among_the_top():
    """Of seashore: first in the last two steps (mean of 0.6875 and 0.5625), second in the first one
    too. The last step alone has the scene called coast."""
    assert spans("seashore", 1) == [(7.0, 12.0, "objects", "seashore, coast, seacoast", 0.625)]
    assert spans("Seashore", 2) == [
        (0.0, 3.0, "objects", "seashore, coast, seacoast", 0.25),
        (7.0, 12.0, "objects", "seashore, coast, seacoast", 0.625),
    ]
    assert spans("coast", 1) == [(7.0, 12.0, "objects", "seashore, coast, seacoast", 0.625)]
    assert spans("street", 1) == [(0.0, 9.0, "scenes", "street", 0.75)]


def test_all_classes_of_a_name_count():
    """One crane is the bird, the other the machine: the second is among the first two of steps 2
    and 3, 0.3125 and 0.25."""
    assert spans("crane", 2) == [(3.0, 7.0, "objects", "crane", pytest.approx(0.28125))]


def test_nothing_is_found_where_it_is_not_heard():
    assert spans("crane", 1) == []


@pytest.mark.parametrize(
    ("wanted", "objects", "scenes"),
    [
        ("seashore", {"seashore, coast, seacoast, sea-coast"}, set()),
        ("COAST", {"seashore, coast, seacoast, sea-coast"}, {"coast"}),
        ("seashore, coast, seacoast, sea-coast", {"seashore, coast, seacoast, sea-coast"}, set()),
        ("train railway", set(), {"train railway"}),
    ],
)
def test_a_class_is_called_by_its_name_or_a_synonym(wanted, objects, scenes):
    assert classes_called(wanted, PUBLISHED) == {"objects": objects, "scenes": scenes}


def test_a_pattern_means_all_that_match():
    found = classes_called("*terrier", PUBLISHED)["objects"]
    names = PUBLISHED["objects"]
    assert found == {n for n in names if n.endswith("terrier") or "terrier," in n}
    assert {"Border terrier", "Boston bull, Boston terrier"} < found and len(found) == 24


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("seashor", "no class is called 'seashor'; there is 'seashore'"),
        ("labradr retriever", "there is 'labrador retriever'"),
        ("bull terrier", "or --segment_label='*bull terrier*' for all of them"),
        ("qqqq", "no class is called 'qqqq'; --format=csv --top=1000 prints every class"),
    ],
)
def test_a_class_that_is_not_there_is_refused_with_those_that_are(wanted, said):
    with pytest.raises(ValueError) as error:
        classes_called(wanted, PUBLISHED)
    assert said in str(error.value)


@pytest.fixture
def recordings(tmp_path):
    """Two of 12 s and one name: stereo of 16 bits, and floats of one channel."""
    rng = np.random.default_rng(5)
    paths = []
    for folder, channels, subtype in (("a", 2, "PCM_16"), ('b "<i>', 1, "FLOAT")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "sea.wav"
        soundfile.write(path, rng.uniform(-0.9, 0.9, (12 * RATE, channels)), RATE, subtype)
        paths.append(str(path))
    return paths


def test_what_is_cut_are_the_samples_of_the_recording(tmp_path, recordings):
    folder = tmp_path / "new" / "cut"
    cutter = Segments(str(folder), "seashore", LABELS, recordings, 2)
    for path in recordings:
        cutter.add(path, STEPS)
    names = [f"{stem}_{span}.wav" for stem in ("sea", "sea-2") for span in SPANS]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "segments.csv"])
    rows = read_table(folder)
    assert [row["path"] for row in rows] == names
    for row, source in zip(rows, np.repeat(recordings, 2), strict=True):
        begin, end = float(row["begin"]), float(row["end"])
        whole, rate = soundfile.read(source, dtype="float32", always_2d=True)
        found, found_rate = soundfile.read(folder / row["path"], dtype="float32", always_2d=True)
        assert found_rate == rate == RATE and found.shape[1] == whole.shape[1]
        np.testing.assert_array_equal(found, whole[round(begin * RATE) : round(end * RATE)])
        assert soundfile.info(folder / row["path"]).subtype == soundfile.info(source).subtype
        assert (row["head"], row["recording"]) == ("objects", source)
        assert row["label"] == "seashore, coast, seacoast"
    assert [row["probability"] for row in rows] == ["0.250000", "0.625000"] * 2
    assert cutter.summary() == f"cut 4 segments, 16.0 s: {folder}/segments.csv"


SPANS = ("0.000-3.000", "7.000-12.000")


def test_24_bits_stay_24(tmp_path):
    """As 32, of which the last eight are zero."""
    path = tmp_path / "x.flac"
    sound = np.random.default_rng(1).integers(-(2**23), 2**23, (12 * RATE, 2)) * 256
    soundfile.write(path, sound.astype(np.int32), RATE, "PCM_24")
    Segments(str(tmp_path / "cut"), "street", LABELS, [str(path)], 1).add(str(path), STEPS)
    found, _ = soundfile.read(tmp_path / "cut" / "x_0.000-9.000.wav", dtype="int32")
    np.testing.assert_array_equal(found, sound[: 9 * RATE])


def test_nothing_cut_says_what_to_do(tmp_path, recordings):
    for wanted, top, rank in (
        ("labrador*", 2, "among the 2 most probable classes"),
        ("crane", 1, "the most probable class"),
    ):
        cutter = Segments(str(tmp_path / wanted[0]), wanted, LABELS, recordings, top)
        cutter.add(recordings[0], NO_LABRADOR)
        assert read_table(tmp_path / wanted[0]) == []
        assert cutter.summary() == (
            f"nothing cut: nowhere is {wanted} {rank} of its head; a larger --top looks further "
            "down, into another folder"
        )


def test_a_folder_is_one_commands(tmp_path, recordings):
    """What a second one would write over stays as it is."""
    Segments(str(tmp_path / "cut"), "crane", LABELS, recordings, 1)
    before = (tmp_path / "cut" / "segments.csv").read_bytes()
    with pytest.raises(FileExistsError, match="another command has begun it; give each its own"):
        Segments(str(tmp_path / "cut"), "street", LABELS, recordings, 1)
    assert (tmp_path / "cut" / "segments.csv").read_bytes() == before


def test_a_class_that_is_not_there_makes_no_folder(tmp_path):
    with pytest.raises(ValueError, match="no class is called"):
        Segments(str(tmp_path / "cut"), "nothing", LABELS, [], 1)
    assert not (tmp_path / "cut").exists()


def test_a_segment_is_whole_or_not_there(tmp_path, recordings, monkeypatch):
    """A recording that ends in an error in the middle of the cut: no file, no row."""
    monkeypatch.setattr(atomic.storage, "rename", _no_room)
    cutter = Segments(str(tmp_path / "cut"), "street", LABELS, recordings, 1)
    with pytest.raises(OSError, match="make room"):
        cutter.add(recordings[0], STEPS)
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["segments.csv"]
    assert read_table(tmp_path / "cut") == []


def _no_room(*_, **__):
    raise OSError(28, "No space left on device")


def test_columns_are_those_that_are_documented():
    assert segments.COLUMNS[:6] == ("path", "begin", "end", "head", "label", "probability")
