"""The page that hears as one uses it: in Chromium, from the disk, without a network."""

import re

import browser as browsers
import hear_page
import numpy as np
import playwright.sync_api
import pytest
import soxr

from soundnet_tf.models import checkpoint
from soundnet_tf.serving.export import run as export
from soundnet_tf.serving.export.settings import ExportConfig

expect = playwright.sync_api.expect
SECS = 20.3


@pytest.mark.parametrize("name", ["soundnet8", "soundnet5"])
def test_a_file_gives_the_students_answers(browser, pages, students, tmp_path, name):
    """Exactly the sound that the network takes, and 48 kHz of two channels, of which it hears the
    mean: within 1e-3 there, as the resampler is not soxr's very own."""
    path = hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    one, other = (hear_page.sound(SECS, 48000, seed) for seed in (1, 2))
    stereo = hear_page.write_wav(tmp_path / "stereo.wav", np.stack([one, other], axis=1), 48000)
    resampled = soxr.resample((one + other) / 2, 48000, 22050, quality="HQ")
    with browsers.opened(browser, pages[name], width=390, dark=True) as page:
        hear_page.check(students[name], hear_page.hear(page, path), hear_page.read_wav(path))
        hear_page.check(students[name], hear_page.hear(page, stereo), resampled, 1e-3)
        assert not browsers.is_wider_than_screen(page)


def test_short_sound_is_looped_and_has_one_answer(page, students, tmp_path):
    """Of 3 s, of one sample, and of none."""
    for samples in (66150, 1, 0):
        path = hear_page.write_wav(
            tmp_path / f"{samples}.wav", hear_page.sound(3.0)[:samples] + 0.25
        )
        found = hear_page.hear(page, path)
        assert found[0].tolist() == [samples / 22050 / 2]
        hear_page.check(students["soundnet5"], found, hear_page.read_wav(path))
        expect(page.locator("#status")).to_contain_text("one answer")


def test_what_is_shown_is_what_was_heard(page, students, tmp_path):
    """The table has a line a step with the most probable classes, whatever characters they have,
    and one of the whole; the player has the sound."""
    path = tmp_path / "<img src=x onerror=alert(1)> '\"&\n.wav"
    hear_page.write_wav(path, hear_page.sound(SECS))
    secs, probabilities = hear_page.hear(page, path)
    expect(page.locator("#name")).to_have_text(path.name)
    expect(page.locator("#answers tbody tr")).to_have_count(len(secs))
    labels = [label.split(",")[0] for label in hear_page.LABELS["scenes"]]
    rows = [*probabilities["scenes"], probabilities["scenes"].mean(axis=0)]
    for cell, row in zip(page.locator("#answers td").all(), rows, strict=True):
        order = np.argsort(-row, kind="stable")
        said = cell.text_content().split(", ")
        assert [part.rpartition(" ")[0] for part in said] == [labels[i] for i in order]
        shown = [int(part.rpartition(" ")[2].rstrip("%")) for part in said]
        np.testing.assert_allclose(shown, 100 * row[order], atol=0.51)
    assert page.evaluate("player.duration") == pytest.approx(SECS, abs=0.01)
    assert page.evaluate("player.error") is None


def test_keys_reach_everything(page, tmp_path):
    """Tab goes from the file to the microphone, the player, the timeline, and each answer. Arrow
    keys move by a second, Home and End to the ends; an answer's button goes to its moment."""
    secs, _ = hear_page.hear(
        page, hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    )
    reached = []
    page.locator("#file").focus()
    for _ in range(30):
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.localName")
        )
        page.keyboard.press("Tab")
    order = [reached.index(name) for name in ("file", "microphone", "player", "timeline", "button")]
    assert order == sorted(order)
    assert reached.count("button") >= len(secs)
    timeline = page.locator("#timeline")
    timeline.focus()
    for keys, moment in (
        ("ArrowRight ArrowUp", 2.0),
        ("ArrowLeft", 1.0),
        ("End", SECS),
        ("Home", 0),
    ):
        for key in keys.split():
            page.keyboard.press(key)
        expect(timeline).to_have_attribute("aria-valuenow", f"{moment:.1f}")
        expect(timeline).to_have_attribute("aria-valuetext", re.compile(" of 0:20.3: .*%"))
    page.locator("#answers button").nth(1).click()
    expect(timeline).to_have_attribute("aria-valuenow", f"{secs[1]:.1f}")


