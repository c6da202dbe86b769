"""Embeddings of sound: any inner layer of a trained network, over time or pooled."""

from collections.abc import Sequence

import numpy as np

from soundnet_tf import constants
from soundnet_tf.media import stream_audio
from soundnet_tf.models import student as students
from soundnet_tf.serving import listener
from soundnet_tf.serving.settings import POOLINGS
from soundnet_tf.serving.stream import Steps

Embedding = tuple[np.ndarray, np.ndarray]


def embed(
    waveform: np.ndarray | Sequence[np.ndarray],
    sample_rate: float | Sequence[float] | None = None,
    layer: str = "pool5",
    pooling: str = "none",
    model: str = constants.PUBLISHED,
    channel: str = "mean",
    short: str = "loop",
) -> Embedding | tuple[list[np.ndarray], list[np.ndarray]]:
    """Embeddings of one sound, or of several, which run in batches.

    Args:
        waveform: [samples] or [samples, channels], floats in [-1, 1] or integers of full scale (see
            `preprocess_input`); or a list of such arrays, which may be empty.
        sample_rate: in Hz, of all or of each.
        layer: the endpoint: "conv1" … "pool5", "conv6", "conv7", or "objects" and "scenes", whose
            probabilities are given.
        pooling: over time: "none", "mean", "max", or "meanstd" (mean, then standard deviation).
        model: "published", or what `models.pretrained.load` takes; loaded once.
        channel: "mean" of the channels (a CancelledWarning tells if they cancel out in it), the
            "first" one, or the one that is "loudest" over the whole.
        short: sound that is too short for the layer is "loop"ed, or "pad"ded with silence.

    Returns:
        embeddings: float32 [steps, channels]; pooled [channels], for "meanstd" [2 channels].
        timestamps: float64 [steps], the centre in seconds of what each step hears; pooled [], the
            middle of the sound. For a list of sounds, two lists.

    Raises:
        ValueError: an unknown layer, pooling, channel or policy, or sound that
            `preprocess_input` refuses.
        FileNotFoundError: the model is not there.
        RuntimeError: in a process that was forked after a network was used.
    """
    check_pooling(pooling)
    waveforms, is_one = as_list(waveform, sample_rate, channel)
    heard = listener.load(model).hear(waveforms, (layer,), short)
    pooled = [pool(h.steps[layer], h.duration_secs, pooling) for h in heard]
    if is_one:
        return pooled[0]
    return [embeddings for embeddings, _ in pooled], [secs for _, secs in pooled]


def embed_file(
    path: str,
    layer: str = "pool5",
    pooling: str = "none",
    model: str = constants.PUBLISHED,
    channel: str = "mean",
    short: str = "loop",
    audio_stream: int | None = None,
) -> Embedding:
    """Embeddings of a sound or video file of any length, in constant memory but for the result.

    Args and returns: as `embed`; `audio_stream` is the number of the sound stream of a file that
    has several, as `media.read_audio` has it.

    Raises:
        ValueError, FileNotFoundError: as `embed`; MediaError, a file that cannot be read.
    """
    check_pooling(pooling)
    pieces = stream_audio(path, channel, audio_stream=audio_stream)
    heard = listener.load(model).hear_pieces(pieces, (layer,), short)
    return pool(heard.steps[layer], heard.duration_secs, pooling)


def pool(steps: Steps, duration_secs: float, pooling: str) -> Embedding:
    """Embeddings and timestamps of one sound's steps, see `embed`."""
    values = steps.values
    if pooling == "none":
        return values, steps.secs
    pooled = {
        "mean": lambda: values.mean(axis=0),
        "max": lambda: values.max(axis=0),
        "meanstd": lambda: np.concatenate([values.mean(axis=0), values.std(axis=0)]),
    }[pooling]()
    return pooled, np.array(duration_secs / 2)


def check_pooling(pooling: str) -> None:
    """ValueError unless `pooling` is one of POOLINGS."""
    if pooling not in POOLINGS:
        raise ValueError(f"pooling={pooling!r} is unknown; choose one of {POOLINGS}")


def as_list(waveform, sample_rate, channel: str) -> tuple[list[np.ndarray], bool]:
    """Preprocessed waveforms of one sound or a list of sounds, and whether it was one.

    Raises:
        ValueError: another number of sample rates than of sounds, or as `preprocess_input`.
    """
    is_one = not isinstance(waveform, (list, tuple))
    if not is_one and waveform:  # a list of numbers is one sound
        is_one = np.isscalar(waveform[0]) or getattr(waveform[0], "ndim", 1) == 0
    waveforms = [waveform] if is_one else list(waveform)
    rates = [sample_rate] * len(waveforms) if np.ndim(sample_rate) == 0 else list(sample_rate)
    if len(rates) != len(waveforms):
        raise ValueError(f"{len(rates)} sample rates for {len(waveforms)} sounds")
    pairs = zip(waveforms, rates, strict=True)
    return [students.preprocess_input(w, rate, channel) for w, rate in pairs], is_one
