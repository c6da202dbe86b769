"""Short recordings to extract features from, a small model, and what is decoded meanwhile."""

import os

import numpy as np
import soundfile

from soundnet_tf.models import checkpoint, student
from soundnet_tf.serving.extraction import many_files
from soundnet_tf.serving.extraction import run as extract

SECOND = 22050
LABELS = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "café")}


def save_model(folder):
    """A small SoundNet-8 with random weights."""
    checkpoint.save_student(folder, student.SoundNet8(object_classes=3, scene_classes=2), LABELS)
    return folder


def write_noise(path, samples, channels=1, rate=SECOND):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([samples, *path.name.encode()]).uniform(
        -0.4, 0.4, (samples, channels)
    )
    soundfile.write(path, noise, rate)


def write_twenty(folder):
    """00.wav to 19.wav, 4 600 to 23 543 samples, none like another."""
    for i in range(20):
        write_noise(folder / f"{i:02d}.wav", 4_600 + 997 * (i * 7 % 20))
    return folder


def make_parts_of_three(monkeypatch):
    """Three files are heard together, and make a part."""
    monkeypatch.setattr(many_files, "GROUP_FILES", 3)
    monkeypatch.setattr(extract, "_PART_FILES", 3)


def count_decoded(monkeypatch, stop_at=None):
    """Names of the files whose decoding began; that of `stop_at` is as if Ctrl-C were pressed."""
    decoded, stream_audio = [], many_files.stream_audio

    def counted(path, channel, **options):
        decoded.append(os.path.basename(path))
        if decoded[-1] == stop_at:
            raise KeyboardInterrupt
        return stream_audio(path, channel, **options)

    monkeypatch.setattr(many_files, "stream_audio", counted)
    return decoded
