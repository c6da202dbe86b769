"""A trained network that listens: to arrays of any lengths, and to sound that never ends."""

import concurrent.futures
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.files import storage
from soundnet_tf.media import samples
from soundnet_tf.media.waveform import joined
from soundnet_tf.models import checkpoint, pretrained
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.process import check_process
from soundnet_tf.serving import short as short_sound
from soundnet_tf.serving.stream import Steps, stream

# 30 s, a multiple of every layer's hop. Of so much sound conv1 makes 21 MB.
PIECE_SAMPLES = 20 * 32768
_BATCH_SAMPLES = 16 * constants.CLIP_SAMPLES


class Heard(NamedTuple):
    """What a network heard in one sound.

    Attributes:
        steps: endpoint to its `Steps`: values float32 [steps, channels], for heads probabilities,
            and secs float64 [steps]. Of a sound that had to be lengthened there is one step, the
            mean of all, in the middle of the sound.
        duration_secs: of the sound.
    """

    steps: dict[str, Steps]
    duration_secs: float


class Listener:
    """A network with the names of its classes, ready to hear.

    Attributes:
        network: the folded network.
        labels: class names of each head.
    """

    def __init__(self, network: FoldedNetwork, labels: checkpoint.Labels):
        self.network = network
        self.labels = labels

    def hear(
        self, waveforms: Sequence[np.ndarray], endpoints: Iterable[str], short: str = "loop"
    ) -> list[Heard]:
        """Hears several sounds, batched by their lengths; each gives what it gives alone.

        Args:
            waveforms: each float32 [samples], mono, 22 050 Hz, in [-1, 1], of any length. Integers
                and others are treated and refused as by `preprocess_input`.
            endpoints: names of those that are wanted. A sound that is too short for one of them is
                lengthened for all.
            short: how, "loop" or "pad"; see `serving.short`.

        Raises:
            ValueError: an unknown endpoint or policy, or sound that is refused.
            RuntimeError: in a process that was forked after a network was used.
        """
        check_process()
        endpoints = self.network.select(endpoints)
        short_sound.check_policy(short)
        needed = max(self.network.architecture.need(name) for name in endpoints)
        waveforms = [_one_sound(waveform) for waveform in waveforms]
        fitted = [short_sound.lengthen(waveform, needed, short) for waveform in waveforms]
        heard: list = [None] * len(fitted)
        for batch in _batches([waveform.size for waveform in fitted]):
            if len(batch) == 1 and fitted[batch[0]].size > 2 * PIECE_SAMPLES:
                whole = fitted[batch[0]]
                pieces = np.split(whole, range(PIECE_SAMPLES, whole.size, PIECE_SAMPLES))
                heard[batch[0]] = self._hear_stream(pieces, endpoints)
                continue
            heard_together = self._run([fitted[i] for i in batch], endpoints)
            for index, steps in zip(batch, heard_together, strict=True):
                duration_secs = waveforms[index].size / constants.SAMPLE_RATE
                if fitted[index] is not waveforms[index]:
                    steps = {name: _as_one(values, duration_secs) for name, values in steps.items()}
                heard[index] = Heard(steps, duration_secs)
        return heard

    def hear_pieces(
        self,
        pieces: Iterable[np.ndarray],
        endpoints: Iterable[str],
        short: str = "loop",
        thin: Callable[[Steps], Steps] | None = None,
        on_heard: Callable[[float], None] | None = None,
    ) -> Heard:
        """Hears one sound of any length that comes in pieces [samples]; otherwise as `hear`.

        Where not all steps are wanted, `thin` chooses those to keep from what was kept and what is
        new, so that memory does not grow; of a short sound all are given. Of a long one `on_heard`
        is called every 30 s of it with the seconds that were heard so far.
        """
        pieces = _ahead(joined(iter(pieces), PIECE_SAMPLES))
        first = list(itertools.islice(pieces, 2))
        if len(first) < 2:
            return self.hear([*first, np.zeros(0, np.float32)][:1], endpoints, short)[0]
        chained = itertools.chain(first, pieces)
        return self._hear_stream(chained, self.network.select(endpoints), thin, on_heard)

    def _hear_stream(
        self,
        pieces: Iterable[np.ndarray],
        endpoints: tuple[str, ...],
        thin: Callable[[Steps], Steps] | None = None,
        on_heard: Callable[[float], None] | None = None,
    ) -> Heard:
        count: int = 0
        parts: list[dict[str, Steps]] = []

        def counted():
            nonlocal count
            for piece in pieces:
                count += piece.size
                yield piece

        for outputs in stream(self.network, counted(), endpoints):
            finished = {name: self._finished(name, *outputs[name]) for name in endpoints}
            parts.append({name: Steps(s.values[0], s.secs) for name, s in finished.items()})
            if thin:
                parts = [{name: thin(_joined(parts, name)) for name in endpoints}]
            if on_heard:
                on_heard(count / constants.SAMPLE_RATE)
        steps = {name: _joined(parts, name) for name in endpoints}
        return Heard(steps, count / constants.SAMPLE_RATE)

    def _run(self, batch: list[np.ndarray], endpoints: tuple[str, ...]) -> list[dict[str, Steps]]:
        """One masked batch; to each waveform its own steps."""
        lengths = [waveform.size for waveform in batch]
        waveforms = np.stack([np.pad(w, (0, max(lengths) - w.size)) for w in batch])
        is_masked = min(lengths) < max(lengths)
        arguments = [waveforms, np.array(lengths, np.int32)][: 1 + is_masked]
        outputs = self.network.compiled(endpoints, is_masked)(*map(tf.constant, arguments))
        outputs = {name: self._finished(name, outputs[name].numpy()) for name in endpoints}
        return [
            {name: self._own(name, steps, i, length) for name, steps in outputs.items()}
            for i, length in enumerate(lengths)
        ]

    def _own(self, name: str, steps: Steps, index: int, samples: int) -> Steps:
        """What belongs to the clip of `samples` at `index` of a batch."""
        count = self._count(name, samples)
        return Steps(steps.values[index, :count], steps.secs[:count])

    def _count(self, endpoint: str, samples: int) -> int:
        architecture = self.network.architecture
        if endpoint in self.network.heads:
            return architecture.inner_head_steps(samples)
        return architecture.output_length(endpoint, samples)

    def _finished(self, name: str, values: np.ndarray, secs: np.ndarray | None = None) -> Steps:
        if name in self.network.heads:
            values = tf.nn.softmax(values).numpy()
        if secs is None:
            secs = self.network.endpoints[name].centre_secs(np.arange(values.shape[1]))
        return Steps(values, secs)


