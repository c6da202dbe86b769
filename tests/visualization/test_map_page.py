"""The page of a map in a browser: click, keyboard, search, legend; many clips; odd names."""

import base64
import io

import av
import browser as browsers
import numpy as np
import pytest

from soundnet_tf import constants
from soundnet_tf.files import atomic
from soundnet_tf.visualization import map_page, placing
from soundnet_tf.visualization.recordings import Excerpt
from soundnet_tf.visualization.sound_map import Clip, Placed, SoundMap

RATE = constants.SAMPLE_RATE
NAUGHTY = """a "quoted" </script><script>alert('x')</script>\n& <img src=x onerror=alert(1)>"""
EVIL_LABEL = "</script><b>hum</b>"


class Tones:
    """Clips of a second each; clip i is a tone of 400 + 100 (i mod 50) Hz, with a grey frame. The
    last one cannot be read again."""

    def __init__(self, count):
        self.count = count

    def excerpt(self, recording, number, secs, width_secs):
        i = int(recording.rsplit("#")[-1])
        if i == self.count - 1:
            raise OSError("it is <i>gone</i>")
        time = np.arange(RATE) / RATE
        tone = 0.5 * np.sin(2 * np.pi * (400 + 100 * (i % 50)) * time).astype(np.float32)
        return Excerpt(tone, 0.0, np.full((32, 48, 3), 10 * i % 256, np.uint8))

    def link(self, recording, folder):
        return "../sounds/a%20b.wav"


def a_map(points, labels, names=None, seen=()):
    """Clips at given places; `seen` ones are also on a map of pictures, mirrored."""
    points = np.array(points, np.float32)
    names = names or [f"clip #{i}" for i in range(len(points))]
    clips = tuple(Clip(name, 0, 0.0, 1.0) for name in names)
    nothing = placing.Faithfulness(1, 0.9, len(points), 0.8, 0.7, 0.2)
    sound = Placed("pool5", np.arange(len(points)), points**2, points, nothing)
    pictures = None
    if len(seen):
        chosen = np.array(seen)
        pictures = Placed("a teacher", chosen, points[chosen], -points[chosen], nothing)
    skipped = {"<u>bad</u>": "it is <s>empty</s>"}
    return SoundMap(
        "published",
        "pool5",
        clips,
        tuple(labels),
        "their labels",
        False,
        sound,
        pictures,
        skipped,
        {},
    )


