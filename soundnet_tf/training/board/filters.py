"""The filters that hear the waveform, as a picture."""

import keras
import tensorflow as tf

from soundnet_tf.models import filters, filters_figure


def draw(student: keras.Model) -> None:
    """conv1's filters of a SoundNet by rising centre frequency, to TensorBoard's writer of now."""
    png = filters_figure.png(filters_figure.figure(filters.of_student(student)))
    pixels = tf.io.decode_png(png, channels=3)
    tf.summary.image("filters", pixels[None], description="of conv1, by centre frequency")
