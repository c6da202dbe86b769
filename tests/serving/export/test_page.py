"""The page that hears as one uses it: in Chromium, from the disk, without a network."""

import re
import wave

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


@pytest.fixture(scope="module")
def students():
    return {
        "soundnet8": hear_page.network("soundnet8"),
        "soundnet5": hear_page.network("soundnet5", ["scenes"]),
    }


@pytest.fixture(scope="module")
def pages(students, tmp_path_factory):
    """The files, by the students' names."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / "new" / f"{name}.html" for name in students}
    for name, path in paths.items():
        student = students[name]
        written = export.export(student, hear_page.labels_of(student), str(path), ("page",))
        assert written == [str(path)]
    return paths


@pytest.fixture
def page(browser, pages):
    with browsers.opened(browser, pages["soundnet5"]) as opened:
        expect(opened.locator("#status")).to_have_text("Ready.")
        yield opened


def write_wav(path, waveform, rate=22050):
    """16 bits; [samples] or [samples, channels]."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1 if waveform.ndim == 1 else waveform.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(np.round(waveform * 32767).astype("<i2").tobytes())
    return path


def read_wav(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)


def hear(page, path):
    """Chooses a file, and waits until it is heard or refused."""
    page.set_input_files("#file", path)
    waits = page.locator("#results[aria-busy=false], #status.error")
    expect(waits.first).to_be_attached(timeout=60_000)
    return answers(page)


def answers(page):
    """Moments [steps] and head to [steps, classes]."""
    code = (
        "shown && shown.steps.map(({secs, probabilities}) => [secs, Object.fromEntries("
        "Object.entries(probabilities).map(([head, of]) => [head, Array.from(of)]))])"
    )
    steps = page.evaluate(code) or []
    heads = steps[0][1] if steps else {}
    return np.array([secs for secs, _ in steps]), {
        head: np.array([step[head] for _, step in steps]) for head in heads
    }


def check(student, found, waveform, tolerance=1e-4):
    secs, expected = hear_page.probabilities(student, waveform)
    np.testing.assert_allclose(found[0], secs, atol=1e-6)
    assert found[1].keys() == expected.keys()
    for head, values in expected.items():
        np.testing.assert_allclose(found[1][head], values, atol=tolerance)


@pytest.mark.parametrize("name", ["soundnet8", "soundnet5"])
def test_a_file_gives_the_students_answers(browser, pages, students, tmp_path, name):
    """Exactly the sound that the network takes, and 48 kHz of two channels, of which it hears the
    mean: within 1e-3 there, as the resampler is not soxr's very own."""
    path = write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    one, other = (hear_page.sound(SECS, 48000, seed) for seed in (1, 2))
    stereo = write_wav(tmp_path / "stereo.wav", np.stack([one, other], axis=1), 48000)
    resampled = soxr.resample((one + other) / 2, 48000, 22050, quality="HQ")
    with browsers.opened(browser, pages[name], width=390, dark=True) as page:
        check(students[name], hear(page, path), read_wav(path))
        check(students[name], hear(page, stereo), resampled, 1e-3)
        assert not browsers.is_wider_than_screen(page)


def test_short_sound_is_looped_and_has_one_answer(page, students, tmp_path):
    """Of 3 s, of one sample, and of none."""
    for samples in (66150, 1, 0):
        path = write_wav(tmp_path / f"{samples}.wav", hear_page.sound(3.0)[:samples] + 0.25)
        found = hear(page, path)
        assert found[0].tolist() == [samples / 22050 / 2]
        check(students["soundnet5"], found, read_wav(path))
        expect(page.locator("#status")).to_contain_text("one answer")


def test_what_is_shown_is_what_was_heard(page, students, tmp_path):
    """The table has a line a step with the most probable classes, whatever characters they have,
    and one of the whole; the player has the sound."""
    path = tmp_path / "<img src=x onerror=alert(1)> '\"&\n.wav"
    write_wav(path, hear_page.sound(SECS))
    secs, probabilities = hear(page, path)
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
    secs, _ = hear(page, write_wav(tmp_path / "sound.wav", hear_page.sound(SECS)))
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
    hear(page, write_wav(tmp_path / "sound.wav", hear_page.sound(SECS)))
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


