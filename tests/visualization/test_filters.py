"""`bin/visualize.py filters`: one figure of any network."""

import re

import commands
import numpy as np
import pytest
import torch7_files
import tuned_network
from PIL import Image

from soundnet_tf.models.architecture import SOUNDNET5
from soundnet_tf.visualization import filters

HZ = [2500, 500, 4000, 1500]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tuned_network.save(tmp_path_factory.mktemp("a $\\frac$ run") / "last", HZ)


def test_filters_stand_by_their_frequencies(model, tmp_path):
    """The twelve filters of zeros have 0 Hz and come first; a name with dollars is no formula."""
    out = tmp_path / "filters.svg"
    done = commands.completed("visualize", "filters", f"--model={model}", f"--out={out}")
    assert (done.returncode, done.stdout) == (0, f"wrote {out}\n")
    found = filters.draw(model, str(out))
    assert found.channels.tolist() == [*range(4, 16), 1, 3, 0, 2]
    np.testing.assert_allclose(found.centres_hz, [0] * 12 + sorted(HZ), atol=30)
    written = out.read_text()
    hertz = re.findall(r">\s*([\d\u202f]+) Hz</text>", written)
    assert [int(number.replace("\u202f", "")) for number in hertz] == [
        round(hz) for hz in found.centres_hz
    ]
    assert "a $\\frac$ run" in written and "16 filters of conv1" in written


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_network_gives_the_same_bytes(model, tmp_path, suffix):
    for name in ("one", "other"):
        filters.draw(model, str(tmp_path / f"{name}.{suffix}"), 50)
    one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "other"))
    assert one == other and len(one) > 5000
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{suffix}", f"other.{suffix}"]


def test_released_weights_are_drawn_as_they_are(tmp_path):
    """A Torch7 file of SoundNet-5, of 32 filters."""
    weights = torch7_files.random_weights(SOUNDNET5)
    path = torch7_files.write(tmp_path / "net.t7", torch7_files.net(SOUNDNET5, weights))
    out = tmp_path / "filters.png"
    found = filters.draw(str(path), str(out), dots_per_inch=50)
    kernels = weights["conv1"]["weights"][:, 0, 0]  # [taps, filters]
    np.testing.assert_array_equal(found.waveforms, kernels.T[found.channels])
    assert (np.diff(found.centres_hz) >= 0).all()
    with Image.open(out) as image:
        assert image.size[0] == 8 * 50
