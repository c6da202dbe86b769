"""From a stored JPEG to the square that teachers look at, one way for training and labelling."""

import tensorflow as tf

from soundnet_tf import constants

SQUARE = tf.TensorSpec([constants.FRAME_SHORT_SIDE, constants.FRAME_SHORT_SIDE, 3], tf.uint8)


def decode_square(jpeg: tf.Tensor) -> tf.Tensor:
    """The centre square of a frame.

    Args:
        jpeg: string [], with the shorter side FRAME_SHORT_SIDE pixels.

    Returns:
        uint8 RGB as SQUARE.
    """
    # The exact inverse transform, so that frames are the same on every machine.
    frame = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize_with_crop_or_pad(frame, *SQUARE.shape[:2])


def decode_squares(jpegs: tf.Tensor, size: int) -> tf.Tensor:
    """uint8 [size, *SQUARE]: the squares of `jpegs` (string [at most size]), then black ones."""
    squares = tf.map_fn(decode_square, jpegs, fn_output_signature=SQUARE)
    squares = tf.pad(squares, [[0, size - tf.size(jpegs)], [0, 0], [0, 0], [0, 0]])
    return tf.ensure_shape(squares, [size, *SQUARE.shape])
