"""SoundNet behind the common API of HEAR 2021, the benchmark of audio embeddings.

    model = load_model()
    embeddings, timestamps = get_timestamp_embeddings(audio, model)
    embeddings = get_scene_embeddings(audio, model)

Source: https://hearbenchmark.com/hear-api.html. Sound of any length is taken. What is longer than a
minute goes through the network in pieces, so that only the embeddings grow with it. What is shorter
than the layers need (0.21 s for those that are chosen here) is looped until they give one step.
"""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.media import samples
from soundnet_tf.models import pretrained
from soundnet_tf.models.architecture import Endpoint
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.process import check_process
from soundnet_tf.serving import short
from soundnet_tf.serving.stream import stream

# By measurement on ESC-10: the published network, logistic regression. Scenes of 5 s: pool5's mean
# 90 %, with its standard deviation 92.5 %, and more layers give no more. Sounds of 1 s in a row,
# told at each timestamp: conv4 62 %, with pool5 75 %, with conv3 too 76 %; of 0.5 s: 58, 70 and
# 72 %. SoundNet-5, of which no trained network is published, gets layers of the like geometry.
TIMESTAMP_LAYERS = {"soundnet8": ("conv4", "conv3", "pool5"), "soundnet5": ("conv3", "conv4")}
SCENE_LAYERS = {"soundnet8": ("pool5",), "soundnet5": ("conv4",)}

_PIECE_SAMPLES = 3 * constants.CLIP_SAMPLES  # A minute, of which conv1 makes 42 MB.


