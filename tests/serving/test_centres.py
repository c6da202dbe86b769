"""The seconds of steps, against centres followed back through the paper's table by hand."""

import numpy as np
import pytest

from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving.listener import Listener
from soundnet_tf.serving.stream import stream

RATE = 22050
# Name, steps that one step looks at, stride, padding on the left: the paper's tables 1 and 2.
TABLES = {
    "soundnet8": [
        ("conv1", 64, 2, 32), ("pool1", 8, 8, 0), ("conv2", 32, 2, 16), ("pool2", 8, 8, 0),
        ("conv3", 16, 2, 8), ("conv4", 8, 2, 4), ("conv5", 4, 2, 2), ("pool5", 4, 4, 0),
        ("conv6", 4, 2, 2), ("conv7", 4, 2, 2), ("objects", 8, 2, 0),
    ],
    "soundnet5": [
        ("conv1", 64, 2, 32), ("pool1", 8, 8, 0), ("conv2", 32, 2, 16), ("pool2", 8, 8, 0),
        ("conv3", 16, 2, 8), ("pool3", 8, 8, 0), ("conv4", 8, 2, 4), ("objects", 16, 12, 4),
    ],
}  # fmt: skip
HEAD_SECS = {"soundnet8": 15.0, "soundnet5": 14.0}  # of which a head has two steps


def centre_secs(table, endpoint, step):
    """Follows the first and the last thing that a step hears back to samples."""
    names = [name for name, *_ in table]
    first = last = step
    for _, kernel, stride, padding in reversed(table[: names.index(endpoint) + 1]):
        first = first * stride - padding
        last = last * stride - padding + kernel - 1
    return (first + last) / 2 / RATE


@pytest.fixture(scope="module", params=list(TABLES))
def network(request):
    return FoldedNetwork(student.BUILDERS[request.param](object_classes=3, scene_classes=2))


def noise(samples):
    return np.random.default_rng(samples).uniform(-0.4, 0.4, samples).astype(np.float32)


def check(network, endpoint, secs, count):
    table = TABLES[network.architecture.name]
    expected = [centre_secs(table, endpoint, step) for step in range(count)]
    assert count > 1
    np.testing.assert_allclose(secs, expected, rtol=0, atol=1e-9, err_msg=endpoint)


def test_centres_known_by_heart():
    """conv1's step 0 hears samples -32 to 31, pool1's -32 to 45."""
    assert centre_secs(TABLES["soundnet8"], "conv1", 0) == -0.5 / RATE
    assert centre_secs(TABLES["soundnet8"], "pool1", 0) == 6.5 / RATE
    assert centre_secs(TABLES["soundnet8"], "conv1", 5) == 9.5 / RATE


def test_of_a_stream_in_pieces(network):
    waveform = noise(round(HEAD_SECS[network.architecture.name] * RATE))
    names = [name for name, *_ in TABLES[network.architecture.name]]
    outputs = list(stream(network, np.split(waveform, range(70_001, waveform.size, 70_001)), names))
    for name in names:
        secs = np.concatenate([output[name].secs for output in outputs])
        check(network, name, secs, sum(output[name].values.shape[1] for output in outputs))


@pytest.mark.parametrize("fewer", [(), (1_000,)], ids=["alone", "in a batch with a shorter one"])
def test_of_a_listener(network, fewer):
    longest = round(HEAD_SECS[network.architecture.name] * RATE)
    names = ["conv4", "objects"]
    waveforms = [noise(longest), *(noise(longest - samples) for samples in fewer)]
    for heard in Listener(network, {}).hear(waveforms, names):
        for name in names:
            check(network, name, heard.steps[name].secs, len(heard.steps[name].values))


def test_of_a_listener_in_pieces(network):
    """Sound of more than one piece of 30 s."""
    waveform = noise(31 * RATE)
    heard = Listener(network, {}).hear_pieces(np.split(waveform, 7), ["conv4", "objects"])
    assert heard.duration_secs == 31.0
    for name, steps in heard.steps.items():
        check(network, name, steps.secs, len(steps.values))


def test_short_sound_has_one_step_in_its_middle(network):
    (heard,) = Listener(network, {}).hear([noise(2 * RATE)], ["objects"])
    np.testing.assert_array_equal(heard.steps["objects"].secs, [1.0])
