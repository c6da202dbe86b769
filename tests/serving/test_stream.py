"""Sound in pieces: joined outputs are those of the whole, at every step, whatever the pieces."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundnet_tf.media import read_audio
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving.stream import Stream, stream

SECOND = 22050


@pytest.fixture(scope="module")
def network():
    try:
        return FoldedNetwork(student.SoundNet8(weights="published"))
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def soundnet5():
    return FoldedNetwork(student.SoundNet5(object_classes=4, scene_classes=3))


def noise(samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.4, 0.4, samples).astype(np.float32)


def split(waveform, size):
    return np.split(waveform, range(size, waveform.size, size))


def steps_of(network, name, samples):
    if name in network.heads:
        return network.architecture.inner_head_steps(samples)
    return network.architecture.output_length(name, samples)


def check(network, waveform, pieces):
    """Every endpoint: 1e-5 of its largest value at every step, as many steps, centres in order."""
    outputs = list(stream(network, pieces, network.endpoints))
    reached = [n for n in network.endpoints if steps_of(network, n, waveform.size)]
    whole = network(waveform[None], endpoints=reached) if reached else {}
    for name, point in network.endpoints.items():
        values = np.concatenate([output[name].values for output in outputs], axis=1)
        secs = np.concatenate([output[name].secs for output in outputs])
        np.testing.assert_allclose(secs, [point.centre_secs(i) for i in range(values.shape[1])])
        if name not in reached:
            assert values.shape[1] == 0, name
            continue
        expected = whole[name].numpy()
        assert values.shape == expected.shape, name
        tolerance = 1e-5 * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("size", [997, 32768, 100_003])
@pytest.mark.parametrize("secs", [0.3, 3.7, 10.99, 14.2, 61.3])
def test_pieces_of_one_size(network, secs, size):
    waveform = noise(round(secs * SECOND))
    check(network, waveform, split(waveform, size))


@pytest.mark.parametrize("samples", [1, 13, 14, 222, 4573, 4574])
def test_very_short_sound_sample_by_sample(network, samples):
    waveform = noise(samples)
    check(network, waveform, split(waveform, 1 if samples < 300 else 100))


@given(cuts=st.lists(st.integers(0, 6 * SECOND), max_size=8), samples=st.integers(1, 6 * SECOND))
@settings(max_examples=25)
def test_pieces_of_any_sizes(soundnet5, cuts, samples):
    """Empty pieces too, and cuts anywhere."""
    waveform = noise(samples)
    check(soundnet5, waveform, np.split(waveform, sorted(min(cut, samples) for cut in cuts)))


def test_a_real_recording(network, shared):
    path = shared / "data/videos/moviepy__media__big_buck_bunny_0_30.webm"
    waveform = read_audio(str(path))
    check(network, waveform, split(waveform, 4096))


def test_recordings_in_step(network):
    waveforms = np.stack([noise(12 * SECOND, seed) for seed in range(3)])
    live = Stream(network, ["conv6"], batch=3)
    outputs = [live.push(piece) for piece in np.split(waveforms, [30_000, 40_000], axis=1)]
    outputs.append(live.finish())
    joined = np.concatenate([output["conv6"].values for output in outputs], axis=1)
    np.testing.assert_allclose(joined, network(waveforms, endpoints=["conv6"])["conv6"], atol=1e-5)


@pytest.mark.parametrize("name", ["conv1", "pool2", "conv4", "pool5", "conv7"])
def test_steps_come_as_soon_as_they_are_determined(network, name):
    """Step i is there with sample start + i hop + field - 1, the last that it hears, and not one
    sample sooner. (Negative for no endpoint from step 2 on.)"""
    point = network.endpoints[name]
    step = 3
    last_heard = point.start_samples + step * point.hop_samples + point.receptive_field_samples - 1
    live = Stream(network, [name])
    before = live.push(noise(last_heard))[name].values.shape[1]
    after = live.push(noise(1))[name].values.shape[1]
    assert (before, after) == (step, 1)


def test_a_head_waits_for_the_trunk_step_behind_it(network):
    """Head step i hears conv7 steps 2i … 2i + 7 and is given when conv7 step 2i + 8 is there."""
    conv7 = network.endpoints["conv7"]
    last_heard = conv7.start_samples + 8 * conv7.hop_samples + conv7.receptive_field_samples - 1
    live = Stream(network, ["objects"])
    assert live.push(noise(last_heard))["objects"].values.shape[1] == 0
    assert live.push(noise(1))["objects"].values.shape[1] == 1


def test_misuse_is_named(network):
    with pytest.raises(ValueError, match="no endpoint conv9"):
        Stream(network, ["conv9"])
    live = Stream(network, ["pool5"])
    with pytest.raises(ValueError, match=r"shape \[2, 10\] came to a stream of 1"):
        live.push(np.zeros((2, 10), np.float32))
    live.finish()
    with pytest.raises(ValueError, match="the stream is over"):
        live.push(noise(10))


def test_integers_are_what_their_floats_are(soundnet5):
    """The int16 and, in its upper bits, the int32 of a float32 sound, quiet pieces among them."""
    sound = np.round(noise(60_000) * 32767).astype(np.int16)
    sound[20_000:40_000] //= 2000  # at most 6 of 32768

    def heard(samples):
        live = Stream(soundnet5, ["conv4"])
        parts = [live.push(piece)["conv4"].values for piece in split(samples, 10_000)]
        return np.concatenate([*parts, live.finish()["conv4"].values], axis=1)

    expected = heard(np.float32(sound / 32768))
    np.testing.assert_array_equal(heard(sound), expected)
    np.testing.assert_array_equal(heard(sound.astype(np.int32) << 16), expected)


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (np.float32([0, np.nan]), "NaN or infinite"),
        (np.float32([0, -np.inf]), "NaN or infinite"),
        (np.float32([0, 20000]), "full scale is 1"),
        (np.array([0, 20000]), "int64"),
        (np.array([0, 20000], np.int32), "int32"),
        ([0, 20000], "int64"),
    ],
)
def test_pieces_that_are_refused_leave_the_stream_as_it_was(soundnet5, piece, message):
    sound = noise(30_000)
    live, undisturbed = Stream(soundnet5, ["conv4"]), Stream(soundnet5, ["conv4"])
    live.push(sound)
    undisturbed.push(sound)
    with pytest.raises(ValueError, match=message):
        live.push(piece)
    np.testing.assert_array_equal(
        live.push(sound)["conv4"].values, undisturbed.push(sound)["conv4"].values
    )


def test_beyond_full_scale_is_clipped_as_embed_does(soundnet5):
    loud, clipped = (Stream(soundnet5, ["conv4"]) for _ in range(2))
    sound = 4 * noise(30_000)
    np.testing.assert_array_equal(
        loud.push(sound)["conv4"].values, clipped.push(np.clip(sound, -1, 1))["conv4"].values
    )


_HOURS = """
import resource, sys
import numpy as np
from soundnet_tf.serving import listener
ears = listener.load("published")
piece = np.random.default_rng(0).uniform(-0.4, 0.4, 10 * 22050).astype(np.float32)
hours = float(sys.argv[1])
heard = ears.hear_pieces((piece for _ in range(int(hours * 360))), ["objects", "scenes"])
print(heard.steps["objects"].values.shape[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_hours_of_sound_need_no_more_memory_than_minutes(network):
    """Two hours grow by what their 2421 steps of 1401 float32 probabilities take, twice over while
    they are joined, and little else."""
    steps, peaks = [], []
    for hours in (0.1, 2.0):
        done = subprocess.run(
            [sys.executable, "-c", _HOURS, str(hours)], capture_output=True, text=True, check=True
        )
        count, peak_kb = map(int, done.stdout.split())
        steps.append(count)
        peaks.append(peak_kb * 1024)
    assert steps == [
        network.architecture.inner_head_steps(round(hours * 360) * 10 * SECOND)
        for hours in (0.1, 2.0)
    ]
    assert peaks[1] - peaks[0] < 3 * steps[1] * 1401 * 4 + 100e6