def test_a_click_on_the_timeline_goes_there_and_the_player_follows(page, tmp_path):
    hear_page.hear(page, hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS)))
    box = page.locator("#timeline").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    expect(page.locator("#timeline")).to_have_attribute("aria-valuenow", re.compile(r"^10\.[12]$"))
    assert page.evaluate("player.currentTime") == pytest.approx(SECS / 2, abs=0.1)


def test_the_page_may_ask_nobody(page):
    """Whatever its code does: each kind of request is forbidden but to what it has itself."""
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert {word for words in allowed.values() for word in words.split()} == {
        *("'none'", "'unsafe-inline'", "blob:", "data:")
    }


def test_a_page_is_a_file_of_html(tmp_path, students):
    with pytest.raises(ValueError, match=r"out \(--out\) is page; a page is a file that ends"):
        ExportConfig(out="page", weights="published", formats=("page",))
    checkpoint.save_student(
        str(tmp_path), students["soundnet5"], hear_page.labels_of(students["soundnet5"])
    )
    (tmp_path / "folder.html").mkdir()
    for out, error in (("folder.html", IsADirectoryError), ("student.keras/a.html", OSError)):
        config = ExportConfig(
            out=str(tmp_path / out), weights=str(tmp_path), formats=("page",)
        )  # fmt: skip
        with pytest.raises(error, match="folder"):
            config.check_inputs()
    assert ExportConfig(out="pages", weights="published", formats=("page", "keras")).out == "pages"


def test_among_several_forms_it_has_a_name(students, tmp_path):
    student = students["soundnet5"]
    labels = hear_page.labels_of(student)
    written = export.export(student, labels, str(tmp_path / "all"), ("page", "keras"))
    assert written == [str(tmp_path / "all" / name) for name in ("soundnet.html", "keras")]
    assert (tmp_path / "all" / "soundnet.html").stat().st_size > 1e6
    assert not list(tmp_path.glob("**/.*"))


def test_weights_that_16_bits_cannot_hold_are_named(students, tmp_path):
    student = hear_page.network("soundnet5", ["scenes"])
    layer = student.get_layer("scenes")
    layer.kernel.assign(layer.kernel * 1e6)
    with pytest.raises(ValueError, match="scenes has weights up to"):
        export.export(student, hear_page.labels_of(student), str(tmp_path / "a.html"), ("page",))
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The page and the SavedModel of the published network."""
    folder = tmp_path_factory.mktemp("published")
    for form, name in (("page", "soundnet.html"), ("savedmodel", "model")):
        config = ExportConfig(out=str(folder / name), weights="published", formats=(form,))
        try:
            export.export_configured(config)
        except FileNotFoundError as error:
            pytest.skip(str(error))
    return folder


@pytest.mark.slow
def test_the_published_network_hears_real_recordings(browser, published, shared, tmp_path):
    """Eight recordings of ESC-10 in a row, 40 s, and one of 5 s: as the SavedModel hears them at
    22 050 Hz, and as `recognize_file` hears files of 44 100 Hz in two channels, to 1e-3."""
    import soundfile
    import tensorflow as tf

    from soundnet_tf.media import read_audio
    from soundnet_tf.serving.recognize import recognize_file

    folders = sorted((shared / "data/esc10/audio").iterdir())
    recordings = [soundfile.read(sorted(folder.iterdir())[3])[0] for folder in folders[:8]]
    model = tf.saved_model.load(str(published / "model"))
    with browsers.opened(browser, published / "soundnet.html") as page:
        for name, sound in (("long.wav", np.concatenate(recordings)), ("short.wav", recordings[0])):
            other = np.roll(sound, 3) / 2
            path = hear_page.write_wav(tmp_path / name, np.stack([sound, other], axis=1), 44100)
            recognised = recognize_file(str(path))
            found = hear_page.hear(page, path)
            np.testing.assert_allclose(found[0], recognised.secs, atol=1e-3)
            for head, expected in recognised.probabilities.items():
                np.testing.assert_allclose(found[1][head], expected, atol=1e-3)
            path = hear_page.write_wav(tmp_path / f"22050_{name}", read_audio(str(path)))
            found = hear_page.hear(page, path)
            outputs = model(hear_page.read_wav(path)[None])
            for head in ("objects", "scenes"):
                expected = outputs[head][0].numpy()
                if name == "short.wav":
                    expected = expected.mean(axis=0, keepdims=True)
                np.testing.assert_allclose(found[1][head], expected, atol=1e-3)
