"""A clip that is not finite gives NaN through every form of the network; a finite one its bits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.models import checkpoint, finite, initialise, masking, student
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.training_pass import training_pass, trunk_pass

SAMPLES = 12 * 22050
BUILDERS = [student.SoundNet8, student.SoundNet5]
BAD_AT = 250_003
BAD = [np.nan, np.inf, -np.inf]


def clips(bad):
    """Three, of which the middle one has one sample that is not finite."""
    waveform = np.random.default_rng(0).uniform(-0.3, 0.3, (3, SAMPLES)).astype(np.float32)
    waveform[1, BAD_AT] = bad
    return waveform


def which_are_nan(outputs):
    """bool [clips] if all that a clip gives is alike."""
    rows = {name: np.isnan(values).reshape(3, -1) for name, values in outputs.items()}
    for name, row in rows.items():
        assert (row.all(axis=1) == row.any(axis=1)).all(), name
    (found,) = {tuple(row[:, 0]) for row in rows.values()}
    return found


ONLY_ITS_OWN = (False, True, False)
ALL = (True, True, True)


def small(build):
    return build(object_classes=3, scene_classes=2)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("build", BUILDERS)
def test_keras_students(build, bad, tmp_path):
    """From the first pool on every step of that clip; conv1 where it hears the sample."""
    network = small(build)
    names = [name for name in student.endpoints(network) if name != "conv1"]
    for tried in (network, checkpoint.float32_copy(network)):
        taps = keras.Model(tried.input, {name: tried.get_layer(name).output for name in names})
        assert which_are_nan(taps(clips(bad))) == ONLY_ITS_OWN
        assert which_are_nan(tf.function(taps)(tf.constant(clips(bad)))) == ONLY_ITS_OWN
        assert which_are_nan(tried.predict(clips(bad), verbose=0)) == ONLY_ITS_OWN
    conv1 = keras.Model(network.input, network.get_layer("conv1").output)(clips(bad))
    assert np.isnan(conv1[1]).any() or np.isinf(conv1[1]).any()
    checkpoint.save_student(str(tmp_path), network, {"objects": "abc", "scenes": "de"})
    loaded, _ = checkpoint.load_student(str(tmp_path))
    assert which_are_nan(loaded(clips(bad))) == ONLY_ITS_OWN


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("build", BUILDERS)
def test_folded_networks(build, bad):
    network = FoldedNetwork(small(build))
    assert which_are_nan(network(clips(bad))) == ONLY_ITS_OWN
    graph = network.compiled(network.select(["pool2", "scenes"]), False)
    assert which_are_nan(graph(tf.constant(clips(bad)))) == ONLY_ITS_OWN


@pytest.mark.parametrize("bad", BAD)
def test_what_lies_behind_a_clip_may_be_anything(bad):
    """It is padding: 250 003 samples are the clip's own, or one more. Of a masked call the first
    head step, which is the clip's own."""
    network = small(student.SoundNet5)
    folded = FoldedNetwork(network)
    for own, expected in ((BAD_AT, (False,) * 3), (BAD_AT + 1, ONLY_ITS_OWN)):
        lengths = tf.constant([SAMPLES, own, SAMPLES])
        found = folded(clips(bad), lengths, ["pool1", "conv4"])
        assert which_are_nan(found) == expected
        logits = masking.masked_call(network, clips(bad), lengths)
        assert which_are_nan({head: steps[:, :1] for head, steps in logits.items()}) == expected


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("build", BUILDERS)
def test_training_gives_nan_to_the_whole_batch(build, bad):
    """Its samples are in the statistics of every batch norm, by which all clips are divided."""
    waveform, lengths = tf.constant(clips(bad)), tf.constant([SAMPLES] * 3)
    assert which_are_nan(small(build)(waveform, training=True)) == ALL
    assert which_are_nan(training_pass(small(build), waveform)) == ALL
    assert which_are_nan(masking.masked_call(small(build), waveform, lengths, True)) == ALL


def test_frozen_statistics_keep_nan_to_its_clip():
    network = small(student.SoundNet5)
    initialise.freeze_batch_norm(network)
    assert which_are_nan(training_pass(network, tf.constant(clips(np.nan)))) == ONLY_ITS_OWN
    layers = ["pool1", "pool3", "conv4"]
    found = trunk_pass(network, tf.constant(clips(np.nan)), layers, training=False)
    assert which_are_nan(found) == ONLY_ITS_OWN


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("jit", [True, False])
def test_zero_or_nan_survives_graphs(static, jit):
    """An optimizer may not make a constant of it; zero is -0.0, which changes no number's bits."""
    shape = [3, SAMPLES] if static else [None, None]
    graph = tf.function(finite.zero_or_nan, input_signature=[tf.TensorSpec(shape)], jit_compile=jit)
    found = graph(clips(np.inf)).numpy()
    assert found.shape == (3, 1, 1)
    np.testing.assert_array_equal(np.isnan(found[:, 0, 0]), ONLY_ITS_OWN)
    assert np.signbit(found[[0, 2]]).all() and not found[[0, 2]].any()
    numbers = np.float32([0.0, -0.0, 1e-45, -3.0])
    assert (numbers + found[0, 0]).tobytes() == numbers.tobytes()
    assert np.isnan(finite.batch_zero_or_nan(clips(np.nan))).all()
    assert np.signbit(finite.batch_zero_or_nan(clips(0.0)))


def test_loud_but_finite_sound_stays_finite():
    """Of 16-bit scale, 20 s at full scale: no sum overflows, nothing is noticed."""
    loud = 32768 * np.ones((1, 441_000), np.float32)
    outputs = FoldedNetwork(small(student.SoundNet5))(loud, endpoints=["objects"])
    assert np.isfinite(outputs["objects"]).all()
