"""Features of a labelled set: its sound through one network."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from soundnet_tf.evaluation.settings import HEADS_LAYER
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving import short
from soundnet_tf.sounds.waveforms import on_disk

_BATCH = 16


def layer_features(
    network: FoldedNetwork,
    waveforms: np.ndarray,
    layers: Sequence[str],
    input_scale: float = 1.0,
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """The layers' steps for clips of one length.

    Args:
        network: the network.
        waveforms: float32 [clips, samples], in [-1, 1].
        layers: trunk layers, and "conv8" for the logits of all heads side by side, 0 where they
            are negative as in the released evaluation. Clips that are too short for the heads (see
            `serving.short`) are repeated to 20 s for them.
        input_scale: what the sound is multiplied with. The released evaluation heard sound at
            twice the amplitude of training.
        progress: whether to show it on stderr.

    Returns:
        Layer to float32 [clips, steps, channels].
    """
    features = {}
    with progress_bar(len(waveforms), "hearing", "clip", progress, leave=False) as bar:
        for start in range(0, len(waveforms), _BATCH):
            batch = tf.constant(waveforms[start : start + _BATCH] * np.float32(input_scale))
            for layer, values in _run(network, batch, layers).items():
                if layer not in features:
                    features[layer] = on_disk((len(waveforms), *values.shape[1:]))
                features[layer][start : start + _BATCH] = values
            bar.update(len(batch))
    return features


def _run(network: FoldedNetwork, batch: tf.Tensor, layers: Iterable[str]) -> dict[str, tf.Tensor]:
    trunk = [layer for layer in layers if layer != HEADS_LAYER]
    outputs = dict(network.compiled(network.select(trunk), False)(batch)) if trunk else {}
    if HEADS_LAYER in layers:
        heads = tuple(network.heads)
        needed = network.architecture.need(heads[0])
        logits = network.compiled(heads, False)(short.loop_in_graph(batch, needed))
        outputs[HEADS_LAYER] = tf.nn.relu(tf.concat([logits[head] for head in heads], axis=-1))
    return {layer: outputs[layer] for layer in layers}
