"""The stage: a page of a run, an evaluation and recordings, in a browser too."""

import csv
import html
import json
import re
import shutil

import browser as browsers
import commands
import numpy as np
import pytest
import soundfile
import tuned_network
from colour_teacher import write_colour_teacher
from lively import lively

from soundnet_tf.models import checkpoint, student
from soundnet_tf.reporting import run as stage
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving.recognize import recognize_file

NAUGHTY = "a\"'&<script>alert(1)</script>\nb"  # also of a file, but for the slash
NAUGHTY_FILE = f"{NAUGHTY.replace('/', '')}.wav"
RED, BLUE = (220, 40, 40), (40, 40, 220)
HISTORY = [
    ["epoch", "loss", "val_loss", "kl_objects", "val_kl_objects", "val_shuffled_objects"],
    [0, 3.5, 3.25, 2.5, 2.25, 2.375],
    [1, 1.5, 2.0, 1.25, 1.125, 1.75],
]


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    """A run's folder as bin/train.py leaves it, with odd names among the settings."""
    folder = tmp_path_factory.mktemp("run")
    network = lively(student.SoundNet8(object_classes=3, scene_classes=2))
    checkpoint.save_student(str(folder / "last"), network, tuned_network.LABELS)
    run = {"soundnet_tf": "0.1.0", "settings": {"init_from": NAUGHTY, "epochs": 2}}
    run["clips"] = {"train": 27, "validation": 7}
    (folder / "run.json").write_text(json.dumps(run))
    with open(folder / "history.csv", "w", newline="") as file:
        csv.writer(file).writerows(HISTORY)
    baselines = {"constant": {"kl_objects": 1.875}, "start": {"kl_objects": 4.0}}
    (folder / "baselines.json").write_text(json.dumps(baselines))
    verdict = {"verdict": "learned", "reasons": [f"Since {NAUGHTY}."]}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    return folder


