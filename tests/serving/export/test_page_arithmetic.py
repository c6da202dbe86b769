"""The page's JavaScript beside NumPy, soxr and the student: numbers, not what is shown."""

import hear_page
import numpy as np
import pytest
import soxr

from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving.export import page as export_page


def given(student, waveform):
    """What the page's scripts get of a student and a sound."""
    network = FoldedNetwork(student)
    kernels, biases = export_page._weights(network)
    return {
        "network": export_page.description(network, hear_page.labels_of(student)),
        "kernels": hear_page.base64_of(np.frombuffer(kernels, np.uint8)),
        "biases": hear_page.base64_of(np.frombuffer(biases, np.uint8)),
        "sound": hear_page.base64_of(waveform),
    }


STREAM = """({network, kernels, biases, sound, sizes}) => {
  const weights = decodeWeights(network, kernels, biases), x = floats(sound);
  return sizes.map((size) => {
    const stream = new Stream(network, weights), steps = [];
    for (const piece of cut(x, size)) steps.push(...stream.push(piece));
    steps.push(...stream.push(new Float32Array(0), true));
    return steps.map(({secs, probabilities}) => ({secs, probabilities:
      Object.fromEntries(Object.entries(probabilities).map(([k, v]) => [k, Array.from(v)]))}));
  });
}"""


def joined(steps, head):
    return np.array([step["probabilities"][head] for step in steps])


@pytest.mark.parametrize("name", ["soundnet8", "soundnet5"])
def test_the_stream_is_the_student(browser, tmp_path, students, name):
    """Of two sizes of pieces, the second of which is no multiple of anything, the answers are the
    same numbers; they are the student's."""
    student, waveform = students[name], hear_page.sound(20.3)
    with hear_page.scripts(browser, tmp_path, "network") as page:
        whole, pieces = page.evaluate(
            STREAM, given(student, waveform) | {"sizes": [waveform.size, 7001]}
        )
    assert whole == pieces
    secs, expected = hear_page.probabilities(student, waveform)
    np.testing.assert_allclose([step["secs"] for step in whole], secs, atol=1e-9)
    for head, probabilities in expected.items():
        assert np.ptp(probabilities, axis=0).max() > 0.3  # or nothing would be told by this
        np.testing.assert_allclose(joined(whole, head), probabilities, atol=1e-4)


def test_pieces_of_one_sample_and_of_none(browser, tmp_path, students):
    """As long as one step needs, less one, and one more."""
    student = students["soundnet5"]
    needed = FoldedNetwork(student).architecture.need("heads").minimum
    with hear_page.scripts(browser, tmp_path, "network") as page:
        for samples, count in ((0, 0), (1, 0), (needed - 1, 0), (needed, 1)):
            waveform = hear_page.sound(samples / 22050)
            assert waveform.size == samples
            whole, single = page.evaluate(
                STREAM, given(student, waveform) | {"sizes": [max(1, samples), 1000]}
            )
            assert whole == single
            assert len(whole) == count


def test_every_number_of_16_bits(browser, tmp_path):
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    with hear_page.scripts(browser, tmp_path, "network") as page:
        table = page.evaluate("Array.from(tableOfHalves(), (value) => String(value))")
    np.testing.assert_array_equal(np.array(table).astype(np.float32), values)


