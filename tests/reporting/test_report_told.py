"""What a report tells: of which student, in which units, by whose labels; and recordings whose
players have a part of them."""

import csv
import html
import json
import re

import browser as browsers
import several_sounds
import tuned_network
from colour_teacher import write_colour_teacher
from tuned_network import BLUE, RED

from soundnet_tf.reporting import hearing, recordings
from soundnet_tf.reporting import run as stage
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving import listener
from soundnet_tf.serving.recognize import recognize_file

HISTORY = [
    ["epoch", "loss", "val_loss", "kl_objects", "val_kl_objects"],
    [0, 3.5, 2.0, 2.5, 1.125],
    [1, 1.5, 3.25, 1.25, 2.25],
]


def texts(page):
    """What stands in the page's markup, without tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", "|", body))


def written(out, **options):
    stage.run(ReportConfig(out=str(out), **options), progress=False)
    return (out / "index.html").read_text("utf-8")


def write_run(folder):
    """A run whose best student is that of its first epoch of two."""
    for which in ("best", "last"):
        tuned_network.save(folder / which, (2500, 500, 1500))
    run = {"soundnet_tf": "0.1.0", "settings": {}, "clips": {"train": 27, "validation": 7}}
    verdict = {"verdict": "learned", "reasons": []}
    for name, content in (("run", run), ("verdict", verdict), ("baselines", {})):
        (folder / f"{name}.json").write_text(json.dumps(content))
    with open(folder / "history.csv", "w", newline="") as file:
        csv.writer(file).writerows(HISTORY)


def test_figures_are_of_the_students_epoch(tmp_path):
    """A SoundNet-8 hears 14.5 s every 3.0 s by 8 layers; unit 0 of its conv1 answers to 2500 Hz,
    1 to 500 and 2 to 1500 Hz, the others, of zeros, to none."""
    run = tmp_path / "run"
    write_run(run)
    for which, epoch, kl, who in (
        ("best", 1, "1.125", "the run\u2019s last student"),
        ("last", 2, "2.250", "it"),
    ):
        page = written(tmp_path / which, run=str(run), which=which)
        told = " ".join(texts(page).split())
        assert f"KL in nats after epoch {epoch} (less is better)||{kl}|" in told
        assert f"Did {who} learn? Verdict: |learned|" in told
    assert "on 27 clips; 7 of other videos were held out" in told
    assert "8 layers of convolutions; an answer hears 14.5 s, and there is one every 3.0 s" in told
    rows = re.findall(r'<tr><td class="number">(\d+)</td><td class="number">(\d+)</td></tr>', page)
    assert [int(unit) for unit, _ in rows] == [*range(3, 16), 1, 2, 0]
    assert [round(int(hz), -2) for _, hz in rows] == [0] * 13 + [500, 1500, 2500]


def test_an_evaluation_of_another_network_says_so(tmp_path):
    model = tuned_network.save(tmp_path / "model", (500,))
    row = {"layer": "pool5", "input_scale": 1.0, "accuracy_mean": 0.5, "accuracy_std": 0.0}
    results = {
        "dataset": "csv",
        "protocol": "linear",
        "classes": ["a"],
        "rows": [row | {"confusion": [[1]], "paper": None}],
        "untrained": [],
        "baselines": {"chance": 0.5},
    }
    for name, is_told in ((model, False), ("another", True)):
        content = results | {"settings": {"model": name}}
        (tmp_path / "results.json").write_text(json.dumps(content))
        page = written(tmp_path / "out", model=model, evaluations=(str(tmp_path),))
        assert (f"(measured of {name})" in page) == is_told


def test_labels_name_units_and_colour_the_map_and_stand_at_timelines(tmp_path):
    """Of five recordings of which four have a label."""
    several_sounds.write_channels(tmp_path / "in", tmp_path / "unused")
    rows = [("path", "label"), *((f"in/{i}.wav", ("hum", "hiss")[i % 2]) for i in range(4))]
    with open(tmp_path / "set.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    page = written(
        tmp_path / "out",
        model=tuned_network.save(tmp_path / "model", (500,)),
        inputs=str(tmp_path / "in"),
        labels=str(tmp_path / "set.csv"),
        units=1,
    )
    found = json.loads((tmp_path / "out" / "units.json").read_text())
    assert found["labels"] == {"label": {"hum": 2, "hiss": 2}}
    data = json.loads(re.search(r'id="map-data">(.*?)</script>', page).group(1))
    assert (data["names"], data["labels"]) == (["hiss", "hum"], [1, 0, 1, 0, -1])
    assert "Colours and shapes show their labels" in page
    timelines = page.split('<article class="recording"')[1:]
    told = [re.search(r"; label: (.*?);", timeline) for timeline in timelines]
    assert [label and label.group(1) for label in told] == ["hum", "hiss", "hum", "hiss", None]


def test_teachers_look_at_the_networks_own_moments(tmp_path):
    """Of a film of 60 s, red for 30 s and then blue, eight of 18 steps, from the first to the last:
    each sight is of its step's moment, and of the colour that is on screen there."""
    film = tuned_network.write_film(tmp_path / "a.mkv", [500] * 60, [RED] * 30 + [BLUE] * 30)
    spec = write_colour_teacher(tmp_path / "t.keras", [RED, BLUE])
    config = ReportConfig(out="O", inputs=film, teachers={"objects": spec})
    ears = listener.load(tuned_network.save(tmp_path / "model", (500,)))
    teachers = {"objects": recordings.load_teacher(spec)}
    one = hearing.hear("a", film, ears, teachers, config, 60.0)
    secs = one.recognition.secs
    assert len(secs) > 12 and len(one.steps) == len(one.sights) == 8
    assert (one.steps[0], one.steps[-1]) == (0, len(secs) - 1)
    for step, sight in zip(one.steps, one.sights, strict=True):
        assert sight.secs == secs[step]
        assert sight.seen["objects"].argmax() == (sight.secs > 30)