def file_of(page, path):
    """A file, as the page's JavaScript has it."""
    return page.evaluate_handle(
        "([text, name]) => new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name)",
        [hear_page.base64_of(np.frombuffer(path.read_bytes(), np.uint8)), path.name],
    )


def test_a_file_that_is_chosen_while_another_ends_is_heard_alone(page, students, tmp_path):
    """Of the page being busy there is told three times: as each begins, and when the second is
    heard."""
    first, second = (write_wav(tmp_path / f"{s}.wav", hear_page.sound(9.0, seed=s)) for s in (1, 2))
    page.evaluate(
        "(next) => { window.timesTold = 0; "
        "new MutationObserver((changes) => timesTold += changes.length)"
        ".observe(byId('results'), {attributeFilter: ['aria-busy']}); "
        "ears.finish = async () => { const last = await Ears.prototype.finish.call(ears); "
        "if (shown.name === '1.wav') hearFile(next); return last; }; }",
        file_of(page, second),
    )
    page.set_input_files("#file", first)
    expect(page.locator("#status")).to_contain_text("Heard")
    check(students["soundnet5"], answers(page), read_wav(second))
    assert page.evaluate("timesTold") == 3


def test_a_file_is_dropped(page, students, tmp_path):
    path = write_wav(tmp_path / "dropped.wav", hear_page.sound(9.0))
    transfer = page.evaluate_handle(
        "(file) => { const transfer = new DataTransfer(); "
        "transfer.items.add(file); return transfer; }",
        file_of(page, path),
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.locator("#results[aria-busy=false]")).to_be_attached(timeout=60_000)
    expect(page.locator("#name")).to_have_text("dropped.wav")
    check(students["soundnet5"], answers(page), read_wav(path))


def test_what_cannot_be_heard_is_told_and_the_next_is_heard(page, tmp_path):
    floats = np.zeros(100, np.float32)
    floats[50] = np.nan
    import soundfile

    soundfile.write(tmp_path / "nan.wav", floats, 22050, subtype="FLOAT")
    soundfile.write(tmp_path / "loud.wav", floats * 0 + 20000, 22050, subtype="FLOAT")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.txt").write_text("no sound")
    for name, message in (
        ("nan.wav", "reach NaN"),
        ("loud.wav", "reach 20000, where full scale is 1"),
        ("empty.wav", "the file is empty"),
        ("text.txt", "cannot decode it"),
    ):
        hear(page, tmp_path / name)
        expect(page.locator("#status.error")).to_contain_text(message)
        expect(page.locator("#results")).to_be_hidden()
    secs, _ = hear(page, write_wav(tmp_path / "sound.wav", hear_page.sound(3.0)))
    assert len(secs) == 1
    expect(page.locator("#results")).to_be_visible()


def test_channels_that_cancel_out_are_told(page, tmp_path):
    sound = hear_page.sound(3.0)
    hear(page, write_wav(tmp_path / "sound.wav", np.stack([sound, -sound], axis=1)))
    expect(page.locator("#status")).to_contain_text("cancel out")


def test_the_microphone(browser, pages, tmp_path):
    """One that hears a tone of 1000 Hz: what the page takes down is that tone, all of it in the
    answer when it is stopped."""
    rate, secs = 48000, 60
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate * secs) / rate)
    path = write_wav(tmp_path / "tone.wav", tone, rate)
    arguments = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}")
    with (
        browsers.beside(browser, *arguments) as other,
        browsers.opened(other, pages["soundnet5"]) as page,
    ):
        page.click("#microphone")
        timeline = page.locator("#timeline")
        expect(timeline).to_have_attribute("aria-valuemax", re.compile("^[2-9]"))
        expect(page.locator("#player")).to_be_hidden()  # there is nothing to play yet
        page.click("text=Stop listening")
        expect(page.locator("#results[aria-busy=false]")).to_be_attached(timeout=60_000)
        expect(page.locator("#answers tbody tr")).to_have_count(1)
        expect(page.locator("#player")).to_be_visible()
        heard = np.array(page.evaluate("shown.sound.flatMap((piece) => Array.from(piece))"))
        assert heard.size == round(page.evaluate("shown.secs") * 22050)
    part = heard[22050 : 22050 + 8820]  # behind the beginning, 0.4 s
    spectrum = np.abs(np.fft.rfft(part * np.hanning(part.size)))
    assert np.argmax(spectrum) == 1000 * part.size // 22050
    assert spectrum[:300].sum() + spectrum[500:].sum() < 0.05 * spectrum.sum()


