"""`bin/visualize.py units`: its files, its page in a browser, and what it says."""

import csv
import io
import json

import browser as browsers
import commands
import numpy as np
import pytest
import soundfile
import tuned_network
from tuned_network import BLUE, GREEN, HZ, NAUGHTY, RATE, RED

from soundnet_tf.visualization import naming, recordings, units, units_page, units_stage
from soundnet_tf.visualization.settings import UnitsConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two films, and a sound of an odd name; an empty file, one of one sample, and no sound."""
    folder = tmp_path_factory.mktemp("inputs")
    tuned_network.write_film(folder / "one.mkv", [500, 1500], [RED, GREEN], [0.8, 0.4])
    tuned_network.write_film(folder / "two.mkv", [1500, 500], [RED, BLUE], [0.8, 0.4])
    soundfile.write(
        folder / f"{NAUGHTY}.wav", tuned_network.sound_of([500, 2500], [0.2, 0.2]), RATE
    )
    soundfile.write(folder / "sample.wav", np.full(1, 0.5), RATE)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp4").write_text("no film")
    return folder


@pytest.fixture(scope="module")
def made(model, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "UNITS"
    given = [f"--model={model}", f"--inputs={folder}", f"--out={out}", "--layer=conv1", "--top=3"]
    return commands.completed("visualize", "units", *given), out


def test_what_cannot_be_heard_is_told_and_the_exit_code_is_1(made):
    done, out = made
    assert done.returncode == 1
    assert f"wrote {out}/index.html: 3 of 16 units of conv1 are excited by 4 recordings" in (
        done.stdout
    )
    assert "2 skipped:\n  empty.wav: " in done.stdout and "\n  text.mp4: " in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "units.csv", "units.json"]


def test_the_tables_have_every_moment(made):
    _, out = made
    content = json.loads((out / "units.json").read_text())
    assert (content["layer"], content["recordings"], content["labels"]) == ("conv1", 4, {})
    assert [one["recording"] for one in content["skipped"]] == ["empty.wav", "text.mp4"]
    assert [len(unit["moments"]) for unit in content["units"]] == [3] * 3 + [0] * 13
    first = content["units"][0]["moments"]
    name = f"{NAUGHTY}.wav"
    assert [moment["recording"] for moment in first] == ["one.mkv", "two.mkv", name]
    assert [round(moment["secs"] - 0.5, 1) for moment in first] == [0, 1, 0]
    with open(out / "units.csv", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 9
    assert (rows[2]["unit"], rows[2]["place"], rows[2]["recording"]) == ("0", "3", name)
    assert float(rows[0]["value"]) == pytest.approx(first[0]["value"], rel=1e-5)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_page_plays_shows_and_escapes(made, browser, width, dark):
    """Of the unit that hears 500 Hz: the films' frames at that tone, red and blue, and their
    average; the sound of the third begins with its recording and lasts 1.5 s."""
    _, out = made
    with browsers.opened(browser, out / "index.html", width=width, dark=dark) as page:
        unit = page.locator("#unit-0")
        assert unit.locator("h3").text_content() == "Unit 0"
        # What excites it in two.mkv is near 1.5 s; a player has 2 s around it.
        first = json.loads((out / "units.json").read_text())["units"][0]
        two_begins = first["moments"][1]["secs"] - 1
        assert 0.4 < two_begins < 0.6
        assert "in 4 recordings (0.1 minutes)" in page.locator(".units > p").text_content()
        hears = page.locator(".units > p").text_content()
        assert "hears 2.9 ms of sound; a player has 2.00 s around" in hears
        assert unit.locator("figure").count() == 3
        name = NAUGHTY.splitlines()[0]
        assert name in unit.locator("figcaption").nth(2).text_content()
        assert page.locator("script").count() == 0
        colours = [colour_of(page, f"#unit-0 .frame >> nth={i}") for i in (0, 1)]
        assert np.abs(np.array(colours) - [RED, BLUE]).max() < 8
        average = colour_of(page, "#unit-0 .average img")
        assert np.abs(average - np.mean([RED, BLUE], axis=0)).max() < 8
        assert page.locator("#unit-2 li >> nth=0").locator(".frame").count() == 0  # of sound
        player = unit.locator("audio").nth(2)
        assert name in player.get_attribute("aria-label")
        begins = unit.locator("audio").nth(1).get_attribute("aria-label")
        assert begins.endswith(f"from {two_begins:.2f} s on")
        length = player.evaluate(
            "async (player) => { player.load(); player.preload = 'auto'; await player.play();"
            " return player.duration; }"
        )
        assert length == pytest.approx(2.0, abs=0.1)
        assert not browsers.is_wider_than_screen(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") in ("SUMMARY", "A", "AUDIO")
        assert "2 recordings could not be heard" in page.locator("details").text_content()


def colour_of(page, selector):
    """The mean colour of a picture of the page, as the browser decoded it."""
    return np.array(
        page.locator(selector).evaluate(
            """async (image) => {
                image.loading = "eager"; await image.decode();
                const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
                canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
                context.drawImage(image, 0, 0);
                const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
                const sums = [0, 0, 0];
                data.forEach((level, i) => { if (i % 4 < 3) sums[i % 4] += level; });
                return sums.map((sum) => sum / (data.length / 4));
            }"""
        )
    )


def test_labels_name_units_and_a_run_says_so(model, tmp_path, browser):
    """Of 30 recordings each third has a label; unit 0 hears the ten of 500 Hz alone."""
    rows = []
    for i in range(30):
        label = ("hum", "<b>whistle</b>", "hiss")[i % 3]
        soundfile.write(tmp_path / f"{i:02d}.wav", tuned_network.sound_of([HZ[i % 3]]), RATE)
        rows.append((f"{i:02d}.wav", label, i % 2 + 1))
    with open(tmp_path / "set.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    out = tmp_path / "UNITS"
    given = [f"--model={model}", f"--labels={tmp_path}/set.csv", f"--out={out}", "--layer=conv1"]
    done = commands.completed("visualize", "units", *given, "--shown=2")
    assert done.returncode == 0, done.stderr
    # 1 / (30 over 10), times 3 units and 3 names
    assert "3 have a name that is no chance, the surest:\n  unit 0: hum, 10 of 10 (33.3 % of" in (
        done.stdout
    )
    assert done.stdout.count(" of all), p 3e-7") == 3
    content = json.loads((out / "units.json").read_text())
    assert content["compared"] == 9
    shared = content["units"][1]["shared"]
    assert shared["name"] == "<b>whistle</b>" and shared["lift"] == pytest.approx(3)
    assert shared["p"] == pytest.approx(1 / 30045015)
    assert shared["p_corrected"] == pytest.approx(9 / 30045015) and shared["is_sure"]
    with browsers.opened(browser, out / "index.html") as page:
        assert page.locator("article").count() == 2
        assert "1 more units are not shown here" in page.locator(".units > p").text_content()
        assert "Bold is the recording" in page.locator(".units > p").text_content()
        cells = page.locator("tbody tr").nth(1).locator("td").all_text_contents()
        assert cells == ["1", "<b>whistle</b>", "10 of 10", "33.3", "3.0", "3e-7"]
        page.keyboard.press("Tab")  # the table, which scrolls sideways on a phone
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        browsers.wait_until(page, "location.hash === '#unit-0'")


def test_a_page_is_not_there_while_its_run_goes_on(model, folder, tmp_path, monkeypatch):
    """That of an earlier run went before the tables changed."""
    config = UnitsConfig(
        str(tmp_path), inputs=str(folder / "one.mkv"), model=model, layer="conv1", top=1
    )
    units_stage.run(config, progress=False)
    before = (tmp_path / "index.html").read_text()

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(units_page, "content", stopped)
    with pytest.raises(KeyboardInterrupt):
        units_stage.run(config, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["units.csv", "units.json"]
    monkeypatch.undo()
    units_stage.run(config, progress=False)
    assert (tmp_path / "index.html").read_text() == before


def test_a_recording_that_went_away_is_told_in_its_place(model, tmp_path):
    path = tmp_path / "gone.wav"
    soundfile.write(path, tuned_network.sound_of([500]), RATE)
    source = recordings.Files({"gone.wav": str(path)})
    found = units.find(source, model, "conv1", [0], progress=False)
    path.unlink()
    (unit,) = units_page.content(found, source, 5, progress=False)["units"]
    assert "gone.wav" in unit["moments"][0]["problem"]
    assert unit["moments"][0]["problem"] in units_page.page(
        units_page.content(found, source, 5, progress=False)
    )


def test_where_nothing_can_be_heard_there_is_no_page(model, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    given = [f"--model={model}", f"--inputs={tmp_path}", f"--out={tmp_path}/out"]
    done = commands.completed("visualize", "units", *given)
    assert done.returncode == 1 and done.stderr.count("no recording could be heard (empty") == 1
    assert not (tmp_path / "out").exists()


def test_frames_of_any_shapes_are_averaged_by_their_centres():
    """A wide frame whose sides are black, and a high one: their middle squares count."""
    wide = np.zeros([100, 300, 3], np.uint8)
    wide[:, 100:200] = (200, 100, 0)
    high = np.zeros([300, 100, 3], np.uint8)
    high[100:200] = (100, 0, 50)
    average = units_page.average_frame([wide, high])
    assert average.shape == (128, 128, 3)
    assert np.unique(average.reshape(-1, 3), axis=0).tolist() == [[150, 50, 25]]
    assert units_page.average_frame([wide]) is None


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0431, "0.04"), (1.0, "1"), (0.001, "0.001"), (4.6e-14, "5e-14"), (4e-6, "4e-6")],
)
def test_a_chance_is_said_by_one_digit(p, words):
    assert units_page.chance_in_words(p) == words


def test_a_carriage_return_in_a_label_ends_no_row():
    moment = units.Moment("a\rb.wav", 1.0, 0.5)
    found = units.Found(
        "m",
        None,
        (units.Unit(0, (moment,), None),),
        1,
        2.0,
        {"label": {"a\rb.wav": "x\ry"}},
        {},
        {},
    )
    rows = [*csv.DictReader(io.StringIO(units_stage.as_table(found), newline=""))]
    assert [(row["recording"], row["label"]) for row in rows] == [("a\rb.wav", "x\ry")]


def test_a_name_with_line_breaks_is_told_in_one_line():
    """As terminals are not to obey it."""
    shared = naming.Shared("label", "rain\n\x1b[2J", 2, 3, 4, 9, 0.2, 0.5)
    assert units_stage.told(shared).startswith(r"rain\n\x1b[2J, 2 of 3 (44.4 % of all)")


def test_of_some_units_those_alone_are_written(model, folder, tmp_path):
    config = UnitsConfig(
        str(tmp_path),
        inputs=str(folder / "one.mkv"),
        model=model,
        layer="conv1",
        units=("1", "0"),
        top=1,
    )
    units_stage.run(config, progress=False)
    content = json.loads((tmp_path / "units.json").read_text())
    assert [unit["unit"] for unit in content["units"]] == [0, 1]
