"""`--channel`, `--audio_stream` and `--short` of a report: units, map and timelines are of the
sound that is chosen."""

import re

import pytest
import several_sounds
import soundfile
import tuned_network
from lively import lively

from soundnet_tf.models import checkpoint, student
from soundnet_tf.reporting import run as stage
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving.recognize import recognize_file

CHOICES = {
    "channel": (several_sounds.write_channels, {"channel": "first"}),
    "stream": (several_sounds.write_streams, {"audio_stream": 0}),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    network = lively(student.SoundNet5(object_classes=3, scene_classes=2))
    for head in tuned_network.LABELS:  # so that its answers differ by whole percents
        kernel, bias = network.get_layer(head).get_weights()
        network.get_layer(head).set_weights([20 * kernel, bias])
    checkpoint.save_student(folder, network, tuned_network.LABELS)
    return folder


def written(folder, model, name, **options):
    config = ReportConfig(
        out=str(folder / name), model=model, inputs=str(folder / "in"), units=2, **options
    )
    stage.run(config, progress=False)
    return [(folder / name / file).read_bytes() for file in ("index.html", "units.csv")]


@pytest.mark.parametrize("choice", CHOICES)
def test_the_sound_that_is_chosen_is_heard_and_played(tmp_path, model, choice):
    """The page and the table of units are, to the last byte, those of files that have it alone."""
    write, options = CHOICES[choice]
    write(tmp_path / "both" / "in", tmp_path / "alone" / "in")
    chosen = written(tmp_path / "both", model, "out", **options)
    assert chosen == written(tmp_path / "alone", model, "out")
    other = written(tmp_path / "both", model, "other")
    assert chosen[0] != other[0] and chosen[1] != other[1]


def test_short_sound_is_lengthened_as_was_asked(tmp_path, model):
    """Of 2 s, with silence behind or again and again: the timeline has what is recognised."""
    (tmp_path / "in").mkdir()
    path = str(tmp_path / "in" / "a.wav")
    soundfile.write(path, tuned_network.sound_of([500, 1500]), tuned_network.RATE)
    told = {}
    for short in ("loop", "pad"):
        page, _ = written(tmp_path, model, short, short=short)
        (heard,) = recognize_file(path, model, short=short).probabilities["objects"]
        expected = [f"{100 * p:.0f}\u202f%" for p in sorted(heard.tolist(), reverse=True)]
        peaks = re.findall(r'<span class="peak">(\d+\u202f%)</span>', page.decode())
        assert peaks[:3] == expected
        told[short] = expected
    assert told["loop"] != told["pad"]
