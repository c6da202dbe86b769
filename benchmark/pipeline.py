"""The input pipeline from labelled shards, over the training steps that it has to feed."""

import os
from collections.abc import Callable

from benchmark import material, timing, training_steps
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf.data import pipeline, sources
from soundnet_tf.data.batch_settings import CACHED, PipelineConfig

FIGURES = {
    "pipeline.rate_over_step": "batches a second of the input pipeline alone, from labelled "
    "shards, over training steps a second",
    "pipeline.clips_per_second": "the former in clips of 20 s",
}


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    batches = settings.clips // settings.batch_size
    network = {"batch_size": settings.batch_size, "clip_secs": settings.clip_secs}
    contestants = {
        "pipeline": Contestant(
            one_pass, network | {"shards": material.shards(settings, settings.clips)}
        ),
        "step": Contestant(training_steps.bare_steps, network | {"count": 1}),
    }
    measured = timing.measure("pipeline", contestants, settings.rounds)
    read = measured["pipeline"]
    return {
        "pipeline.rate_over_step": measured["step"].over(read) * batches,
        "pipeline.clips_per_second": batches * settings.batch_size / read.median_secs,
    }


def one_pass(shards: str, batch_size: int, clip_secs: float) -> Callable[[], None]:
    """Contestant: a pass over all clips from the start, so that nothing is there beforehand."""
    source = source_of(shards)
    batches = pipeline.train_batches(source, config(batch_size, clip_secs), epochs=1)

    def run():
        for _ in batches:
            pass

    return run


def source_of(shards: str) -> sources.Source:
    return sources.from_records(os.path.join(shards, "train-*"))


def config(batch_size: int, clip_secs: float, targets: str = CACHED) -> PipelineConfig:
    return PipelineConfig(
        batch_size=batch_size,
        crop_secs=clip_secs,
        shuffle_clips=2 * batch_size,  # so that memory does not grow with the clips
        targets=targets,
    )
