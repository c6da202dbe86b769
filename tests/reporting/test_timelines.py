"""What a timeline shows, of recognitions of which it is known."""

import base64
import io

import numpy as np
import pytest
import tensorflow as tf
import tone_films
from media_writer import Pictures, Sound, write
from PIL import Image

from soundnet_tf.reporting import sights, timelines
from soundnet_tf.reporting.hearing import Recording, spread
from soundnet_tf.reporting.overview import Columns
from soundnet_tf.reporting.sights import Sight
from soundnet_tf.serving.recognize import Recognition

LABELS = {"objects": ("cat, house cat", "dog", "<b>bell</b>")}


def recognition(rows, secs, duration_secs):
    probabilities = {"objects": np.array(rows, np.float32)}
    return Recognition(duration_secs, np.array(secs, float), probabilities, LABELS)


def test_a_strip_reaches_halfway_to_the_next_steps():
    """Steps at 5, 8 and 11 s of 20: edges at 0, 6.5, 9.5 and 20 s, in thousandths 325 and 475. The
    shade is the cube root: of 0.125 0.5, of 0.512 0.8, of 0.343 0.7."""
    heard = recognition([[0.125, 0.5, 0], [0.512, 0.1, 0], [0.343, 0.2, 0.001]], [5, 8, 11], 20)
    cat, dog, bell = timelines.strips(heard, "objects")
    assert (cat["label"], dog["label"], bell["label"]) == LABELS["objects"]
    assert [cat["peak"], dog["peak"]] == ["51\u202f%", "50\u202f%"]
    assert [(c["left"], c["width"], c["shade"]) for c in cat["cells"]] == [
        ("0", "325", "0.50"),
        ("325", "150", "0.80"),
        ("475", "525", "0.70"),
    ]
    assert bell["peak"] == "<\u202f1\u202f%"
    assert not bell["cells"]


def test_the_surest_at_any_moment_come_first():
    heard = recognition([[0.3, 0.2, 0.0], [0.3, 0.1, 0.6]], [5, 8], 20)
    assert [row["label"] for row in timelines.strips(heard, "objects")] == [
        *("<b>bell</b>", "cat, house cat", "dog")
    ]


def test_of_many_steps_a_cell_shows_the_surest():
    """600 steps, 2 s apart: 60 cells of 10 steps. A class that is sure in step 433 alone is so in
    cell 43, which begins halfway between steps 429 and 430."""
    rows = np.full([600, 3], 0.01)
    rows[433, 1] = 1
    secs = 5 + 2.0 * np.arange(600)
    dog = timelines.strips(recognition(rows, secs, 1210.0), "objects")[0]
    assert len(dog["cells"]) == 60
    sure = [cell for cell in dog["cells"] if cell["shade"] == "1.00"]
    assert len(sure) == 1
    assert float(sure[0]["left"]) == pytest.approx(1000 * (5 + 2 * 429.5) / 1210, rel=1e-3)
    assert float(sure[0]["width"]) == pytest.approx(1000 * 20 / 1210, rel=1e-3)


@pytest.mark.parametrize(
    ("secs", "expected"),
    [(5, "0:00 0:01 0:02 0:03 0:04"), (61, "0:00 0:20 0:40"), (0, "0:00"), (5e-5, "0:00")],
)
def test_ticks_are_round_and_leave_room_for_the_last(secs, expected):
    """Of 61 s 1:00 is left out, beyond 95 % there is no room."""
    found = timelines.ticks(secs)
    assert " ".join(tick["text"] for tick in found) == expected
    assert found[0]["left"] == "0.00"
    assert [float(t["left"]) for t in timelines.ticks(200)] == [0, 30, 60, 90]


@pytest.mark.parametrize("hours", [3, 20, 200])
def test_ticks_of_long_sounds_are_few(hours):
    assert 2 <= len(timelines.ticks(3600.0 * hours)) <= 7


def test_the_waveform_fills_its_height():
    """The loudest sample, -0.5, is at the lower edge, y = 1; 0.25 is at half the height."""
    columns = Columns(np.array([-0.5, 0.0]), np.array([0.25, 0.0]), np.zeros([257, 2]))
    assert timelines.waveform_path(columns) == "M0.5,-0.50 1.5,-0.00 1.5,-0.00 0.5,1.00Z"
    silent = Columns(np.zeros(1), np.zeros(1), np.zeros([257, 1]))
    assert timelines.waveform_path(silent) == "M0.5,-0.00 0.5,-0.00Z"