RESAMPLE = """({rate, sound, sizes}) => {
  const x = floats(sound);
  return sizes.map((size) => {
    const resampler = new Resampler(rate, 22050), y = [];
    for (const piece of cut(x, size)) y.push(...resampler.push(piece));
    y.push(...resampler.finish());
    return y;
  });
}"""


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 44101, 48000, 96000])
def test_resampling_is_soxrs(browser, tmp_path, rate):
    """White noise, which has all frequencies: 60 dB below it, but for the filter's length at both
    ends, where soxr's is another one; as many samples; pieces give the numbers of the whole."""
    noise = np.random.default_rng(rate).uniform(-0.5, 0.5, rate // 2 + 1).astype(np.float32)
    arguments = {"rate": rate, "sound": hear_page.base64_of(noise), "sizes": [noise.size, 777]}
    with hear_page.scripts(browser, tmp_path, "network", "resample") as page:
        whole, pieces = map(np.array, page.evaluate(RESAMPLE, arguments))
    np.testing.assert_array_equal(whole, pieces)
    expected = np.clip(soxr.resample(noise, rate, 22050, quality="HQ"), -1, 1)
    assert whole.shape == expected.shape
    inner = slice(500, -500)
    difference = (whole - expected)[inner]
    assert np.sqrt(np.mean(difference**2)) < 1e-3 * np.sqrt(np.mean(noise**2))


@pytest.mark.parametrize("rate", [11025, 44100, 44101, 48000])
def test_below_the_edge_of_its_pass_band_resampling_is_soxrs_to_80_db(browser, tmp_path, rate):
    """Tones up to 9 kHz or 0.4 of the rate, faded in and out, as an edge has all frequencies.
    (44 101 Hz has more phases than there are filters.)"""
    sound = hear_page.sound(0.5, rate)
    sound *= np.hanning(sound.size).astype(np.float32)
    arguments = {"rate": rate, "sound": hear_page.base64_of(sound), "sizes": [sound.size]}
    with hear_page.scripts(browser, tmp_path, "network", "resample") as page:
        (heard,) = page.evaluate(RESAMPLE, arguments)
    difference = heard - soxr.resample(sound, rate, 22050, quality="HQ")
    assert np.sqrt(np.mean(difference**2)) < 1e-4 * np.sqrt(np.mean(sound**2))


def test_a_moment_stays_where_it_is_and_loud_sound_is_clipped(browser, tmp_path):
    """A hump at 0.5 s of 48 kHz is at sample 11 025; a step overshoots, to 1 at most."""
    moments = np.arange(48000) / 48000
    hump = np.exp(-(((moments - 0.5) / 0.002) ** 2)).astype(np.float32)
    loud = np.where(moments % 0.01 < 0.005, 1, -1).astype(np.float32)
    with hear_page.scripts(browser, tmp_path, "network", "resample") as page:
        heard = [
            page.evaluate(
                RESAMPLE, {"rate": 48000, "sound": hear_page.base64_of(x), "sizes": [48000]}
            )[0]
            for x in (hump, loud)
        ]
    assert np.argmax(heard[0]) == 11025
    assert max(map(abs, heard[1])) == 1


def test_the_spectrum_is_numpys(browser, tmp_path):
    """The transform of noise; of a sine of full scale the band that it lies in is 255, at every
    column but those of the ends, and silence is 0."""
    noise = np.random.default_rng(0).normal(size=1024)
    sine = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050).astype(np.float32)
    sine[:100] = 0
    code = """({noise, sine}) => {
  const real = Float64Array.from(noise), imaginary = new Float64Array(1024);
  fft(real, imaginary);
  const spectrum = new Spectrum(22050), x = floats(sine);
  const parts = [spectrum.push(x.subarray(0, 5000)), spectrum.push(x.subarray(5000)),
    spectrum.finish()];
  const all = (name) => parts.flatMap((part) => Array.from(part[name]));
  return {real: [...real], imaginary: [...imaginary], edges: spectrum.edges,
    bands: all("bands"), low: all("low"), high: all("high")};
}"""
    with hear_page.scripts(browser, tmp_path, "network", "spectrum") as page:
        found = page.evaluate(code, {"noise": list(noise), "sine": hear_page.base64_of(sine)})
    expected = np.fft.fft(noise)
    np.testing.assert_allclose(found["real"], expected.real, atol=1e-9)
    np.testing.assert_allclose(found["imaginary"], expected.imag, atol=1e-9)
    bands = np.array(found["bands"]).reshape(-1, len(found["edges"]) - 1)
    assert len(bands) == -(-22050 // 512)
    tone_bin = round(1000 / 22050 * 1024)
    band = np.searchsorted(found["edges"], tone_bin, "right") - 1
    assert (bands[2:-2].argmax(axis=1) == band).all()
    assert bands[2:-2, band].min() > 250
    assert bands[2:-2, -5:].max() == 0
    np.testing.assert_allclose([min(found["low"]), max(found["high"])], [-1, 1], atol=1e-3)


def test_a_column_has_the_samples_of_its_own_time(browser, tmp_path):
    """A click at sample 10 * 512 + 300 is the highest of column 10, and of no other; one behind the
    last whole column is in the last."""
    click = np.zeros(16000, np.float32)
    click[10 * 512 + 300], click[-1] = 0.5, -0.75
    code = """({click}) => {
  const spectrum = new Spectrum(22050), x = floats(click);
  const parts = [spectrum.push(x.subarray(0, 5300)), spectrum.push(x.subarray(5300)),
    spectrum.finish()];
  return ["low", "high"].map((name) => parts.flatMap((part) => Array.from(part[name])));
}"""
    with hear_page.scripts(browser, tmp_path, "network", "spectrum") as page:
        low, high = map(np.array, page.evaluate(code, {"click": hear_page.base64_of(click)}))
    assert np.flatnonzero(high).tolist() == [10] and high[10] == 0.5
    assert len(low) == 32 and np.flatnonzero(low).tolist() == [31]