def write(path, found, source, playable=500):
    section = map_page.content(found, source, str(path.parent), playable, progress=False)
    atomic.write_text(str(path), map_page.page(section))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Five clips on a cross: 0 in the middle, 1 left, 2 right, 3 up, 4 down (which is gone); all
    but 1 have pictures."""
    points = [(0, 0), (-1, 0), (1, 0), (0, 1), (0, -1)]
    names = [f"{NAUGHTY} #0", "left #1", "right #2", "up #3", "down #4"]
    labels = [EVIL_LABEL, "rain", "rain", EVIL_LABEL, ""]
    found = a_map(points, labels, names, seen=(0, 2, 3, 4))
    return write(tmp_path_factory.mktemp("page") / "index.html", found, Tones(5))


@pytest.fixture
def page(made, browser):
    with browsers.opened(browser, made) as page:
        yield page


def chosen(page):
    return page.evaluate("soundMap.state.chosen")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
    return chosen(page)


def place_of(page, clip, view=0):
    """Of a clip in the window."""
    x, y = page.evaluate(
        "([view, clip]) => { const v = soundMap.views[view]; return v.px(v.place.get(clip)); }",
        [view, clip],
    )
    box = page.locator("canvas").nth(view).bounding_box()
    return box["x"] + x, box["y"] + y


def played_hz(page):
    """The tone of what the player has."""
    source = page.locator(".sound-map audio").get_attribute("src")
    assert source.startswith("data:audio/mpeg;base64,")
    with av.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    return np.abs(np.fft.rfft(sound)).argmax() * RATE / sound.size


@pytest.mark.parametrize(("view", "clip"), [(0, 2), (0, 3), (1, 2), (1, 3)])
def test_a_click_plays_the_clip_that_is_there(page, view, clip):
    page.mouse.click(*place_of(page, clip, view))
    assert chosen(page) == clip
    assert played_hz(page) == pytest.approx(400 + 100 * clip, abs=5)
    assert not page.evaluate("document.querySelector('audio').paused")
    assert page.locator(".map-chosen h3").text_content() == ("right #2", "up #3")[clip - 2]
    assert page.locator(".map-spectrogram").is_visible() and page.locator(".map-still").is_visible()


def test_a_click_beside_all_points_chooses_nothing(page):
    x, y = place_of(page, 1)
    page.mouse.click(x, y + 40)
    assert chosen(page) == -1 and page.locator(".map-chosen").is_hidden()


def test_what_is_chosen_in_one_map_is_marked_in_the_other(page):
    """Pixels around its point change in both, and in the first alone of a clip without pictures."""
    around = """([view, clip]) => {
        const v = soundMap.views[view], c = v.canvas, [x, y] = v.px(v.place.get(clip));
        const d = c.getContext("2d").getImageData(Math.round(x) - 12, Math.round(y) - 12, 24, 24);
        return Array.from(d.data).join();
    }"""
    whole = "soundMap.views[1].canvas.toDataURL()"
    before = [page.evaluate(around, [view, 3]) for view in (0, 1)]
    page.mouse.click(*place_of(page, 3, 1))
    after = [page.evaluate(around, [view, 3]) for view in (0, 1)]
    assert before[0] != after[0] and before[1] != after[1]
    page.mouse.click(*place_of(page, 1))
    assert page.evaluate(around, [0, 3]) == before[0] or 3 in page.evaluate("soundMap.data.near[1]")
    assert page.evaluate(whole) and chosen(page) == 1


def test_the_keyboard_alone_reaches_and_plays_every_clip(page):
    """By arrows to the next in a direction, by Page Down to all in turn, Enter plays and stops."""
    while page.evaluate("document.activeElement.tagName") != "CANVAS":
        page.keyboard.press("Tab")
    assert press(page, "Home") == 0
    assert press(page, "ArrowLeft") == 1 and press(page, "ArrowRight") == 0
    assert press(page, "ArrowRight") == 2 and press(page, "ArrowLeft") == 0
    assert press(page, "ArrowUp") == 3 and press(page, "ArrowDown") == 0
    assert press(page, "ArrowDown") == 4 and press(page, "ArrowDown") == 4
    assert [press(page, "PageDown") for _ in range(5)] == [0, 1, 2, 3, 4]
    assert press(page, "PageUp") == 3
    paused = "document.querySelector('audio').paused"
    assert page.evaluate(paused)
    page.keyboard.press("Enter")
    assert not page.evaluate(paused)
    status = page.locator("#map-status").text_content()
    assert status == f"{EVIL_LABEL}: up #3, clip 4 of 5"


def test_names_and_labels_are_text(page):
    """Nothing of them became an element; each stands where it should, as it is."""
    page.locator("canvas").first.focus()
    assert press(page, "Home") == 0
    assert page.locator(".map-chosen h3").text_content() == f"{NAUGHTY} #0"
    assert page.locator(".map-about").text_content() == f"{EVIL_LABEL}, 1.0 s"
    legend = page.locator(".map-legend li")
    assert sorted(legend.all_text_contents()) == sorted([f"{EVIL_LABEL}2", "rain2"])
    assert f"{EVIL_LABEL}: {NAUGHTY} #0" in page.locator(".map-list button").all_text_contents()
    assert page.locator("details").text_content().split() == (
        "1 clip could not be heard <u>bad</u>: it is <s>empty</s>".split()
    )
    assert page.locator(".sound-map :is(b, u, s, i, img[src=x])").count() == 0


def test_a_clip_without_sound_is_told_and_linked(page):
    page.locator(".map-list button", has_text="down #4").click()
    assert page.locator(".sound-map audio").is_hidden()
    told = page.locator(".map-silent").text_content()
    assert told.startswith("It could not be read again: it is <i>gone</i>")
    assert page.locator(".map-silent a").get_attribute("href") == "../sounds/a%20b.wav"


def test_search_and_legend_leave_clips_out(page):
    """Of the map, of the list, and of what the keyboard goes through."""
    listed = page.locator(".map-list button")
    page.locator("input[type=search]").fill("RIGHT")
    assert listed.all_text_contents() == ["rain: right #2"]
    assert page.locator(".map-count").text_content() == "1 of 1 that match, of 5"
    page.mouse.click(*place_of(page, 3))
    assert chosen(page) == -1
    page.locator("input[type=search]").fill("")
    page.get_by_role("checkbox", name="rain").uncheck()
    assert listed.count() == 3
    page.locator("canvas").first.focus()
    assert [press(page, "PageDown") for _ in range(4)] == [0, 3, 4, 0]
    page.get_by_role("button", name="None").click()
    assert listed.all_text_contents() == ["down #4"]  # it has no label
    page.get_by_role("button", name="All", exact=True).click()
    assert listed.count() == 5


def test_zoom_keeps_the_chosen_clip_in_its_place(page):
    page.locator("canvas").first.focus()
    press(page, "Home", "ArrowRight")
    before = np.array(place_of(page, 2))
    press(page, "+", "+")
    np.testing.assert_allclose(place_of(page, 2), before, atol=0.5)
    assert page.evaluate("soundMap.views[0].zoom") == pytest.approx(2.25)
    assert press(page, "ArrowLeft") == 0  # which was outside
    box = page.locator("canvas").first.bounding_box()
    x, y = place_of(page, 0)
    assert box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"]
    page.get_by_role("button", name="Whole map").click()
    np.testing.assert_allclose(place_of(page, 2), before, atol=0.5)


@pytest.mark.parametrize("dark", [False, True])
def test_points_have_their_labels_colours_in_light_and_dark(made, browser, dark):
    """The most frequent label has the first colour (of two equally frequent, the first by name)."""
    with browsers.opened(browser, made, dark=dark) as page:
        for clip, colour in [(3, "--c0"), (1, "--c1"), (4, "--soft")]:
            drawn, wanted, paper = page.evaluate(
                """([clip, name]) => {
                    const v = soundMap.views[0], [x, y] = v.px(v.place.get(clip));
                    const at = v.canvas.getContext("2d").getImageData(x, y + 3, 1, 1).data;
                    const style = getComputedStyle(document.querySelector(".sound-map"));
                    const rgb = (name) => { const s = document.createElement("span");
                      s.style.color = style.getPropertyValue(name); document.body.append(s);
                      const c = getComputedStyle(s).color.match(/\\d+/g).map(Number);
                      s.remove(); return c; };
                    return [Array.from(at), rgb(name), rgb("--paper")];
                }""",
                [clip, colour],
            )
            expected = 0.8 * np.array(wanted)  # upon the canvas, which lets the paper through
            seen = np.array(drawn[:3]) * drawn[3] / 255
            assert np.abs(seen - expected).max() < 12, (clip, drawn, wanted, paper)


def test_a_phone_has_no_sideways_scrolling_and_taps_choose(made, browser):
    with browsers.opened(browser, made, width=390, height=844) as page:
        assert not browsers.is_wider_than_screen(page)
        page.mouse.click(*place_of(page, 2))
        assert chosen(page) == 2 and not browsers.is_wider_than_screen(page)


def test_ten_thousand_clips_open_and_answer(browser, tmp_path):
    """20 of them with sound, evenly spread: every 500th from 250 on; the page says so. The bound is
    a wide one: such a page opens in two seconds on a free core."""
    count = 10_000
    points = np.random.default_rng(0).normal(size=(count, 2))
    labels = [f"label {i % 50}" for i in range(count)]
    path = write(tmp_path / "index.html", a_map(points, labels), Tones(count), playable=20)
    with browsers.opened(browser, path) as page:
        page.wait_for_selector("[data-drawn=yes]", state="attached")
        assert (
            "20 of 10000 clips, spread evenly"
            in page.locator(".sound-map > p").first.text_content()
        )
        assert page.locator(".map-list button").count() == 50
        assert page.locator(".map-legend li").count() == 50
        page.locator(".map-list button").nth(7).click()
        assert chosen(page) == 7
        assert "not in the page" in page.locator(".map-silent").text_content()
        page.locator(".map-more").click()
        assert page.locator(".map-list button").count() == 100
        page.locator("canvas").first.focus()
        assert press(page, "ArrowRight") not in (-1, 7)
        page.locator("input[type=search]").fill("clip #250")
        assert page.locator(".map-list button").count() == 11  # 250 and 2500 to 2509
        page.locator(".map-list button").first.click()
        assert played_hz(page) == pytest.approx(400, abs=5)


def test_clips_with_sound_are_spread_evenly():
    assert map_page.spread(10, 3) == {1, 5, 8}
    assert map_page.spread(3, 5) == {0, 1, 2} and map_page.spread(3, 0) == set()
    for total in (7, 100, 101):
        for count in range(1, total):
            assert len(map_page.spread(total, count)) == count


@pytest.mark.parametrize(("labels", "is_told"), [(50, False), (51, True)])
def test_marks_that_come_again_are_told(tmp_path, labels, is_told):
    """Ten colours in five shapes."""
    found = a_map([(i, i * i) for i in range(labels)], [f"label {i}" for i in range(labels)])
    path = write(tmp_path / "index.html", found, Tones(labels), playable=0)
    assert ("there are 51 of these and 50 marks" in path.read_text()) == is_told
    assert is_told == (" marks, which come again" in path.read_text())
