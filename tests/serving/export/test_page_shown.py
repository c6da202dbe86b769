"""What the page that hears shows of a sound, in numbers: answers beside a moment, rows over time,
waveform and spectrogram; and what it takes of channels and of the microphone."""

import math

import hear_page
import numpy as np
import playwright.sync_api
import pytest
import soundfile

from soundnet_tf.models import student as students
from soundnet_tf.pages import template

expect = playwright.sync_api.expect
SECS, RATE = 20.3, 22050


@pytest.fixture(scope="module")
def heads(student):
    return students.architecture_of(student).heads


@pytest.fixture
def heard(page, student, tmp_path):
    """The page with a sound, and moments and probabilities [steps, classes] by the student."""
    waveform = hear_page.sound(SECS)
    hear_page.hear(page, hear_page.write_wav(tmp_path / "sound.wav", waveform))
    secs, probabilities = hear_page.probabilities(student, waveform)
    return page, secs, probabilities["scenes"]


def clock(secs):
    tenths = math.floor(10 * secs + 0.5)
    return f"0:{tenths / 10:04.1f}"


def shown(probabilities):
    """Names and percents, the most probable first."""
    names = [label.split(",")[0] for label in hear_page.LABELS["scenes"]]
    order = np.argsort(-probabilities, kind="stable")
    return [f"{names[c]}{math.floor(100 * probabilities[c] + 0.5)}%" for c in order]


@pytest.mark.parametrize("moment", [0.0, 4.0, 9.0, SECS])
def test_beside_a_moment_stands_the_nearest_answer(heard, heads, moment):
    """With its own moment and what it hears, which is shaded; 4 s is nearer to the second step."""
    page, secs, probabilities = heard
    step = np.abs(secs - moment).argmin()
    page.evaluate(f"seek({moment})")
    expect(page.locator("#moment")).to_have_text(f"Around {clock(secs[step])}")
    half = heads.receptive_field_secs / 2
    begin, end = max(0, secs[step] - half), min(SECS, secs[step] + half)
    expect(page.locator("#hears")).to_have_text(
        f"This answer hears {clock(begin)} to {clock(end)}."
    )
    assert page.locator("#now li").all_text_contents() == shown(probabilities[step])
    field = page.locator(".field").bounding_box()
    box = page.locator("#timeline").bounding_box()
    at = (field["x"] - box["x"]) / box["width"], field["width"] / box["width"]
    np.testing.assert_allclose(at, [begin / SECS, (end - begin) / SECS], atol=0.003)


def test_page_keys_move_by_a_step(heard, heads):
    page, _, _ = heard
    timeline = page.locator("#timeline")
    timeline.focus()
    for key, steps in (("PageUp", 1), ("PageUp", 2), ("PageDown", 1)):
        page.keyboard.press(key)
        now = float(timeline.get_attribute("aria-valuenow"))
        assert now == pytest.approx(steps * heads.hop_secs, abs=0.051)


