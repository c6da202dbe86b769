"""What the page does with what it is given: files, one after the other or several at once, what is
none, and the microphone."""

import re

import browser as browsers
import hear_page
import numpy as np
import playwright.sync_api
import pytest

expect = playwright.sync_api.expect
SECS = 20.3


def file_of(page, path):
    """A file, as the page's JavaScript has it."""
    return page.evaluate_handle(
        "([text, name]) => new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name)",
        [hear_page.base64_of(np.frombuffer(path.read_bytes(), np.uint8)), path.name],
    )


def test_a_file_that_is_chosen_while_another_ends_is_heard_alone(page, students, tmp_path):
    """Of the page being busy there is told three times: as each begins, and when the second is
    heard."""
    first, second = (
        hear_page.write_wav(tmp_path / f"{s}.wav", hear_page.sound(9.0, seed=s)) for s in (1, 2)
    )
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
    hear_page.check(students["soundnet5"], hear_page.answers(page), hear_page.read_wav(second))
    assert page.evaluate("timesTold") == 3


def test_a_file_is_dropped(page, students, tmp_path):
    path = hear_page.write_wav(tmp_path / "dropped.wav", hear_page.sound(9.0))
    transfer = page.evaluate_handle(
        "(file) => { const transfer = new DataTransfer(); "
        "transfer.items.add(file); return transfer; }",
        file_of(page, path),
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.locator("#results[aria-busy=false]")).to_be_attached(timeout=60_000)
    expect(page.locator("#name")).to_have_text("dropped.wav")
    hear_page.check(students["soundnet5"], hear_page.answers(page), hear_page.read_wav(path))


def test_of_several_files_it_says_which_was_heard(page, tmp_path):
    path = hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
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
        hear_page.hear(page, tmp_path / name)
        expect(page.locator("#status.error")).to_contain_text(message)
        expect(page.locator("#results")).to_be_hidden()
    secs, _ = hear_page.hear(
        page, hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(3.0))
    )
    assert len(secs) == 1
    expect(page.locator("#results")).to_be_visible()


def test_channels_that_cancel_out_are_told(page, tmp_path):
    sound = hear_page.sound(3.0)
    hear_page.hear(
        page, hear_page.write_wav(tmp_path / "sound.wav", np.stack([sound, -sound], axis=1))
    )
    expect(page.locator("#status")).to_contain_text("cancel out")


def test_the_microphone(browser, pages, tmp_path):
    """One that hears a tone of 1000 Hz: what the page takes down is that tone, all of it in the
    answer when it is stopped."""
    rate, secs = 48000, 60
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate * secs) / rate)
    path = hear_page.write_wav(tmp_path / "tone.wav", tone, rate)
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
    # Parts of 0.2 s behind the beginning; of a busy machine's microphone some lack a piece.
    parts = np.lib.stride_tricks.sliding_window_view(heard[22050:], 4410)[::441]
    spectra = np.abs(np.fft.rfft(parts * np.hanning(4410)))
    assert np.median(spectra.argmax(axis=1)) == 1000 * 4410 // 22050
    others = (spectra[:, :150].sum(axis=1) + spectra[:, 250:].sum(axis=1)) / spectra.sum(axis=1)
    assert others.min() < 0.05


@pytest.mark.parametrize("is_heard_before", [True, False])
def test_a_microphone_that_is_denied_takes_no_file_away(page, students, tmp_path, is_heard_before):
    """Neither one that was heard before, nor one that came while the browser asked."""
    path = hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = () => new Promise((_, reject) => { "
        "window.deny = () => reject(new DOMException('', 'NotAllowedError')) }); 0"
    )
    if is_heard_before:
        hear_page.hear(page, path)
    page.click("#microphone")
    if not is_heard_before:
        hear_page.hear(page, path)
    page.evaluate("deny()")
    expect(page.locator("#status.error")).to_contain_text("does not allow")
    expect(page.locator("#results[aria-busy=false]")).to_be_visible()
    expect(page.locator("#name")).to_have_text("sound.wav")
    hear_page.check(students["soundnet5"], hear_page.answers(page), hear_page.read_wav(path))


@pytest.mark.parametrize("late", ["stop", "finish"])
def test_a_microphone_that_ends_late_changes_no_file(page, students, tmp_path, late):
    """Its end is not told to a worker that hears a file meanwhile, nor is its last answer shown."""
    path = hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(SECS))
    wait = "await new Promise((done) => { window.end = done; })"
    page.evaluate(
        "async () => { shown = new Heard('microphone'); shown.sent = 0; await ears.begin(22050); "
        f"const stop = async () => {{ {wait if late == 'stop' else ''} }}; "
        "microphone = {rate: 22050, stop}; "
        "ears.finish = async () => { delete ears.finish; const last = await ears.finish(); "
        f"{wait if late == 'finish' else ''}; return last; }}; stopMicrophone(); }}"
    )
    browsers.wait_until(page, "window.end")
    page.evaluate("delete ears.finish; 0")
    hear_page.check(students["soundnet5"], hear_page.hear(page, path), hear_page.read_wav(path))
    status = page.locator("#status").text_content()
    page.evaluate("ears.finish = () => { window.isTold = true; }; 0")
    page.evaluate("end(); new Promise((done) => setTimeout(done))")
    assert not page.evaluate("window.isTold")
    expect(page.locator("#status")).to_have_text(status)
    hear_page.check(students["soundnet5"], hear_page.answers(page), hear_page.read_wav(path))


def test_nothing_plays_on_behind_what_is_shown(page, tmp_path):
    """A sound that plays stops when the next begins, and when a file cannot be heard: its player is
    hidden then, so nobody could stop it, and the microphone would hear it."""
    path = hear_page.write_wav(tmp_path / "sound.wav", hear_page.sound(12.0))
    (tmp_path / "text.txt").write_text("no sound")
    for others in ("show(new Heard('next'))", "fail('wrong')"):
        hear_page.hear(page, path)
        page.evaluate("player.play().catch(() => 0); 0")
        assert not page.evaluate("player.paused")
        page.evaluate(others)
        assert page.evaluate("player.paused && !player.hasAttribute('src') && player.hidden")
    hear_page.hear(page, path)
    page.evaluate("player.play().catch(() => 0); 0")
    hear_page.hear(page, tmp_path / "text.txt")
    assert page.evaluate("player.paused")
