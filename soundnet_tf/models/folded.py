"""SoundNet for listening only: batch norms folded into kernels, strides into channels.

The numbers are those of the Keras student up to float32 rounding. What makes it faster:

- A batch norm that does not learn is a factor and an offset: they go into kernel and bias, and the
  input scale goes into the first kernel.
- A convolution of stride 2 over C channels is one of stride 1 over 2 C: neighbouring steps become
  channels, which fills the vector units where C is 1 or 16.
- Bias and ReLU never change which of several steps is greatest: they come after the pool.
- The heads are matrix products; oneDNN's convolution takes five times as long for them.

Activations behind a clip's end are masked when `lengths` are given, so that each clip of a mixed
batch gives what it gives alone.
"""

import functools
from collections.abc import Iterable, Mapping

import keras
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.models import architecture as arch
from soundnet_tf.models import masking
from soundnet_tf.models import student as students
from soundnet_tf.models.convolution import by_channels, by_windows
from soundnet_tf.models.finite import zero_or_nan


class FoldedNetwork:
    """A student's forward pass with folded weights.

    Made from live variables: outside of a `tf.function` the weights are folded once, inside of one
    at every call, so that an exported network follows its variables when they are trained on.

    Attributes:
        architecture: the layer table.
        heads: head name to its number of classes.
        endpoints: every endpoint by name, in order, heads last.
        weights: layer name to kernel [kernel, in, out] and bias [out].
    """

    def __init__(self, student: keras.Model):
        self.architecture = students.architecture_of(student)
        self.heads = students.heads_of(student)
        self.endpoints = students.endpoints(student)
        self.weights = _fold(student, self.architecture, self.heads)

    def __call__(
        self,
        waveform: tf.Tensor,
        lengths: tf.Tensor | None = None,
        endpoints: Iterable[str] | None = None,
    ) -> dict[str, tf.Tensor]:
        """The wanted endpoints of a batch.

        Args:
            waveform: float32 [batch, samples], mono, 22 050 Hz, in [-1, 1]; at least as long as
                the wanted endpoints need (`minimum_samples`; for heads
                `architecture.minimum_inner_head_samples`).
            lengths: int32 [batch], samples of each clip, the rest is padding; None: all.
            endpoints: names; None: all.

        Returns:
            Name to float32 [batch, steps, channels]: trunk layers after their ReLU, heads as
            logits, of which only those are given that hear no step of the trunk's end (see
            `Architecture`). A clip shorter than the batch has zeros behind its last trunk step;
            how many of its head steps are its own, `inner_head_steps` of its length tells. A clip
            with samples of its own that are NaN or infinite gives NaN throughout.
        """
        wanted = self.select(endpoints or self.endpoints)
        outputs = {}
        x = masking.mask(waveform[..., None], lengths)
        nothing = zero_or_nan(x)
        for block in self.blocks_for(wanted):
            x, lengths = self._block(block, x, lengths, wanted, outputs)
        for head in self.heads.keys() & set(wanted):
            padding = self.architecture.head.padding
            outputs[head] = self.head(head, tf.pad(x[:, :-1], [[0, 0], [padding, 0], [0, 0]]))
        return {name: outputs[name] + nothing for name in wanted}

    def select(self, endpoints: Iterable[str]) -> tuple[str, ...]:
        """Endpoints in the network's order; ValueError if one is unknown."""
        wanted = set(endpoints)
        if unknown := sorted(wanted - self.endpoints.keys()):
            raise ValueError(
                f"no endpoint {', '.join(unknown)} in this {self.architecture.name}; it has "
                f"{', '.join(self.endpoints)}"
            )
        return tuple(name for name in self.endpoints if name in wanted)

    def blocks_for(self, wanted: Iterable[str]) -> tuple[arch.Block, ...]:
        """The blocks up to the deepest endpoint that is wanted; all of them for a head."""
        if self.heads.keys() & set(wanted):
            return self.architecture.blocks
        trunk = [layer.name for layer in self.architecture.trunk]
        deepest = max(wanted, key=trunk.index)
        blocks = []
        for conv, pool in self.architecture.blocks:
            if conv.name == deepest:
                return (*blocks, arch.Block(conv, None))
            blocks.append(arch.Block(conv, pool))
            if pool and pool.name == deepest:
                break
        return tuple(blocks)

    def _block(self, block: arch.Block, x, lengths, wanted, outputs):
        conv, pool = block
        x = self.convolve(conv, tf.pad(x, [[0, 0], [conv.padding] * 2, [0, 0]]))
        lengths = masking.output_lengths(conv, lengths)
        if pool and conv.name in wanted:
            outputs[conv.name] = masking.mask(self.activate(conv, x), lengths)
        if pool:
            x = max_pool(pool, x)
            lengths = masking.output_lengths(pool, lengths)
        x = masking.mask(self.activate(conv, x), lengths)
        outputs[(pool or conv).name] = x
        return x, lengths

    def convolve(self, conv: arch.Layer, x: tf.Tensor) -> tf.Tensor:
        """A trunk convolution of padded input [batch, steps, in], without bias and ReLU."""
        return by_channels(x, self.weights[conv.name][0], conv.stride)

    def activate(self, conv: arch.Layer, x: tf.Tensor) -> tf.Tensor:
        """Bias and ReLU of a trunk convolution."""
        return tf.nn.relu(x + self.weights[conv.name][1])

    def head(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Logits [batch, steps, classes] of padded trunk outputs [batch, steps, channels]."""
        kernel, bias = self.weights[name]
        return by_windows(x, kernel, self.architecture.head.stride) + bias

    @functools.cached_property
    def compiled(self):
        """This network as a graph for any batch and length, one for each choice of endpoints."""

        @functools.cache
        def graph(endpoints: tuple[str, ...], masked: bool):
            def hear(waveform):
                return self(waveform, None, endpoints)

            def hear_masked(waveform, lengths):
                return self(waveform, lengths, endpoints)

            signature = [tf.TensorSpec([None, None], tf.float32)]
            signature += [tf.TensorSpec([None], tf.int32)] * masked
            # Traced here: many choices, called as functions, look to TensorFlow like one that is
            # traced too often, and it warns.
            return tf.function(
                hear_masked if masked else hear,
                input_signature=signature,
                autograph=False,  # nothing to convert, and looking for it takes longest
            ).get_concrete_function()

        return graph


def max_pool(pool: arch.Layer, x: tf.Tensor) -> tf.Tensor:
    """Greatest of each `pool.kernel` steps of [batch, steps, channels]; a rest is dropped."""
    return tf.nn.max_pool1d(x, pool.kernel, pool.stride, "VALID")


def _fold(
    student: keras.Model, architecture: arch.Architecture, heads: Mapping[str, int]
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Layer name to kernel [kernel, in, out] and bias [out], as tensors."""
    weights = {}
    for conv, _ in architecture.blocks:
        layer = student.get_layer(f"{conv.name}_conv")
        norm = student.get_layer(f"{conv.name}_bn")
        scale = norm.gamma * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
        bias = (layer.bias - norm.moving_mean) * scale + norm.beta
        weights[conv.name] = tf.convert_to_tensor(layer.kernel) * scale, bias
    first = architecture.blocks[0].conv.name
    kernel, bias = weights[first]
    weights[first] = kernel * constants.INPUT_SCALE, bias
    for head in heads:
        layer = student.get_layer(head)
        weights[head] = tf.convert_to_tensor(layer.kernel), tf.convert_to_tensor(layer.bias)
    return weights