def a_recording(seen=(), steps=(), secs=20.0, frames=()):
    heard = recognition([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [8, 11], secs)
    columns = Columns(np.zeros(40), np.ones(40), np.full([257, 40], -80.0))
    return Recording("a", heard, columns, np.zeros(22050, np.float32), frames, seen, steps)


def test_teacher_and_network_stand_at_the_same_moment():
    """The sight belongs to step 1, in which the network hears a bell."""
    sight = Sight(11.0, np.full([256, 300, 3], 90, np.uint8), {"objects": np.array([0.25, 0.75])})
    (moment,) = timelines.content(a_recording([sight], [1]), 1, {"objects": ["sun", "moon, x"]})[
        "beside"
    ]
    assert moment["secs"] == "11.0"
    assert moment["heads"]["objects"] == {
        "saw": "moon 75\u202f%, sun 25\u202f%",
        "heard": "<b>bell</b> 60\u202f%, dog 30\u202f%, cat 10\u202f%",
    }


def test_content_says_how_much_the_player_has_and_tells_each_moment():
    content = timelines.content(a_recording(), 3, {})
    assert (content["duration"], content["sound_secs"], content["is_cut"]) == ("20.0", 1.0, True)
    assert [m["secs"] for m in content["moments"]] == ["8.0", "11.0"]
    assert content["moments"][0]["tops"] == ["cat 70\u202f%, dog 20\u202f%, <b>bell</b> 10\u202f%"]
    assert content["heads"][0]["overall"].startswith("cat 40\u202f%")
    image = Image.open(io.BytesIO(base64.b64decode(content["spectrogram"].split(",")[1])))
    assert image.size == (40, 96)
    assert not timelines.content(a_recording(secs=1.0), 1, {})["is_cut"]


def test_low_frequencies_are_at_the_bottom_of_the_spectrogram():
    """Loud are four of 257 at 2 % of the height; the colours are black where nothing is."""
    one = a_recording()
    one.columns.levels_db[4:8] = 0
    source = timelines.content(one, 1, {})["spectrogram"]
    image = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("L")
    assert np.asarray(image).mean(axis=1).argmax() in (93, 94)


@pytest.mark.parametrize(
    ("count", "expected"), [(3, [0, 2, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (0, [])]
)
def test_things_are_spread_evenly(count, expected):
    assert spread(range(5), count) == expected


def test_of_ten_thousand_the_first_and_the_last_are_among_the_shown():
    """39 gaps of 9999 / 39 = 256.4: no two neighbours are further apart than 257."""
    shown = spread(range(10_000), 40)
    assert (len(shown), shown[0], shown[-1]) == (40, 0, 9999)
    assert set(np.diff(shown)) <= {256, 257}


def test_frames_stand_where_they_are_in_the_sound(tmp_path):
    """A film of 8 s whose pictures end after 3: those at 0.5, 1.5 and 2.5 s are the first three of
    eight parts, and the other parts are empty. One without pictures at these moments has no row."""
    path = str(tone_films.write_film(tmp_path / "film.mkv", tone_films.RED, 250, 8.0, 3.0))
    strip, _ = sights.look(path, 8.0, [], {})
    assert [sight and sight.secs for sight in strip] == [0.5, 1.5, 2.5, *[None] * 5]
    frames = timelines.content(a_recording(frames=strip), 1, {})["frames"]
    assert [frame and frame["secs"] for frame in frames] == ["0.5", "1.5", "2.5", *[None] * 5]
    brief = str(tone_films.write_film(tmp_path / "brief.mkv", tone_films.RED, 250, 8.0, 0.2))
    assert sights.look(brief, 8.0, [], {})[0] == []


def test_teachers_see_the_centre_square(tmp_path):
    """Of a film of 96 x 64 with 16 black pixels at either side: all of what they see is red."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, 16:80] = tone_films.RED
    film = Pictures("ffv1", [picture] * 50, [k / 25 for k in range(50)], pixels="bgr0")
    path = str(write(tmp_path / "film.mkv", film, Sound("flac", 22050, np.zeros(44100, "f4"))))
    seen = []

    def teacher(squares):
        seen.append(squares)
        return tf.zeros([1, 1, 2])

    _, (sight,) = sights.look(path, 2.0, [1.0], {"objects": teacher})
    assert sight.secs == 1.0 and seen[0].shape == (1, 1, 256, 256, 3)
    inner = seen[0][0, 0, :, 8:-8].reshape(-1, 3)  # edges are mixed when it is made larger
    assert np.abs(inner - np.array(tone_films.RED)).max() < 8
