"""What is spread: weights, the loss's gradients, layers' answers, against Keras and NumPy."""

import board_material as material
import cached_records as cached
import event_files
import numpy as np
import numpy_soundnet
import pytest
import tensorflow as tf

from soundnet_tf.data import pipeline
from soundnet_tf.training.board import histograms

HELD = [material.clip(n, 8.0) for n in range(2)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Folder, the student as it was drawn, and gradients of the sum of both heads' mean KL by
    Keras's own layers, whose batch norms take the batch's statistics; conv1's does not learn."""
    folder = tmp_path_factory.mktemp("drawn")
    distiller = material.distiller()
    student = distiller.student
    student.get_layer("conv1_bn").trainable = False
    (batch,) = pipeline.eval_batches(cached.source(*HELD), material.CONFIG)
    before = student.get_weights()
    answers = [numpy_soundnet.forward(student, clip) for clip in batch["waveform"].numpy()]
    with tf.GradientTape() as tape:
        logits, targets = student(batch["waveform"], training=True), distiller.targets(batch)
        loss = sum(
            tf.reduce_mean(tf.reduce_sum(p * (tf.math.log(p) - tf.nn.log_softmax(logits[h])), -1))
            for h, (p, _) in targets.items()
        )
    variables = student.trainable_variables
    gradients = {
        v.path: g.numpy() for v, g in zip(variables, tape.gradient(loss, variables), strict=True)
    }
    student.set_weights(before)
    with tf.summary.create_file_writer(str(folder)).as_default(step=5):
        histograms.Histograms(distiller, batch).draw()
    weights = dict(zip((v.path for v in student.variables), before, strict=True))
    return folder, weights, gradients, answers


def assert_is_of(found, values, rtol=1e-6):
    """Edges are the least and the greatest value; between them all values, bucket by bucket."""
    edges = np.append(found[:, 0], found[-1, 1])
    least, greatest = values.min(), values.max()
    np.testing.assert_allclose(edges[[0, -1]], [least, greatest], rtol=rtol, atol=1e-12)
    assert found[:, 2].sum() == values.size
    expected, _ = np.histogram(values, np.linspace(least, greatest, len(found) + 1))
    assert np.abs(expected - found[:, 2]).sum() <= 0.02 * values.size + 2  # at the edges


def test_weights_are_all_there_and_as_they_are(drawn):
    folder, weights, _, _ = drawn
    tags = {tag for tag in event_files.points(folder) if tag.startswith("weights/")}
    assert tags == {f"weights/{path}" for path in weights}
    for path in ("conv2_conv/kernel", "conv1_bn/gamma", "scenes/kernel"):
        assert_is_of(event_files.histogram(folder, f"weights/{path}"), weights[path])


def test_large_kernels_are_thinned_evenly():
    """The objects head's 8 192 000 numbers by 33, which has no divisor in common with their 1000
    classes; what is small stays whole."""
    numbers = np.arange(8 * 1024 * 1000).reshape(8, 1024, 1000)
    found = histograms.thinned(numbers).numpy()
    np.testing.assert_array_equal(found, np.arange(0, numbers.size, 33))
    assert found.size <= 2**18 and len(np.unique(found % 1000)) == 1000
    assert histograms.thinned(numbers[0, 0]).shape == (1000,)


def test_gradients_are_the_losss(drawn):
    """Not so of what does not learn; the spread may differ where a ReLU is undecided."""
    folder, _, gradients, _ = drawn
    tags = {tag for tag in event_files.points(folder) if tag.startswith("gradients/")}
    assert tags == {f"gradients/{path}" for path in gradients}
    assert "gradients/conv1_bn/gamma" not in tags
    for path in ("objects/bias", "scenes/kernel", "conv4_conv/kernel"):
        found = event_files.histogram(folder, f"gradients/{path}")
        assert_is_of(found, gradients[path], rtol=1e-2)


def test_answers_are_those_of_every_few_steps(drawn):
    """conv1 of two clips has 2 x 88 201 x 32 numbers, of which each 22nd step stays below 2^18;
    conv4 is drawn whole."""
    folder, _, _, answers = drawn
    for layer, every in (("conv1", 22), ("conv4", 1)):
        values = np.concatenate([outputs[layer][::every].ravel() for outputs in answers])
        assert values.size <= 2**18
        found = event_files.histogram(folder, f"activations/{layer}")
        assert_is_of(found, values, rtol=1e-3)
    tags = [tag for tag in event_files.points(folder) if tag.startswith("activations/")]
    assert len(tags) == 7  # four convolutions, three pools