def test_rows_are_of_the_surest_classes_over_time(heard, heads):
    """Each with the most that it came to; its strength, the root of twice the probability, reaches
    from halfway to the step before to halfway to the next."""
    page, secs, probabilities = heard
    most = probabilities.max(axis=0)
    order = np.argsort(-most, kind="stable")
    names = [label.split(",")[0] for label in hear_page.LABELS["scenes"]]
    assert page.locator(".row .label").all_text_contents() == [
        f"{names[c]}, up to {math.floor(100 * most[c] + 0.5)}%" for c in order
    ]
    for place, number in enumerate(order):
        for share in (-0.4, 0.4):
            moments = [float(s) for s in secs + share * heads.hop_secs if 0 < s < SECS]
            steps = [np.abs(secs - moment).argmin() for moment in moments]
            found = page.evaluate(
                """([place, moments]) => {
                    const canvas = document.querySelectorAll(".row canvas")[place];
                    const pen = canvas.getContext("2d");
                    return moments.map((secs) => pen.getImageData(
                        Math.floor(secs * timeline.scale), 13, 1, 1).data[3] / 255);
                }""",
                [place, moments],
            )
            expected = np.sqrt(np.minimum(1, 2 * probabilities[steps, number]))
            np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_sound_is_drawn_where_it_is(page, tmp_path):
    """From 5 to 10 s of 20 samples are above 0, with 1000 Hz: in the mel scale 22.7 of 72 bands,
    so in the 50th row from the top; elsewhere is nothing."""
    moments = np.arange(20 * RATE) / RATE
    is_loud = (moments >= 5) & (moments < 10)
    tone = 0.25 + 0.25 * np.sin(2 * np.pi * 1000 * moments)
    hear_page.hear(page, hear_page.write_wav(tmp_path / "sound.wav", is_loud * tone))
    code = """(name) => {
        const canvas = document.querySelector(`#timeline .${name}`);
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.height, Array.from(data.filter((_, i) => i % 4 === 3))];
    }"""
    for name in ("waveform", "spectrogram"):
        height, alphas = page.evaluate(code, name)
        drawn = np.array(alphas).reshape(height, -1)
        columns = (np.arange(drawn.shape[1]) + 0.5) / drawn.shape[1] * 20
        inside, outside = (columns > 5.1) & (columns < 9.9), (columns < 4.9) | (columns > 10.1)
        if name == "waveform":
            assert (drawn[20:30, inside] > 200).all() and not drawn[:30, outside].any()
            assert not drawn[34:].any()
        else:
            assert (drawn[49, inside] > 180).all() and not drawn[:, outside].any()
            assert (drawn[22, inside] < 60).all()


def test_the_player_has_the_samples(page, tmp_path):
    """Of full scale too, which is 32767, and would be -32768 one further."""
    waveform = np.tile([1.0, -1.0, 0.5, -0.25], 5000)
    soundfile.write(tmp_path / "loud.wav", waveform, RATE, "FLOAT")
    hear_page.hear(page, tmp_path / "loud.wav")
    found = page.evaluate("shown.sound.flatMap((piece) => Array.from(piece))")
    np.testing.assert_allclose(found, 32767 * waveform, atol=1.5)


def test_what_the_browser_decodes_is_heard_to_its_end(page, student, tmp_path):
    """A FLAC of two channels and 17.3 s, which comes in pieces of 5 s: of their mean, all of it."""
    one, other = (hear_page.sound(17.3, seed=seed) for seed in (1, 2))
    soundfile.write(tmp_path / "sound.flac", np.stack([one, other], axis=1), RATE, "PCM_24")
    hear_page.hear(page, tmp_path / "sound.flac")
    assert page.evaluate("shown.secs") == pytest.approx(17.3, abs=1e-3)
    secs, probabilities = hear_page.probabilities(student, (one + other) / 2)
    found = page.evaluate("shown.steps.map((step) => Array.from(step.probabilities.scenes))")
    assert len(found) == len(secs)
    np.testing.assert_allclose(found, probabilities["scenes"], atol=1e-3)


def test_of_a_microphones_channels_the_mean_is_heard(browser, tmp_path):
    """In blocks of 4096, whatever the sound card gives at once; what is not there gives nothing."""
    code = (template.ASSETS / "hear" / "microphone_worklet.js").read_text("utf-8")
    with hear_page.scripts(browser, tmp_path) as page:
        blocks = page.evaluate(
            """(code) => {
                const blocks = [];
                let kind;
                class Base { port = {postMessage: (block) => blocks.push(Array.from(block))}; }
                new Function("registerProcessor", "AudioWorkletProcessor", code)(
                    (_, given) => { kind = given; }, Base);
                const listener = new kind();
                listener.process([[]]);
                for (let i = 0; i < 70; i++) {
                    const left = Float32Array.from({length: 128}, (_, k) => (128 * i + k) / 8192);
                    listener.process([[left, left.map((sample) => -sample / 2)]]);
                }
                return blocks;
            }""",
            code,
        )
    np.testing.assert_array_equal(blocks, np.arange(8192).reshape(2, 4096) / 8192 / 4)
