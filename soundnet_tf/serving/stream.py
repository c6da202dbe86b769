"""Sound that comes in pieces: the same outputs as for the whole, each as soon as it is determined.

Every layer keeps the steps that its next windows still need, and only those. So memory does not
grow, nothing is computed twice, and there are no seams. Only the end is special: the padding behind
the sound is heard when `finish` says that it is over.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from soundnet_tf.media import samples
from soundnet_tf.models.architecture import Layer
from soundnet_tf.models.folded import FoldedNetwork, max_pool
from soundnet_tf.models.process import check_process


class Steps(NamedTuple):
    """Some steps of one endpoint.

    Attributes:
        values: float32 [batch, steps, channels]; heads give logits.
        secs: float64 [steps], the centres of what the steps hear, from the beginning of the sound.
    """

    values: np.ndarray
    secs: np.ndarray


class Stream:
    """One recording, or a batch of them in step, through the network piece by piece.

    The joined outputs are those of `FoldedNetwork` for the whole, to float32 rounding. Sound that
    is too short for an endpoint gives no step of it.

    Args:
        network: the network to run.
        endpoints: names of those that are wanted.
        batch: recordings that run in step.

    Raises:
        ValueError: an unknown endpoint.
    """

    def __init__(self, network: FoldedNetwork, endpoints: Iterable[str], batch: int = 1):
        check_process()
        self._network = network
        self._batch = batch
        self._wanted = network.select(endpoints)
        self._advance = _advance(network, self._wanted)
        self._kept = [
            _Kept(tf.zeros([batch, padding, channels]), tf.constant(False))
            for padding, channels in _kept_shapes(network, self._wanted)
        ]
        self._is_over = False
        self._known: np.dtype | None = None  # of pieces that were not silent
        self._counts = dict.fromkeys(self._wanted, 0)

    def push(self, waveform: np.ndarray) -> dict[str, Steps]:
        """Takes the next samples and gives what they determine.

        Args:
            waveform: [samples] or [batch, samples], mono, 22 050 Hz, any number of samples; floats
                in [-1, 1], or integers of full scale as for `preprocess_input`. Of 32-bit integers
                the first piece that is not silent has to be louder than 2**-8 of full scale.

        Returns:
            For each wanted endpoint its new steps, which may be none.

        Raises:
            ValueError: another batch size than the stream's, the stream is over, or samples that
                `preprocess_input` refuses; the stream is then as it was before.
            RuntimeError: in a process that was forked after a network was used.
        """
        waveform = np.atleast_2d(samples.checked(waveform, self._known))
        if waveform.ndim != 2 or len(waveform) != self._batch:
            raise ValueError(
                f"a piece of shape {list(waveform.shape)} came to a stream of {self._batch} "
                "recordings; give [batch, samples]"
            )
        outputs = self._run(tf.constant(samples.scaled(waveform)[..., None]), is_end=False)
        if waveform.any():
            self._known = waveform.dtype
        return outputs

    def finish(self) -> dict[str, Steps]:
        """Ends the sound and gives the steps that hear the padding behind it."""
        return self._run(tf.zeros([self._batch, 0, 1]), is_end=True)

    def _run(self, x: tf.Tensor, is_end: bool) -> dict[str, Steps]:
        check_process()
        if self._is_over:
            raise ValueError("the stream is over; make a new one for the next recording")
        self._is_over = is_end
        outputs, self._kept = self._advance(x, tf.constant(is_end), self._kept)
        return {name: self._timed(name, outputs[name].numpy()) for name in self._wanted}

    def _timed(self, name: str, values: np.ndarray) -> Steps:
        first = self._counts[name]
        self._counts[name] += values.shape[1]
        steps = np.arange(first, self._counts[name])
        return Steps(values, self._network.endpoints[name].centre_secs(steps))


class _Kept(NamedTuple):
    """What a layer's next windows need of its input, its left padding to begin with.

    Attributes:
        x: float32 [batch, steps, channels].
        has_begun: bool, whether there was any input yet.
    """

    x: tf.Tensor
    has_begun: tf.Tensor


def _kept_shapes(network: FoldedNetwork, wanted: tuple[str, ...]) -> list[tuple[int, int]]:
    """Steps of left padding, and channels, of what each layer in turn keeps; at last the trunk's
    newest step, which no head hears until there is a next one, and the heads'."""
    shapes, channels = [], 1
    for conv, pool in network.blocks_for(wanted):
        shapes.append((conv.padding, channels))
        channels = conv.filters
        if pool:
            shapes.append((pool.padding, channels))
    heads = network.heads.keys() & set(wanted)
    if heads:
        shapes += [(0, channels)] + [(network.architecture.head.padding, channels)] * len(heads)
    return shapes


