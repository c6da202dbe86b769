"""Keras's global settings, which are the user's: what is built here does not depend on them."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def standard_settings(policy: str = "float32") -> Iterator[None]:
    """Within it, and in a function that it decorates, Keras is as it comes: its numbers are float32
    and the channels of what it builds last. Afterwards all is as it was.

    Args:
        policy: of dtypes.
    """
    before = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        floatx, data_format, dtype_policy = before
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(data_format)
        keras.config.set_dtype_policy(dtype_policy)


def check_policy() -> None:
    """ValueError unless weights are float32 under the global policy of dtypes: batch norms, folded
    kernels and saved students are made for that."""
    policy = keras.config.dtype_policy()
    if policy.variable_dtype != "float32":
        raise ValueError(
            f"Keras's dtype policy is {policy.name} (floatx {keras.config.floatx()}), SoundNet's "
            'weights are float32; call keras.config.set_dtype_policy("float32") first, or '
            '"mixed_bfloat16" to compute in 16 bits'
        )
