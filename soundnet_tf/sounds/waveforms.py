"""The sound of a labelled set, every recording at one length."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from soundnet_tf import constants
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.media import read_audio
from soundnet_tf.sounds.labelled_set import LabelledSet


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
    waveforms = on_disk((len(data.clips), samples))
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # decoding leaves Python's lock
        sounds = threads.map(lambda clip: read_audio(clip.path), data.clips)
        sounds = progress_bar(len(data.clips), "reading", "clip", progress, items=sounds)
        for row, sound in zip(waveforms, sounds, strict=True):
            row[:] = np.resize(sound, samples)
    return waveforms


def on_disk(shape: tuple[int, ...]) -> np.ndarray:
    """Float32 zeros in a mapped file without a name: ESC-50's sound is 1.8 GB and its conv4 0.4 GB,
    of which the system keeps in memory what there is room for."""
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