@functools.lru_cache(maxsize=4)  # a graph takes a second to make, and keeps its network
def _advance(network: FoldedNetwork, wanted: tuple[str, ...]):
    """The graph of a network that goes on: of new input float32 [batch, samples, 1], whether the
    sound ends with it, and what was kept, to the new steps of the wanted endpoints and what is to
    be kept."""

    def advance(x, is_end, kept):
        outputs, kept = {}, iter(kept)
        keep = []

        def slide(layer, function, x, is_end=is_end):
            x, left = _slide(layer, function, x, is_end, next(kept))
            keep.append(left)
            return x

        for conv, pool in network.blocks_for(wanted):
            x = slide(conv, functools.partial(network.convolve, conv), x)
            if pool:
                if conv.name in wanted:
                    outputs[conv.name] = network.activate(conv, x)
                x = slide(pool, functools.partial(max_pool, pool), x)
            x = network.activate(conv, x)
            outputs[(pool or conv).name] = x
        heads = [name for name in network.heads if name in wanted]
        if heads:
            heard = tf.concat([next(kept).x, x], axis=1)
            keep.append(_Kept(heard[:, -1:], tf.constant(True)))
            for name in heads:
                outputs[name] = slide(
                    network.architecture.head,
                    functools.partial(network.head, name),
                    heard[:, :-1],
                    is_end=False,
                )
        return {name: outputs[name] for name in wanted}, keep

    shapes = _kept_shapes(network, wanted)
    return tf.function(
        advance,
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None, 1]),
            tf.TensorSpec([], tf.bool),
            [_Kept(tf.TensorSpec([None, None, c]), tf.TensorSpec([], tf.bool)) for _, c in shapes],
        ],
    )


def _slide(
    layer: Layer,
    function: Callable[[tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    is_end: tf.Tensor | bool,
    kept: _Kept,
) -> tuple[tf.Tensor, _Kept]:
    """`function` of all windows that are complete; at the end zeros pad the last ones."""
    has_begun = kept.has_begun | (tf.shape(x)[1] > 0)
    x = tf.concat([kept.x, x], axis=1)
    length = tf.shape(x)[1] + tf.where(is_end, layer.padding, 0)
    steps = tf.where(has_begun, tf.maximum((length - layer.kernel) // layer.stride + 1, 0), 0)
    # Of less than a window TensorFlow's convolution gives an error: so one window, and no step.
    reach = tf.maximum(steps - 1, 0) * layer.stride + layer.kernel
    zeros = tf.maximum(length, reach) - tf.shape(x)[1]
    windows = tf.pad(x, [[0, 0], [0, zeros], [0, 0]])
    outputs = function(windows[:, :reach])[:, :steps]
    return outputs, _Kept(windows[:, steps * layer.stride : length], has_begun)


def stream(
    network: FoldedNetwork, pieces: Iterable[np.ndarray], endpoints: Iterable[str]
) -> Iterator[dict[str, Steps]]:
    """What each piece of live sound determines, and at last what the end does.

    Args:
        network: the network to run.
        pieces: float32 [samples], mono, 22 050 Hz, in [-1, 1], of any lengths.
        endpoints: names of those that are wanted.

    Yields:
        Once a piece, and once more at the end: each wanted endpoint's new steps, perhaps none.
    """
    recording = Stream(network, endpoints)
    for piece in pieces:
        yield recording.push(piece)
    yield recording.finish()
