"""Hearing: the folded network over plain Keras layers, and a recording from file to features."""

from collections.abc import Callable

import keras
import tensorflow as tf

from benchmark import extract, material, peak, timing
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf import constants
from soundnet_tf.models import architecture as arch
from soundnet_tf.models import student as students
from soundnet_tf.models.folded import FoldedNetwork

FIGURES = {
    "forward.speedup_vs_keras": "plain Keras layers take so many times as long for 8 clips of "
    "20 s at once, with TensorFlow's defaults",
    "forward.speedup_vs_keras_one_clip": "the same for the clips one by one",
    "forward.fraction_of_matmul_peak": "convolutions per second over what the fastest matrix "
    "product reaches",
    "forward.matmul_gflops": "the latter, in 10⁹ operations a second",
    "forward.times_real_time": "seconds of sound heard in a second, 8 clips at once",
    "extract.times_real_time_compute": "the same for a decoded recording of 20 minutes",
    "extract.times_real_time": "the same by bin/extract.py's library from an MP3 (44.1 kHz, "
    "stereo) to a file of features",
}


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    together = {"batch_size": settings.batch_size, "batches": 1, "clip_secs": settings.clip_secs}
    one_by_one = together | {"batch_size": 1, "batches": settings.batch_size}
    recording = {
        "model": material.student(settings),
        "path": material.recording(settings, settings.recording_minutes),
    }
    hearing = {
        "plain layers": Contestant(plain, together, plain=True),
        "folded": Contestant(folded, together),
        "plain layers, one clip": Contestant(plain, one_by_one, plain=True),
        "folded, one clip": Contestant(folded, one_by_one),
        "recording": Contestant(extract.hear, recording),
        "extract": Contestant(extract.extract_file, recording),
    }
    measured = timing.measure("forward", hearing | peak.contestants(), settings.rounds)
    keras_8, ours_8, keras_1, ours_1, heard, extracted = (measured[name] for name in hearing)
    samples = round(settings.clip_secs * constants.SAMPLE_RATE)
    flops = peak.forward_flops(arch.SOUNDNET8, samples, sum(material.CLASSES.values()))
    rate = settings.batch_size * flops / ours_8.median_secs
    recording_secs = 60 * settings.recording_minutes
    return {
        "forward.speedup_vs_keras": keras_8.over(ours_8),
        "forward.speedup_vs_keras_one_clip": keras_1.over(ours_1),
        "forward.fraction_of_matmul_peak": rate / peak.peak_flops(measured),
        "forward.matmul_gflops": peak.peak_flops(measured) / 1e9,
        "forward.times_real_time": settings.batch_size * settings.clip_secs / ours_8.median_secs,
        "extract.times_real_time_compute": recording_secs / heard.median_secs,
        "extract.times_real_time": recording_secs / extracted.median_secs,
    }


def plain(batch_size: int, batches: int, clip_secs: float) -> Callable[[], None]:
    """Contestant: a model of plain Keras layers, compiled by `tf.function`."""
    student = students.SoundNet8(plain_layers=True)
    return _hear(
        tf.function(lambda waveform: student(waveform, training=False)),
        batch_size,
        batches,
        clip_secs,
    )


def folded(batch_size: int, batches: int, clip_secs: float) -> Callable[[], None]:
    """Contestant: the same heads of a folded network."""
    network = FoldedNetwork(students.SoundNet8())
    return _hear(
        network.compiled(network.select(network.heads), False), batch_size, batches, clip_secs
    )


def _hear(network, batch_size: int, batches: int, clip_secs: float) -> Callable[[], None]:
    waveform = tf.constant(material.noise(batch_size, clip_secs))

    def run():
        for _ in range(batches):
            keras.tree.map_structure(keras.ops.convert_to_numpy, network(waveform))

    return run