@pytest.fixture(scope="module")
def an_evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    row = {"layer": "pool5", "input_scale": 1.0, "accuracy_mean": 0.8125, "accuracy_std": 0.03125}
    row |= {"confusion": [[13, 3], [3, 13]], "paper": None}
    content = {
        "dataset": "csv",
        "protocol": "linear",
        "settings": {"model": NAUGHTY},
        "classes": [NAUGHTY, "rain"],
        "rows": [row],
        "untrained": [],
        "baselines": {"chance": 0.5},
    }
    (folder / "results.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A film of 10 s, red and from 4 s on blue, a sound of 5 s with an odd name, one sample, two
    tones of 2 s, and a file with nothing in it."""
    folder = tmp_path_factory.mktemp("inputs")
    tuned_network.write_film(folder / "film.mkv", [500] * 10, [RED] * 4 + [BLUE] * 6)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 5 * 22050)
    soundfile.write(folder / NAUGHTY_FILE, noise, 22050)
    soundfile.write(folder / "one.wav", np.full(1, 0.5), 22050)
    for hz in (500, 1500):
        tone = tuned_network.sound_of([hz, hz])
        soundfile.write(folder / f"tone {hz}.wav", tone, 22050)
    (folder / "nothing.wav").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory, a_run, an_evaluation, inputs):
    """The report of all of these, written once, and its page."""
    pytest.importorskip("vl_convert")
    folder = tmp_path_factory.mktemp("report")
    config = ReportConfig(
        out=str(folder / "new"),
        run=str(a_run),
        evaluations=(str(an_evaluation),),
        inputs=str(inputs),
        teachers={
            "objects": write_colour_teacher(folder / "teacher.keras", [RED, BLUE, (0, 0, 0)])
        },
        units=3,
    )
    report = stage.run(config, progress=False)
    with open(report.path, encoding="utf-8") as file:
        return report, file.read()


def texts(page):
    """What stands in the page's markup, without tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", "|", body))


def test_what_could_not_be_read_is_named(made):
    report, page = made
    assert (report.recordings, report.shown) == (6, 5)
    assert list(report.unread) == ["nothing.wav"]
    assert "nothing.wav: is empty (0 bytes)" in texts(page)
    assert report.size == len(page.encode())
    said = stage.text(report)
    assert "5 of 6 recordings" in said
    assert "\n  nothing.wav: is empty" in said


def test_figures_of_the_run_and_the_evaluation_stand_on_the_page(made):
    """The last epoch's 1.125 beside 1.875 and 4, and 81.25 ± 3.125 %; charts have the history."""
    _, page = made
    told = texts(page)
    assert "|1.125|" in told
    assert "constant answer 1.875, before training 4.000, other videos' pictures 1.750" in told
    assert "Verdict: |learned|" in told
    assert "|81.2 ± 3.1 %|" in told and "most frequent class 50.0 %" in told
    assert re.search(r"init_from\|<?.*?" + re.escape(NAUGHTY), told)
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', page).group(1))
    values = charts["kl_objects"]["data"]["values"]
    assert [row["value"] for row in values if row["of"] == "held-out clips"] == [2.25, 1.125]


def test_what_is_heard_is_what_recognize_says(made, a_run, inputs):
    _, page = made
    heard = recognize_file(str(inputs / "film.mkv"), str(a_run / "last"))
    label, probability = heard.top_overall("objects", 1)[0]
    assert len(heard.secs) == 1
    assert f"10.0 s; objects: {label} {100 * probability:.0f}\u202f%" in texts(page)


def test_the_teacher_sees_what_is_on_screen_at_the_networks_moment(made, inputs):
    """The one step of a film of 10 s stands for its middle; it is blue from 4 s on, so the teacher
    says colour 1 there, surely."""
    _, page = made
    row = re.search(r'<table class="beside">.*?<tbody>(.*?)</tbody>', page, re.S).group(1)
    told = html.unescape(re.sub(r"<[^>]*>", "|", row))
    assert "5.0 s" in told
    assert "colour 1 100\u202f%" in told


def test_the_page_in_a_browser(browser, made):
    """Phone and desktop, light and dark: no error and no request (`browsers.opened`), names are
    text, players have their sound, the charts are drawn, nothing is wider than the screen."""
    report, _ = made
    for width, dark in ((390, True), (1280, False)):
        with browsers.opened(browser, report.path, width=width, dark=dark) as page:
            browsers.wait_until(page, "document.documentElement.dataset.charts === 'drawn'")
            assert not browsers.is_wider_than_screen(page)
            names = page.locator(".recording h3").all_text_contents()
            assert names == [NAUGHTY_FILE, "film.mkv", "one.wav", "tone 1500.wav", "tone 500.wav"]
            scripts = "[...document.scripts].map((one) => one.textContent)"
            assert not page.evaluate(f"{scripts}.some((text) => text.startsWith('alert'))")
            frames = "document.querySelectorAll('.recording .frames img').length"
            assert page.evaluate(frames) == 8
            values = page.evaluate("charts.views.loss.data('source_0').map((row) => row.value)")
            assert sorted(values) == [1.5, 2.0, 3.25, 3.5]


def test_a_player_plays_and_its_line_moves(browser, made):
    """The film's player has all 10 s. A click on the middle of its timeline sets it to 5 s, and the
    line stands in the middle of the waveform."""
    report, _ = made
    with browsers.opened(browser, report.path) as page:
        film = page.locator(".recording").nth(1)
        film.scroll_into_view_if_needed()
        track = film.locator(".waveform")
        box = track.bounding_box()
        track.click(position={"x": box["width"] / 2, "y": 5})
        audio = "document.querySelectorAll('.recording audio')[1]"
        browsers.wait_until(page, f"Math.abs({audio}.currentTime - 5) < 0.1")
        assert page.evaluate(f"{audio}.duration") == pytest.approx(10, abs=0.1)
        browsers.wait_until(page, "!document.querySelectorAll('.cursor')[1].hidden")
        line, box = film.locator(".cursor").bounding_box(), track.bounding_box()
        assert line["x"] == pytest.approx(box["x"] + box["width"] / 2, abs=8)
        page.evaluate(f"{audio}.play()")
        browsers.wait_until(page, f"{audio}.currentTime > 5.2")
        assert film.locator(".cursor").bounding_box()["x"] > line["x"]


def test_the_map_answers_a_click(browser, made):
    """In the list of clips the film's name is chosen; its sound is there to be played."""
    report, _ = made
    with browsers.opened(browser, report.path) as page:
        page.locator(".map-list button", has_text="film.mkv").first.click()
        assert "film.mkv" in page.locator(".map-chosen h3").text_content()
        assert page.locator(".map-detail audio").get_attribute("src").startswith("data:audio/mpeg")


def test_the_keyboard_reaches_all(browser, made):
    """Tab comes to each link of the contents, player, and fold-out that is shown (the map's player
    is not until a clip is chosen)."""
    report, _ = made
    shown = (
        "[...document.querySelectorAll('.contents a, audio, summary')]"
        ".filter((one) => !one.closest('[hidden]'))"
    )
    with browsers.opened(browser, report.path) as page:
        wanted = page.evaluate(f"{shown}.length")
        reached = set()
        for _ in range(30 * wanted):
            page.keyboard.press("Tab")
            found = page.evaluate(f"{shown}.indexOf(document.activeElement)")
            if found < 0 and page.evaluate("document.activeElement === document.body"):
                break
            reached.add(found)
        assert reached >= set(range(wanted))


def test_without_recordings_the_network_itself_is_shown(tmp_path, a_run):
    report = stage.run(ReportConfig(out=str(tmp_path), model=str(a_run / "last")), progress=False)
    told = texts((tmp_path / "index.html").read_text("utf-8"))
    assert "How good it is was not measured for this page" in told
    assert "What its first layer hears" in told
    assert (report.recordings, report.unread) == (0, {})
    assert "What it hears" not in told


def test_the_command_ends_with_1_if_a_recording_could_not_be_read(tmp_path, a_run, inputs):
    arguments = [f"--model={a_run / 'last'}", f"--out={tmp_path}", "--recordings=1", "--units=1"]
    done = commands.completed("report", f"--inputs={inputs}", *arguments)
    assert done.returncode == 1
    assert "1 of 6 recordings" in done.stdout
    assert "nothing.wav: is empty" in done.stdout
    done = commands.completed("report", f"--inputs={inputs / 'one.wav'}", *arguments)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": "L"}, "name these by --inputs"),
        ({"teachers": {"objects": "keras:VGG16"}}, "name these by --inputs"),
        ({"inputs": "I", "dataset": "esc10"}, "name its folder by --labels"),
        ({"out": "s3://bucket/report"}, "give a local folder"),
        ({"out": ""}, "out is empty; name a folder"),
        ({"run": "R", "model": "M"}, "about one network"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        ReportConfig(**({"out": "O"} | settings))


def test_the_network_is_the_runs_unless_another_is_named():
    assert ReportConfig(out="O").source == "published"
    assert ReportConfig(out="O", run="R").source == "R/last"
    assert ReportConfig(out="O", run="R", which="best").source == "R/best"
    assert ReportConfig(out="O", model="M").source == "M"


def test_a_folder_of_something_else_is_refused_at_once(tmp_path, a_run):
    shutil.copytree(a_run / "last", tmp_path / "last")
    run = ReportConfig(out=str(tmp_path), run=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"--run=.* has no run.json; .* bin/train.py"):
        run.check_inputs()
    evaluation = ReportConfig(
        out=str(tmp_path), model=str(a_run / "last"), evaluations=(str(tmp_path),)
    )
    with pytest.raises(FileNotFoundError, match=r"--evaluation=.* has no results.json"):
        evaluation.check_inputs()


def test_a_run_of_a_classifier_is_told_from_one_of_a_network(tmp_path):
    """Its run.json has classes; it said that the run had no student yet."""
    (tmp_path / "run.json").write_text('{"classes": ["dog", "sea"], "settings": {}}')
    with pytest.raises(ValueError, match=r"run .* is one of bin/finetune.py; a report is about"):
        ReportConfig(out=str(tmp_path), run=str(tmp_path)).check_inputs()


def test_a_run_that_has_just_begun_is_told_from_a_wrong_folder(tmp_path):
    """Its first epoch goes on: run.json is there, no student yet."""
    (tmp_path / "run.json").write_text("{}")
    for which in ("last", "best", "best_probe"):
        begun = ReportConfig(out=str(tmp_path / "out"), run=str(tmp_path), which=which)
        with pytest.raises(FileNotFoundError, match=rf"has no {which} student .* first epoch"):
            begun.check_inputs()
