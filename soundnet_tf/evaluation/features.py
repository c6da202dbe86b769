"""Features of a labelled set: every recording at one length, through one network."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.media import read_audio
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving import short
from soundnet_tf.sounds.labelled_set import LabelledSet

HEADS_LAYER = "conv8"

_BATCH = 16


def read_clips(data: LabelledSet, clip_secs: float, progress: bool = True) -> np.ndarray:
    """All recordings, each repeated and cut to one length (released evaluation).

    Args:
        data: the set.
        clip_secs: the length.
        progress: whether to show it on stderr.

    Returns:
        float32 [clips, samples], mono, 22 050 Hz, in [-1, 1].

    Raises:
        MediaError: a recording that cannot be read.
    """
    samples = round(clip_secs * constants.SAMPLE_RATE)
    waveforms = _on_disk((len(data.clips), samples))
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding leaves Python's lock
        sounds = threads.map(lambda clip: read_audio(clip.path), data.clips)
        sounds = progress_bar(len(data.clips), "reading", "clip", progress, items=sounds)
        for row, sound in zip(waveforms, sounds, strict=True):
            row[:] = np.resize(sound, samples)
    return waveforms


def layer_features(
    network: FoldedNetwork,
    waveforms: np.ndarray,
    layers: Sequence[str],
    input_scale: float = 1.0,
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

    Returns:
        Layer to float32 [clips, steps, channels].
    """
    features = {}
    for start in range(0, len(waveforms), _BATCH):
        batch = tf.constant(waveforms[start : start + _BATCH] * np.float32(input_scale))
        for layer, values in _run(network, batch, layers).items():
            if layer not in features:
                features[layer] = _on_disk((len(waveforms), *values.shape[1:]))
            features[layer][start : start + _BATCH] = values
    return features


def _on_disk(shape: tuple[int, ...]) -> np.ndarray:
    """Float32 zeros in a mapped file without a name: ESC-50's sound is 1.8 GB and its conv4 0.4 GB,
    of which the system keeps in memory what there is room for."""
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)


def _run(network: FoldedNetwork, batch: tf.Tensor, layers: Iterable[str]) -> dict[str, tf.Tensor]:
    trunk = [layer for layer in layers if layer != HEADS_LAYER]
    outputs = dict(network.compiled(network.select(trunk), False)(batch)) if trunk else {}
    if HEADS_LAYER in layers:
        heads = tuple(network.heads)
        needed = short.need(network.architecture, heads[0])
        logits = network.compiled(heads, False)(short.loop_in_graph(batch, needed))
        outputs[HEADS_LAYER] = tf.nn.relu(tf.concat([logits[head] for head in heads], axis=-1))
    return {layer: outputs[layer] for layer in layers}
