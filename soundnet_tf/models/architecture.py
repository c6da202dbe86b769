"""The layer tables of SoundNet and the arithmetic of lengths and receptive fields. No TensorFlow.

Source: the paper's tables 1 and 2, corrected by the authors' released code (the pools' strides of 1
printed in the paper are a misprint; the code pools with stride = size).
"""

import dataclasses
import functools
from typing import NamedTuple

from soundnet_tf import constants


@dataclasses.dataclass(frozen=True)
class Layer:
    """One convolution or pool. `padding` is zeros on both sides.

    `filters` is None for a pool, which keeps its channels, and for a head, whose classes are a
    parameter of the model.
    """

    name: str
    kernel: int
    stride: int
    padding: int = 0
    filters: int | None = None

    def output_length(self, length: int) -> int:
        """floor((length + 2 padding - kernel) / stride) + 1; 0 if there is nothing to look at."""
        if length == 0:
            return 0
        return max(0, (length + 2 * self.padding - self.kernel) // self.stride + 1)


def _conv(name: str, filters: int, kernel: int, stride: int, padding: int) -> Layer:
    return Layer(name, kernel, stride, padding, filters)


def _pool(name: str, size: int) -> Layer:
    return Layer(name, kernel=size, stride=size)


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where one layer looks: step i sees samples [start + i hop, start + i hop + receptive_field).

    Attributes:
        name: of the layer, e.g. "pool5".
        channels: of the layer's output; None for heads, whose classes are a parameter.
        receptive_field_samples: samples that one step sees.
        hop_samples: samples between the starts of neighbouring steps.
        start_samples: first sample that step 0 sees; negative, since convolutions are padded.
        minimum_samples: the shortest waveform that gives one step.
    """

    name: str
    channels: int | None
    receptive_field_samples: int
    hop_samples: int
    start_samples: int
    minimum_samples: int

    @property
    def receptive_field_secs(self) -> float:
        return self.receptive_field_samples / constants.SAMPLE_RATE

    @property
    def hop_secs(self) -> float:
        return self.hop_samples / constants.SAMPLE_RATE

    @property
    def minimum_secs(self) -> float:
        return self.minimum_samples / constants.SAMPLE_RATE

    @property
    def first_centre_secs(self) -> float:
        """The moment in the middle of what step 0 sees."""
        return (self.start_samples + (self.receptive_field_samples - 1) / 2) / constants.SAMPLE_RATE

    def centre_secs(self, step):
        """The moment in the middle of what step `step` sees (a number, or an array of them)."""
        return self.first_centre_secs + step * self.hop_secs


class Need(NamedTuple):
    """Sound of less than `minimum` samples is brought to `target` samples."""

    minimum: int
    target: int


class Block(NamedTuple):
    """A convolution of the trunk with the pool that follows it, if any."""

    conv: Layer
    pool: Layer | None


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A trunk of layers and the convolution that every head repeats with its own classes.

    The trunk's last step hears the padding behind the sound. In training on clips of 20 s no head
    step ever hears that step, so what a head makes of it is noise: the published network's logits
    fall to -400. `inner_head_steps` counts the head steps that do not hear it; only those are
    served.

    Attributes:
        name: what it is called.
        trunk, head: the layers.
        embedding: the trunk layer that is best as a feature of sound (paper, section 4).
    """

    name: str
    trunk: tuple[Layer, ...]
    head: Layer
    embedding: str

    @functools.cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The trunk's convolutions in order, each with its pool."""
        pools = dict(zip(self.trunk, (*self.trunk[1:], None), strict=True))
        return tuple(
            Block(layer, pools[layer] if pools[layer] and not pools[layer].filters else None)
            for layer in self.trunk
            if layer.filters
        )

    @functools.cached_property
    def endpoints(self) -> dict[str, Endpoint]:
        """All trunk layers in order, then `heads`."""
        return {
            layer.name: self._endpoint(self._chain[: i + 1]) for i, layer in enumerate(self._chain)
        }

    @property
    def heads(self) -> Endpoint:
        return self.endpoints[self.head.name]

    @functools.cached_property
    def minimum_inner_head_samples(self) -> int:
        """The shortest waveform that gives one step of `inner_head_steps`."""
        return _shortest(self.trunk, self.head.kernel - self.head.padding + 1)

    def inner_head_steps(self, samples: int) -> int:
        """Head steps for a waveform of `samples` that hear neither the trunk's last step nor the
        head's own padding behind it."""
        steps = self.output_length(self.trunk[-1].name, samples) - 1
        return max(0, (steps + self.head.padding - self.head.kernel) // self.head.stride + 1)

    def need(self, endpoint: str) -> Need:
        """What an endpoint (a trunk layer, or a head by its name) needs.

        A layer of the trunk gets the least that gives one step. A head gets a whole clip of 20 s,
        which is what short videos became in training (released code).
        """
        if endpoint in {layer.name for layer in self.trunk}:
            minimum = self.endpoints[endpoint].minimum_samples
            return Need(minimum, minimum)
        return Need(self.minimum_inner_head_samples, constants.CLIP_SAMPLES)

    @property
    def _chain(self) -> tuple[Layer, ...]:
        return (*self.trunk, self.head)

    def output_length(self, endpoint: str, samples: int) -> int:
        """Steps that `endpoint` ("pool5", "heads", ...) gives for a waveform of `samples`."""
        length = samples
        for layer in self._chain:
            length = layer.output_length(length)
            if layer.name == endpoint:
                return length
        raise ValueError(f"no endpoint {endpoint!r} in {self.name}; it has {list(self.endpoints)}")

    def _endpoint(self, chain: tuple[Layer, ...]) -> Endpoint:
        receptive_field, hop, start, channels = 1, 1, 0, None
        for layer in chain:
            start -= layer.padding * hop
            receptive_field += (layer.kernel - 1) * hop
            hop *= layer.stride
            channels = layer.filters or channels
        last = chain[-1]
        return Endpoint(
            name=last.name,
            channels=None if last is self.head else channels,
            receptive_field_samples=receptive_field,
            hop_samples=hop,
            start_samples=start,
            minimum_samples=_shortest(chain, 1),
        )


def _shortest(chain: tuple[Layer, ...], steps: int) -> int:
    """Samples of the shortest waveform of which `chain` makes that many steps."""
    for layer in reversed(chain):
        steps = max(1, (steps - 1) * layer.stride + layer.kernel - 2 * layer.padding)
    return steps


SOUNDNET8 = Architecture(
    "soundnet8",
    trunk=(
        _conv("conv1", 16, 64, 2, 32),
        _pool("pool1", 8),
        _conv("conv2", 32, 32, 2, 16),
        _pool("pool2", 8),
        _conv("conv3", 64, 16, 2, 8),
        _conv("conv4", 128, 8, 2, 4),
        _conv("conv5", 256, 4, 2, 2),
        _pool("pool5", 4),
        _conv("conv6", 512, 4, 2, 2),
        _conv("conv7", 1024, 4, 2, 2),
    ),
    head=Layer("heads", kernel=8, stride=2),
    embedding="pool5",
)

SOUNDNET5 = Architecture(
    "soundnet5",
    trunk=(
        _conv("conv1", 32, 64, 2, 32),
        _pool("pool1", 8),
        _conv("conv2", 64, 32, 2, 16),
        _pool("pool2", 8),
        _conv("conv3", 128, 16, 2, 8),
        _pool("pool3", 8),
        _conv("conv4", 256, 8, 2, 4),
    ),
    head=Layer("heads", kernel=16, stride=12, padding=4),
    embedding="conv4",
)

ARCHITECTURES = {architecture.name: architecture for architecture in (SOUNDNET8, SOUNDNET5)}
