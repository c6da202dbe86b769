"""Clips of different lengths in one batch, each of which gives what it gives alone.

Alone, a clip ends in each layer's own zero padding. In a batch it ends in padding samples, of which
a convolution with a bias makes activations that are not zero. So whatever lies behind a clip's last
step is set to zero again after every block.
"""

import keras
import tensorflow as tf

from soundnet_tf.models import architecture as arch
from soundnet_tf.models import student as students
from soundnet_tf.models.finite import zero_or_nan
from soundnet_tf.models.training_pass import normalise


def output_lengths(layer: arch.Layer, lengths: tf.Tensor | None) -> tf.Tensor | None:
    """Steps [batch] that a layer makes of `lengths` [batch]; `Layer.output_length` for tensors."""
    if lengths is None:
        return None
    steps = (lengths + 2 * layer.padding - layer.kernel) // layer.stride + 1
    return tf.where(lengths > 0, tf.maximum(steps, 0), 0)


def mask(x: tf.Tensor, lengths: tf.Tensor | None) -> tf.Tensor:
    """[batch, steps, channels] with zeros behind each clip's last step; unchanged without lengths.

    By choice, not by a product: what lies there may be anything, NaN too.
    """
    if lengths is None:
        return x
    return tf.where(step_mask(x, lengths)[..., None], x, tf.zeros([], x.dtype))


def step_mask(x: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """bool [batch, steps]: which steps of [batch, steps, channels] are the clips' own."""
    return tf.sequence_mask(lengths, tf.shape(x)[1])


def masked_call(
    student: keras.Model, waveform: tf.Tensor, lengths: tf.Tensor, training: bool = False
) -> dict[str, tf.Tensor]:
    """What `student(waveform)` gives, for clips that end at `lengths`.

    In training the batch norms count the clips' own steps only, in their statistics too.

    Args:
        student: a SoundNet with heads.
        waveform: float32 [batch, samples], mono, 22 050 Hz, in [-1, 1].
        lengths: int32 [batch], samples of each clip; what lies behind is padding.
        training: as for any Keras model.

    Returns:
        Head name to logits, float32 [batch, steps, classes]. Of a clip the first
        `output_length("heads", length)` steps are its own; later ones hear silence behind it. A
        clip of which not all samples are finite gives NaN, in training the whole batch.
    """
    architecture = students.architecture_of(student)
    x = student.get_layer("scale")(student.get_layer("one_channel")(waveform))
    x = mask(x, lengths)
    nothing = tf.cast(zero_or_nan(x), x.dtype)
    for conv, pool in architecture.blocks:
        if conv.padding:
            x = student.get_layer(f"{conv.name}_conv_pad")(x)
        x = student.get_layer(f"{conv.name}_conv")(x)
        lengths = output_lengths(conv, lengths)
        norm = student.get_layer(f"{conv.name}_bn")
        x = normalise(norm, x, training, step_mask(x, lengths))
        x = mask(student.get_layer(conv.name)(x), lengths)
        if pool:
            x = tf.nn.max_pool1d(x, pool.kernel, pool.stride, "VALID") + nothing
            lengths = output_lengths(pool, lengths)
            x = mask(x, lengths)
    logits = {}
    for head in students.heads_of(student):
        padded = student.get_layer(f"{head}_pad")(x) if architecture.head.padding else x
        logits[head] = student.get_layer(head)(padded)
    return logits
