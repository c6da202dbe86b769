"""A training step: the distiller's over plain Keras layers, and over what the machine can do."""

from benchmark import gradients, material, peak, timing, training_steps
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf import constants
from soundnet_tf.models import architecture as arch
from soundnet_tf.models.settings import BFLOAT16

FIGURES = {
    "step.speedup_vs_keras": "a training step of plain Keras layers takes so many times as long, "
    "with TensorFlow's defaults",
    "step.speedup_vs_keras_onednn": "the same with oneDNN switched on for them too",
    "step.fraction_of_matmul_peak": "a step's convolutions per second over what the fastest matrix "
    "product reaches",
    "step.matmul_gflops": "the latter, in 10⁹ operations a second",
    "step.seconds": "a step on 8 clips of 20 s",
    "step.clips_per_second": "clips of 20 s a second, in steps of 8",
    "step.bfloat16_over_float32": "a step that computes in bfloat16 takes so many times as long",
    "step.gradient_difference_median": "relative distance of a weight's gradient from that of "
    "plain layers, median over all weights and several draws",
    "step.gradient_difference_max": "the largest one, of a draw with a sample on a kink of ReLU or "
    "pool",
    "step.gradient_noise_median": "the same of plain layers from themselves, with the clips of a "
    "batch in another order",
    "step.gradient_noise_max": "the largest one",
}


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    arguments = {"batch_size": settings.batch_size, "clip_secs": settings.clip_secs}
    ours_alone = arguments | {"count": 1}
    contestants = {
        "step of plain layers": Contestant(training_steps.plain_step, arguments, plain=True),
        "step of plain layers, oneDNN": Contestant(training_steps.plain_step, arguments),
        "step": Contestant(training_steps.bare_steps, ours_alone),
        "step in bfloat16": Contestant(
            training_steps.bare_steps, ours_alone | {"precision": BFLOAT16}
        ),
    }
    measured = timing.measure("step", contestants | peak.contestants(), settings.rounds)
    plain, onednn, ours, in_16_bits = (measured[name] for name in contestants)
    samples = round(settings.clip_secs * constants.SAMPLE_RATE)
    flops = peak.step_flops(arch.SOUNDNET8, samples, sum(material.CLASSES.values()))
    rate = settings.batch_size * flops / ours.median_secs
    return {
        "step.speedup_vs_keras": plain.over(ours),
        "step.speedup_vs_keras_onednn": onednn.over(ours),
        "step.fraction_of_matmul_peak": rate / peak.peak_flops(measured),
        "step.matmul_gflops": peak.peak_flops(measured) / 1e9,
        "step.seconds": ours.median_secs,
        "step.clips_per_second": settings.batch_size / ours.median_secs,
        "step.bfloat16_over_float32": in_16_bits.over(ours),
    } | {
        f"step.gradient_{name}": value
        for name, value in timing.call(gradients.compare, clip_secs=settings.clip_secs).items()
    }
