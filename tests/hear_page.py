"""The page that hears, for tests: small networks, and its scripts alone in a browser."""

import base64
import contextlib
import wave

import browser as browsers
import keras
import numpy as np
import playwright.sync_api
from lively import lively

from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.pages import template
from soundnet_tf.serving.listener import Listener

LABELS = {
    "objects": ("dog, domestic dog", "rain", "</script><script>alert(1)</script>", "sea", "é"),
    "scenes": ("street", "<b>{{ café }}</b></script><script>alert(2)</script>", "'\"&"),
}


def network(name: str, heads=("objects", "scenes")) -> keras.Model:
    """A student of few classes whose probabilities differ by much from moment to moment: kernels of
    He's size, so that signals reach the heads, and heads whose logits, over the steps of
    `sound(20.3)`, have a mean of 0 and a standard deviation of 1."""
    counts = {f"{h[:-1]}_classes": len(LABELS[h]) if h in heads else None for h in LABELS}
    made = lively(students.BUILDERS[name](**counts))
    rng = np.random.default_rng(5)
    for variable in made.variables:
        if variable.name == "kernel":
            fan_in = int(np.prod(variable.shape[:-1]))
            input_scale = 256 / 10 if "conv1" in variable.path else 1
            drawn = rng.normal(0, np.sqrt(2 / fan_in) / input_scale, variable.shape)
            variable.assign(drawn)
    for head, logits in FoldedNetwork(made)(sound(20.3)[None], endpoints=heads).items():
        layer, deviation = made.get_layer(head), np.std(logits, axis=1)[0]
        layer.kernel.assign(layer.kernel / deviation)
        layer.bias.assign((layer.bias - np.mean(logits, axis=1)[0]) / deviation)
    return made


def labels_of(student: keras.Model) -> dict[str, tuple[str, ...]]:
    return {head: LABELS[head] for head in students.heads_of(student)}


def probabilities(student: keras.Model, waveform: np.ndarray) -> tuple[np.ndarray, dict]:
    """Moments [steps] and head to [steps, classes], as `recognize` has them of a network whose
    kernels are rounded to 16 bits, as the page's are."""
    network = FoldedNetwork(student)
    for name, (kernel, bias) in network.weights.items():
        network.weights[name] = np.float32(np.float16(kernel)), bias
    ears = Listener(network, labels_of(student))
    (heard,) = ears.hear([waveform], ears.labels)
    first = next(iter(heard.steps.values()))
    return first.secs, {head: steps.values for head, steps in heard.steps.items()}


def sound(secs: float, rate: int = 22050, seed: int = 0) -> np.ndarray:
    """Noise and tones that come and go, float32 [samples] in [-1, 1], of the same seconds at any
    rate, with nothing above 9 kHz."""
    rng = np.random.default_rng(seed)
    moments = np.arange(round(secs * rate)) / rate
    waveform = np.zeros(moments.size)
    for hz in rng.uniform(60, min(9000, 0.4 * rate), 40):
        phase, beat = rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.4)
        waveform += np.sin(2 * np.pi * hz * moments + phase) * np.sin(np.pi * beat * moments) ** 2
    return (waveform / 20).astype(np.float32)


_MORE = """
function floats(text) {
  return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
function* cut(samples, size) {
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size);
}
"""


@contextlib.contextmanager
def scripts(browser, folder, *names: str):
    """A page with these of the hearing page's scripts, and `floats` of base64, `cut` to pieces."""
    parts = [_MORE] + [
        (template.ASSETS / "hear" / f"{name}.js").read_text("utf-8") for name in names
    ]
    path = folder / "scripts.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><script>{''.join(parts)}</script>", "utf-8"
    )
    with browsers.opened(browser, path) as page:
        yield page


def base64_of(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


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
    playwright.sync_api.expect(waits.first).to_be_attached()
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
    """That `answers` are the student's."""
    secs, expected = probabilities(student, waveform)
    np.testing.assert_allclose(found[0], secs, atol=1e-6)
    assert found[1].keys() == expected.keys()
    for head, values in expected.items():
        np.testing.assert_allclose(found[1][head], values, atol=tolerance)
