"""How many directions a representation uses: what tells of its worth without any label.

A network that collapses gives all sounds a few numbers; one that learns to tell them apart spreads
them out (Garrido et al., "RankMe", ICML 2023). Over 21 checkpoints of 11 trainings on 119 clips, at
rates from 1e-4 to 1e-3, with true and with shuffled pairs, it followed the probe's accuracy on
ESC-10 with a rank correlation of 0.88, the held-out KL with 0.10. It compares trainings on the same
clips; an untrained network's filters are diverse too, without being good for much.
"""

import numpy as np
import tensorflow as tf

from soundnet_tf.data.elements import elements
from soundnet_tf.models.folded import FoldedNetwork

CLIPS = 256  # that it is measured on, at most


def effective_rank(examples: np.ndarray) -> float:
    """The exponential of the entropy of the singular values, each as a share of their sum.

    Args:
        examples: float [clips, channels], standardised here; a channel that never changes is left
            out.

    Returns:
        From 1 to the smaller of both sizes; 0 where nothing changes, NaN of what is not finite.
    """
    if not np.isfinite(examples).all():
        return float("nan")
    deviation = examples.std(axis=0)
    changing = examples[:, deviation > 0]
    if not changing.size:
        return 0.0
    standardised = (changing - changing.mean(axis=0)) / deviation[deviation > 0]
    values = np.linalg.svd(standardised.astype(np.float64), compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def of_embedding(network: FoldedNetwork, batches: tf.data.Dataset) -> float:
    """The effective rank of a network's embedding layer, its mean over time for each clip.

    Args:
        network: the network.
        batches: as of `data.pipeline`, of which `waveform` is heard, of CLIPS clips at most.
    """
    layer = network.architecture.embedding
    hear = network.compiled(network.select((layer,)), False)
    examples = [hear(batch["waveform"])[layer].numpy().mean(axis=1) for batch in elements(batches)]
    return effective_rank(np.concatenate(examples)[:CLIPS])
