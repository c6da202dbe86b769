"""Distillation itself, in small: from teachers that are made up a network learns to hear, and from
the same ones whose films are exchanged it does not."""

import csv

import numpy as np
import pytest
import soundfile

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import sources
from soundnet_tf.data.batch_settings import CACHED, PipelineConfig
from soundnet_tf.evaluation import baselines, linear
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving import listener
from soundnet_tf.simulation import prepare, teachers
from soundnet_tf.sounds import labelled_set
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.training import loop
from soundnet_tf.training.settings import DistillConfig, OptimizerConfig, TrainConfig

KINDS = 6
SECS = 2.0


def tone_in_noise(kind, rng):
    """One of six tones, two thirds of an octave apart, 5 dB below noise whose colour is random: how
    loud each band is says little of the kind."""
    seconds = np.arange(round(SECS * SAMPLE_RATE)) / SAMPLE_RATE
    spectrum = np.fft.rfft(rng.standard_normal(seconds.size))
    colour = np.interp(np.linspace(0, 8, spectrum.size), range(9), rng.uniform(-1, 1, 9))
    noise = np.fft.irfft(spectrum * 10**colour, seconds.size)
    hertz = 250 * 1.6**kind * rng.uniform(0.97, 1.03)
    tone = np.sin(2 * np.pi * (hertz * seconds + rng.uniform())) * np.sqrt(2) * 10 ** (-5 / 20)
    sound = tone + noise / noise.std()
    return np.float32(0.5 * rng.uniform(0.2, 1) * sound / np.abs(sound).max())


def write_sounds(folder, per_fold, seed):
    """A labelled set with so many recordings of every kind in each of the folds."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    rows = []
    for fold, count in per_fold.items():
        for kind in range(KINDS):
            for k in range(count):
                rows.append((f"{fold}-{kind}-{k}.wav", f"kind {kind}", fold))
                sound = tone_in_noise(kind, rng)
                soundfile.write(folder / rows[-1][0], sound, SAMPLE_RATE, "PCM_16")
    with open(folder / "sounds.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "fold"), *rows])
    return labelled_set.from_manifest(str(folder / "sounds.csv"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By name, what a training of 64 steps gave: its last epoch, the constant answer's KL, and the
    share of 120 recordings that the linear probe tells by conv7, with three labels of each kind; of
    "untrained" that alone."""
    folder = tmp_path_factory.mktemp("simulated")
    learned = write_sounds(folder / "learned", {1: 16, 2: 16}, seed=1)
    heard = write_sounds(folder / "heard", {"train": 3, "test": 20}, seed=2)
    prepare.prepare(learned, teachers.EXACT, str(folder / "P"), progress=False)
    waveforms = read_clips(heard, 5.0, progress=False)
    like = FoldedNetwork(student.SoundNet8(include_top=False))
    untrained = baselines.untrained_network(like, waveforms)
    found = {"untrained": {"accuracy": accuracy(heard, untrained, waveforms)}}
    for name, shuffled in (("true", False), ("shuffled", True)):
        config = TrainConfig(
            steps=64,
            pipeline=PipelineConfig(batch_size=8, crop_secs=11.0, targets=CACHED),
            optimizer=OptimizerConfig(learning_rate=1e-3, schedule="cosine"),
            distill=DistillConfig(shuffled_pairs=shuffled),
        )
        out = str(folder / name)
        done = loop.train(config, *sources.from_prepared(str(folder / "P")), out)
        network = listener.load(f"{out}/last").network
        constant = {"constant": done.baselines["constant"]["kl_objects"]}
        right = {"accuracy": accuracy(heard, network, waveforms)}
        found[name] = done.history[-1] | constant | right
    return found


def accuracy(data, network, waveforms):
    return linear.accuracies(network, data, waveforms, ("conv7",))["conv7"]


@pytest.mark.slow
def test_it_learns_from_teachers_that_see_and_not_from_exchanged_ones(trained):
    """The constant answer to six kinds that are equally many is ln 6 off. How much better a sound
    fits its own film than those of others is far beyond its standard error, or within it."""
    true, shuffled = trained["true"], trained["shuffled"]
    assert true["constant"] == pytest.approx(np.log(KINDS), abs=1e-3)
    assert true["val_kl_objects"] < true["constant"] / 2 < true["constant"]
    assert shuffled["val_kl_objects"] > shuffled["constant"]
    assert true["val_hears_objects"] > 8 and abs(shuffled["val_hears_objects"]) < 3


@pytest.mark.slow
def test_what_it_learned_serves_the_probe(trained):
    """The standard error of a difference is about 6 points of 120 recordings."""
    right = {name: found["accuracy"] for name, found in trained.items()}
    assert right["true"] > right["untrained"] + 0.12
    assert right["true"] > right["shuffled"] + 0.2
