"""All that a dataset has, once."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf


def elements(dataset: tf.data.Dataset) -> Iterator[Any]:
    """What `for` gives of a dataset that ends, whose end TensorFlow 2.16 then reports as a warning
    (OUT_OF_RANGE): not here."""
    iterator = iter(dataset)
    while (found := iterator.get_next_as_optional()).has_value():
        yield found.get_value()
