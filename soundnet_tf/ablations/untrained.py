"""The linear probe of a network that learned nothing."""

from soundnet_tf.evaluation import baselines, linear, probe
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.sounds.waveforms import read_clips


def accuracies(dataset: str, path: str, layers: tuple[str, ...], seed: int) -> dict[str, float]:
    """Layer to share of 1, of a SoundNet-8 with random weights and statistics of this sound.

    Args:
        dataset, path: the labelled set, see `esc_dcase.load`.
        layers: of the trunk.
        seed: of the weights.
    """
    data = esc_dcase.load(dataset, path)
    waveforms = read_clips(data, probe.windows_for(data).clip_secs)
    like = FoldedNetwork(students.SoundNet8(include_top=False))
    network = baselines.untrained_network(like, waveforms, seed)
    return linear.accuracies(network, data, waveforms, layers)
