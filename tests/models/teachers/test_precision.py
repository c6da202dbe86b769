"""Teachers that compute in 16 bits say nearly the same, and say that they do."""

import keras
import numpy as np
import pytest
import small_vision
import tensorflow as tf

from soundnet_tf.models.settings import BFLOAT16, FLOAT16, FLOAT32, PRECISIONS
from soundnet_tf.models.teachers.teacher import load_teacher

pytestmark = pytest.mark.gpu


@pytest.fixture
def spec(tmp_path):
    return f"file:{small_vision.save(tmp_path)}"


def nested(tmp_path, seed=1):
    """A file of a network within a network."""
    inner = small_vision.small_network(seed=seed)
    inputs = keras.Input(inner.input_shape[1:])
    path = tmp_path / "nested.keras"
    keras.Model(inputs, inner(inputs)).save(path)
    return f"file:{path}"


@pytest.mark.parametrize(("precision", "tolerance"), [(BFLOAT16, 2e-2), (FLOAT16, 3e-3)])
def test_posteriors_are_those_of_float32_within_a_tolerance(spec, precision, tolerance):
    """bfloat16 has 8 bits of a number and float16 11: sums of some dozens of products of scores
    near 10 are off by about 2^-8 and 2^-11 of them."""
    frames = small_vision.random_frames()
    expected = load_teacher(spec)(frames)
    found = load_teacher(spec, precision)(frames)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(tf.reduce_sum(found, -1), np.ones((2, 3)), atol=1e-5)
    apart = np.abs(found - expected).max()
    assert 0 < apart < tolerance


def test_all_layers_with_weights_but_the_last_compute_in_it(tmp_path):
    for of_file in (f"file:{small_vision.save(tmp_path)}", nested(tmp_path)):
        model = load_teacher(of_file, FLOAT16).model
        layers = [layer for layer in _leaves(model) if layer.weights]
        assert len(layers) == 3
        assert [layer.compute_dtype for layer in layers] == ["float16", "float16", "float32"]
        assert {weight.dtype for weight in model.weights} == {"float32"}


def test_it_is_another_teacher(spec):
    teachers = {precision: load_teacher(spec, precision) for precision in PRECISIONS}
    assert len({teacher.fingerprint for teacher in teachers.values()}) == 3
    assert teachers[FLOAT32].fingerprint == load_teacher(spec).fingerprint
    assert [teachers[p].name for p in PRECISIONS] == [
        "small", "small-mixed_bfloat16", "small-mixed_float16"
    ]  # fmt: skip


def test_a_network_that_shows_no_layers_is_refused(tmp_path):
    small_vision.small_network().export(tmp_path / "saved", verbose=False)
    with pytest.raises(ValueError, match="does not show its layers.*let it look in float32"):
        load_teacher(f"file:{tmp_path / 'saved'}", BFLOAT16)


def _leaves(model):
    for layer in model.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else [layer]