def test_a_player_of_a_part_keeps_its_timelines_moments(browser, tmp_path, monkeypatch):
    """The player has 4 s of a film of 10: a click at a fifth of the timeline goes to 2 s, and the
    line stands there; one behind its end goes to 4 s. Beside each other stand what the teacher sees
    and what the network hears."""
    monkeypatch.setattr(recordings, "_SOUND_SECS", 4.0)
    film = tuned_network.write_film(tmp_path / "film.mkv", [500] * 10, [RED] * 4 + [BLUE] * 6)
    model = tuned_network.save(tmp_path / "model", (500,))
    spec = write_colour_teacher(tmp_path / "t.keras", [RED, BLUE])
    page = written(tmp_path / "out", model=model, inputs=film, teachers={"objects": spec}, units=1)
    assert "The player has the first 4 s." in page
    table = re.search(r'<table class="beside">.*?</table>', page, re.S).group(0)
    heads = [re.sub("<.*?>", "", cell) for cell in re.findall(r"<th scope=\"col\">.*?</th>", table)]
    assert heads == ["moment", "objects: the teacher sees", "the network hears"]
    saw, heard = re.findall(r"<td[^>]*>(.*?)</td>", table)
    assert saw.startswith("colour 1 100")
    assert heard.split()[0] == recognize_file(film, model).top("objects", 1)[0][0][0]
    with browsers.opened(browser, tmp_path / "out" / "index.html") as opened:
        track, line = opened.locator(".waveform"), opened.locator(".cursor")
        track.scroll_into_view_if_needed()
        audio = "document.querySelector('.recording audio')"
        for share, secs in ((0.2, 2.0), (0.7, 4.0)):
            box = track.bounding_box()
            track.click(position={"x": share * box["width"], "y": 5})
            browsers.wait_until(opened, f"Math.abs({audio}.currentTime - {secs}) < 0.1")
            box = track.bounding_box()
            wanted = box["x"] + secs / 10 * box["width"]
            browsers.wait_until(
                opened,
                "Math.abs(document.querySelector('.cursor').getBoundingClientRect().left"
                f" - {wanted}) < 8",
            )
            assert line.is_visible()