def load(model: str = constants.PUBLISHED) -> Listener:
    """The network of `models.pretrained.load`, kept for the next call with the same files.

    Raises:
        FileNotFoundError, ValueError: as `models.pretrained.load`.
        RuntimeError: in a process that was forked after a network was used.
    """
    check_process()
    model = os.fsdecode(model)
    return _load(model, _version(model))


@functools.lru_cache(maxsize=2)
def _load(model: str, _version) -> Listener:
    student, labels = pretrained.load(model)
    return Listener(FoldedNetwork(student), labels)


def _one_sound(waveform) -> np.ndarray:
    sound = samples.scaled(samples.checked(waveform))
    if sound.ndim != 1:
        raise ValueError(f"a sound of shape {list(sound.shape)}; give a list of [samples]")
    return sound


def _version(model: str) -> tuple[int | None, ...]:
    """Changes when the file or folder was written anew."""
    paths = [model, os.path.join(model, "saved_model.pb"), os.path.join(model, "student.keras")]
    return tuple(map(storage.modified_ns, paths))


def _joined(parts: Sequence[Mapping[str, Steps]], name: str) -> Steps:
    """Steps [steps, channels] of one endpoint, of all parts in a row."""
    values, secs = zip(*(part[name] for part in parts), strict=True)
    return Steps(np.concatenate(values), np.concatenate(secs))


def _ahead(pieces: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The same pieces; while one is heard, a thread decodes the next."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches of like lengths, none of more than `_BATCH_SAMPLES` with its padding."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and lengths[index] * (len(batches[-1]) + 1) <= _BATCH_SAMPLES:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _as_one(steps: Steps, duration_secs: float) -> Steps:
    return Steps(steps.values.mean(axis=0, keepdims=True), np.array([duration_secs / 2]))
