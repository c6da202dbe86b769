"""Sound that comes in pieces: the same outputs as for the whole, each as soon as it is determined.

Every layer keeps the steps that its next windows still need, and only those. So memory does not
grow, nothing is computed twice, and there are no seams. Only the end is special: the padding behind
the sound is heard when `finish` says that it is over.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from soundnet_tf.models.architecture import Layer
from soundnet_tf.models.folded import FoldedNetwork, max_pool


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
        self._network = network
        self._batch = batch
        self._wanted = network.select(endpoints)
        self._is_over = False
        self._counts = dict.fromkeys(self._wanted, 0)
        self._trunk, channels = [], 1
        for conv, pool in network.blocks_for(self._wanted):
            sliding_pool = pool and _Sliding(pool, batch, conv.filters, conv.filters)
            self._trunk.append((_Sliding(conv, batch, channels, conv.filters), sliding_pool))
            channels = conv.filters
        self._heads = {
            name: _Sliding(network.architecture.head, batch, channels, classes)
            for name, classes in network.heads.items()
            if name in self._wanted
        }
        # No head hears the trunk's last step, so they get each one when there is a next one.
        self._newest = tf.zeros([batch, 0, channels])

    def push(self, waveform: np.ndarray) -> dict[str, Steps]:
        """Takes the next samples and gives what they determine.

        Args:
            waveform: float32 [samples] or [batch, samples], mono, 22 050 Hz, in [-1, 1]; any
                number of samples.

        Returns:
            For each wanted endpoint its new steps, which may be none.

        Raises:
            ValueError: another batch size than the stream's, or the stream is over.
        """
        waveform = np.atleast_2d(np.asarray(waveform, np.float32))
        if waveform.ndim != 2 or len(waveform) != self._batch:
            raise ValueError(
                f"a piece of shape {list(waveform.shape)} came to a stream of {self._batch} "
                "recordings; give [batch, samples]"
            )
        return self._run(tf.constant(waveform[..., None]), is_end=False)

    def finish(self) -> dict[str, Steps]:
        """Ends the sound and gives the steps that hear the padding behind it."""
        return self._run(tf.zeros([self._batch, 0, 1]), is_end=True)

    def _run(self, x: tf.Tensor, is_end: bool) -> dict[str, Steps]:
        if self._is_over:
            raise ValueError("the stream is over; make a new one for the next recording")
        self._is_over = is_end
        network, outputs = self._network, {}
        for convolution, pool in self._trunk:
            conv = convolution.layer
            x = convolution(lambda y, conv=conv: network.convolve(conv, y), x, is_end)
            if pool:
                if conv.name in self._wanted:
                    outputs[conv.name] = network.activate(conv, x)
                x = pool(lambda y, layer=pool.layer: max_pool(layer, y), x, is_end)
            x = network.activate(conv, x)
            outputs[(pool or convolution).layer.name] = x
        if self._heads:
            heard = tf.concat([self._newest, x], axis=1)
            self._newest = heard[:, -1:]
            for name, head in self._heads.items():
                outputs[name] = head(
                    lambda y, name=name: network.head(name, y), heard[:, :-1], is_end=False
                )
        return {name: self._timed(name, outputs[name].numpy()) for name in self._wanted}

    def _timed(self, name: str, values: np.ndarray) -> Steps:
        first = self._counts[name]
        self._counts[name] += values.shape[1]
        steps = np.arange(first, self._counts[name])
        return Steps(values, self._network.endpoints[name].centre_secs(steps))


class _Sliding:
    """One layer that keeps the inputs its next windows need, its left padding to begin with."""

    def __init__(self, layer: Layer, batch: int, channels: int, out_channels: int):
        self.layer = layer
        self._kept = tf.zeros([batch, layer.padding, channels])
        self._nothing = tf.zeros([batch, 0, out_channels])
        self._has_input = False

    def __call__(
        self, function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor, is_end: bool
    ) -> tf.Tensor:
        """`function` of all windows that are complete; at the end zeros pad the last ones."""
        self._has_input |= bool(x.shape[1])
        x = tf.concat([self._kept, x], axis=1)
        if is_end:
            x = tf.pad(x, [[0, 0], [0, self.layer.padding], [0, 0]])
        kernel, stride = self.layer.kernel, self.layer.stride
        steps = (x.shape[1] - kernel) // stride + 1
        if steps < 1 or not self._has_input:
            self._kept = x
            return self._nothing
        self._kept = x[:, steps * stride :]
        return function(x[:, : (steps - 1) * stride + kernel])


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