def test_nothing_plays_on_behind_what_is_shown(page, tmp_path):
    """A sound that plays stops when the next begins, and when a file cannot be heard: its player is
    hidden then, so nobody could stop it, and the microphone would hear it."""
    path = write_wav(tmp_path / "sound.wav", hear_page.sound(12.0))
    (tmp_path / "text.txt").write_text("no sound")
    for others in ("show(new Heard('next'))", "fail('wrong')"):
        hear(page, path)
        page.evaluate("player.play().catch(() => 0); 0")
        assert not page.evaluate("player.paused")
        page.evaluate(others)
        assert page.evaluate("player.paused && !player.hasAttribute('src') && player.hidden")
    hear(page, path)
    page.evaluate("player.play().catch(() => 0); 0")
    hear(page, tmp_path / "text.txt")
    assert page.evaluate("player.paused")


@pytest.mark.parametrize("is_heard_before", [True, False])
def test_a_microphone_that_is_denied_takes_no_file_away(page, students, tmp_path, is_heard_before):
    """Neither one that was heard before, nor one that came while the browser asked."""
    path = write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = () => new Promise((_, reject) => { "
        "window.deny = () => reject(new DOMException('', 'NotAllowedError')) }); 0"
    )
    if is_heard_before:
        hear(page, path)
    page.click("#microphone")
    if not is_heard_before:
        hear(page, path)
    page.evaluate("deny()")
    expect(page.locator("#status.error")).to_contain_text("does not allow")
    expect(page.locator("#results[aria-busy=false]")).to_be_visible()
    expect(page.locator("#name")).to_have_text("sound.wav")
    check(students["soundnet5"], answers(page), read_wav(path))


def test_a_microphone_that_stops_late_changes_no_file(page, students, tmp_path):
    """Its end is not told to a worker that hears a file meanwhile."""
    path = write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    page.evaluate(
        "shown = new Heard('microphone'); ears.begin(22050); "
        "microphone = {rate: 22050, stop: () => new Promise((done) => { window.stopped = done })}; "
        "stopMicrophone(); 0"
    )
    check(students["soundnet5"], hear(page, path), read_wav(path))
    status = page.locator("#status").text_content()
    page.evaluate("stopped(); new Promise((done) => setTimeout(done))")
    expect(page.locator("#status")).to_have_text(status)
    check(students["soundnet5"], answers(page), read_wav(path))


def test_of_several_files_it_says_which_was_heard(page, tmp_path):
    path = write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    transfer = page.evaluate_handle(
        "(text) => { const transfer = new DataTransfer(); "
        "const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); "
        "for (const name of ['first.wav', 'second.wav', 'third.wav']) "
        "transfer.items.add(new File([bytes], name)); return transfer; }",
        hear_page.base64_of(np.frombuffer(path.read_bytes(), np.uint8)),
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.locator("#results[aria-busy=false]")).to_be_attached(timeout=60_000)
    expect(page.locator("#name")).to_have_text("first.wav")
    expect(page.locator("#status")).to_contain_text("Of the 3 files only the first was heard.")


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
            path = write_wav(tmp_path / name, np.stack([sound, other], axis=1), 44100)
            recognised = recognize_file(str(path))
            found = hear(page, path)
            np.testing.assert_allclose(found[0], recognised.secs, atol=1e-3)
            for head, expected in recognised.probabilities.items():
                np.testing.assert_allclose(found[1][head], expected, atol=1e-3)
            path = write_wav(tmp_path / f"22050_{name}", read_audio(str(path)))
            found = hear(page, path)
            outputs = model(read_wav(path)[None])
            for head in ("objects", "scenes"):
                expected = outputs[head][0].numpy()
                if name == "short.wav":
                    expected = expected.mean(axis=0, keepdims=True)
                np.testing.assert_allclose(found[1][head], expected, atol=1e-3)