class Model(tf.Module):
    """A network with the layers of its embeddings.

    Attributes:
        sample_rate: 22050 Hz, of the audio it takes.
        timestamp_embedding_size: channels of the timestamp layers together.
        scene_embedding_size: twice the channels of the scene layers: means, standard deviations.
        network: the folded network.
        timestamp_layers, scene_layers: names of trunk layers.

    Raises:
        ValueError: a layer that the network's trunk does not have, or none.
    """

    def __init__(
        self,
        network: FoldedNetwork,
        timestamp_layers: Iterable[str],
        scene_layers: Iterable[str],
    ):
        super().__init__(name=f"hear_{network.architecture.name}")
        self.network = network
        self.sample_rate = constants.SAMPLE_RATE
        self.timestamp_layers = tuple(timestamp_layers)
        self.scene_layers = tuple(scene_layers)
        self.timestamp_embedding_size = self._channels(self.timestamp_layers)
        self.scene_embedding_size = 2 * self._channels(self.scene_layers)

    def hear(self, waveforms: np.ndarray, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
        """All steps of some layers.

        Args:
            waveforms: float32 [n_sounds, n_samples].
            layers: names of trunk layers.

        Returns:
            Layer to float32 [n_sounds, steps, channels].
        """
        check_process()
        needed = max(self.network.architecture.need(layer) for layer in layers)
        waveforms = np.stack([short.lengthen(waveform, needed) for waveform in waveforms])
        together = max(1, _PIECE_SAMPLES // waveforms.shape[1])
        groups = np.split(waveforms, range(together, len(waveforms), together))
        run = self._run if waveforms.shape[1] <= _PIECE_SAMPLES else self._stream
        parts = [run(group, layers) for group in groups]
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in layers}

    def _run(self, waveforms: np.ndarray, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
        graph = self.network.compiled(self.network.select(layers), False)
        return {layer: steps.numpy() for layer, steps in graph(tf.constant(waveforms)).items()}

    def _stream(self, waveforms: np.ndarray, layers: tuple[str, ...]) -> dict[str, np.ndarray]:
        (waveform,) = waveforms
        pieces = np.split(waveform, range(_PIECE_SAMPLES, waveform.size, _PIECE_SAMPLES))
        outputs = list(stream(self.network, pieces, layers))
        return {
            layer: np.concatenate([output[layer].values for output in outputs], axis=1)
            for layer in layers
        }

    def _channels(self, layers: tuple[str, ...]) -> int:
        trunk = [layer.name for layer in self.network.architecture.trunk]
        if not layers or not set(layers) <= set(trunk):
            raise ValueError(
                f"layers {layers} of {self.network.architecture.name}; name one or more of {trunk}"
            )
        return sum(self.network.endpoints[layer].channels for layer in layers)


def load_model(
    model_file_path: str = "",
    timestamp_layers: Iterable[str] | None = None,
    scene_layers: Iterable[str] | None = None,
) -> Model:
    """The published network, or another one, ready for the two functions below.

    Args:
        model_file_path: "" for the network of the paper's authors, or what
            `models.pretrained.load` takes, e.g. a folder that training or bin/export.py wrote.
        timestamp_layers: whose steps are joined at each timestamp. The first one sets the clock.
            HEAR wants at most 50 ms from one timestamp to the next: conv4's steps are 46 ms apart,
            conv3's 23 ms, conv2's 1.5 ms and pool2's 12 ms; conv5's 93 ms, pool5's 372 ms. (In
            SoundNet-5 conv3's 23 ms, pool3's 186 ms, conv4's 372 ms.) By default
            `TIMESTAMP_LAYERS`.
        scene_layers: whose steps are pooled over the whole sound. By default `SCENE_LAYERS`.

    Raises:
        FileNotFoundError: there is no such model.
        ValueError: it is no SoundNet, or a layer that its trunk does not have, or no layer.
    """
    student, _ = pretrained.load(model_file_path or constants.PUBLISHED)
    network = FoldedNetwork(student)
    name = network.architecture.name
    if timestamp_layers is None:
        timestamp_layers = TIMESTAMP_LAYERS[name]
    if scene_layers is None:
        scene_layers = SCENE_LAYERS[name]
    return Model(network, timestamp_layers, scene_layers)


def get_timestamp_embeddings(audio: tf.Tensor, model: Model) -> tuple[tf.Tensor, tf.Tensor]:
    """Embeddings at regular times.

    The timestamps are the centres of what the first timestamp layer's steps hear, of those that
    lie within the sound. The other layers are interpolated linearly between their own centres.

    Args:
        audio: float [n_sounds, n_samples], mono, at `model.sample_rate`, in [-1, 1]; what is a
            little beyond is clipped. HEAR's sounds last 1 s or more; of less than one hop there
            may be no timestamp.
        model: of `load_model`.

    Returns:
        embeddings: float32 [n_sounds, n_timestamps, model.timestamp_embedding_size].
        timestamps: float32 [n_sounds, n_timestamps], in milliseconds, the same for every sound.

    Raises:
        ValueError: audio of another rank or dtype, empty, not finite, or beyond ±8.
        RuntimeError: in a process that was forked after a network was used.
    """
    waveforms = _checked(audio)
    steps = model.hear(waveforms, model.timestamp_layers)
    points = [model.network.endpoints[layer] for layer in model.timestamp_layers]
    secs = points[0].centre_secs(np.arange(steps[points[0].name].shape[1]))
    secs = secs[(secs >= 0) & (secs <= waveforms.shape[1] / model.sample_rate)]
    embeddings = [_interpolated(steps[point.name], point, secs) for point in points]
    timestamps = np.broadcast_to(np.float32(1000 * secs), (len(waveforms), secs.size))
    return tf.constant(np.concatenate(embeddings, axis=-1)), tf.constant(timestamps)


def get_scene_embeddings(audio: tf.Tensor, model: Model) -> tf.Tensor:
    """One embedding of each sound: the layers' means over time, then their standard deviations.

    Args:
        audio: as `get_timestamp_embeddings`.
        model: of `load_model`.

    Returns:
        float32 [n_sounds, model.scene_embedding_size].

    Raises:
        ValueError: as `get_timestamp_embeddings`.
    """
    steps = model.hear(_checked(audio), model.scene_layers)
    layers = [steps[layer] for layer in model.scene_layers]
    pooled = [values.mean(axis=1) for values in layers] + [values.std(axis=1) for values in layers]
    return tf.constant(np.concatenate(pooled, axis=-1))


def _interpolated(steps: np.ndarray, point: Endpoint, secs: np.ndarray) -> np.ndarray:
    """Steps [n_sounds, steps, channels] at some moments; before the first and behind the last
    centre what that one gives."""
    last = steps.shape[1] - 1
    position = np.clip((secs - point.first_centre_secs) / point.hop_secs, 0, last)
    position = np.round(position, 6)  # At a centre it is that step alone, not a trace of the next.
    before = position.astype(np.int32)
    weight = (position - before).astype(np.float32)[:, None]
    return steps[:, before] * (1 - weight) + steps[:, np.minimum(before + 1, last)] * weight


def _checked(audio: tf.Tensor) -> np.ndarray:
    """float32 [n_sounds, n_samples]; ValueError as `get_timestamp_embeddings` says."""
    waveforms = np.asarray(audio)
    if waveforms.ndim != 2 or not waveforms.size:
        raise ValueError(f"audio of shape {list(waveforms.shape)}; give [n_sounds, n_samples]")
    if not np.issubdtype(waveforms.dtype, np.floating):
        raise ValueError(f"audio of {waveforms.dtype}; give floats in [-1, 1]")
    return samples.scaled(samples.checked(waveforms))
