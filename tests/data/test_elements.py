"""All that a dataset has."""

import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.data.elements import elements


def test_each_element_comes_once_and_the_end_is_no_news(capfd):
    numbers = tf.data.Dataset.range(5).map(lambda x: {"x": x, "squared": x**2}).batch(2)
    found = list(elements(numbers))
    said = capfd.readouterr().err
    np.testing.assert_array_equal(np.concatenate([one["x"] for one in found]), range(5))
    np.testing.assert_array_equal(
        np.concatenate([one["squared"] for one in found]), [0, 1, 4, 9, 16]
    )
    assert "OUT_OF_RANGE" not in said
    assert list(elements(tf.data.Dataset.range(0))) == []


def test_an_error_comes_after_what_was_before_it():
    """100 over 2, 1 and 0; and not as an end."""
    found = []
    with pytest.raises(tf.errors.InvalidArgumentError):
        for one in elements(tf.data.Dataset.range(2, -1, -1).map(lambda x: 100 // x)):
            found.append(int(one))
    assert found == [50, 100]
