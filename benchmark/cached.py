"""Training on cached targets, over two teachers that look at the frames in every step."""

from collections.abc import Callable

import keras
from keras.applications import vgg16

from benchmark import material, pipeline, timing, training_steps
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant
from soundnet_tf.data.pipeline import train_batches
from soundnet_tf.models import student as students
from soundnet_tf.models.teachers.teacher import Teacher

FIGURES = {
    "cached.speedup_vs_online": "with two VGG16s that look at 4 frames a clip a training step "
    "takes so many times as long as with cached targets, the input pipeline included",
    "cached.time_over_bare_step": "a step with cached targets and the input pipeline over one on a "
    "batch that is always the same",
}

_STEPS = 8  # of a run with cached targets
_WITHOUT_END = 1_000_000  # steps
_VGG16_SIZE = 224  # pixels


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    network = {"batch_size": settings.batch_size, "clip_secs": settings.clip_secs}
    from_shards = network | {"shards": material.shards(settings, settings.clips)}
    contestants = {
        "online": Contestant(online_steps, from_shards | {"count": 1}),
        "cached": Contestant(cached_steps, from_shards | {"count": _STEPS}),
        "bare step": Contestant(training_steps.bare_steps, network | {"count": _STEPS}),
    }
    measured = timing.measure("cached", contestants, settings.rounds)
    cached = measured["cached"]
    return {
        "cached.speedup_vs_online": measured["online"].over(cached) * _STEPS,
        "cached.time_over_bare_step": cached.over(measured["bare step"]),
    }


def cached_steps(shards: str, batch_size: int, clip_secs: float, count: int) -> Callable[[], float]:
    """Contestant: training goes on for some steps, from shards with posteriors."""
    source = pipeline.source_of(shards)
    config = pipeline.config(batch_size, clip_secs)
    distiller = training_steps.distiller(students.SoundNet8(), source.teachers)
    return training_steps.steps(distiller, train_batches(source, config, _WITHOUT_END), count)


def online_steps(shards: str, batch_size: int, clip_secs: float, count: int) -> Callable[[], float]:
    """Contestant: the same, with frames from the shards and two VGG16s that look at them."""
    source = pipeline.source_of(shards)
    config = pipeline.config(batch_size, clip_secs, targets="online")
    teachers = {head: _vgg16(names) for head, names in material.LABELS.items()}
    distiller = training_steps.distiller(students.SoundNet8(), teachers)
    return training_steps.steps(distiller, train_batches(source, config, _WITHOUT_END), count)


def _vgg16(labels: tuple[str, ...]) -> Teacher:
    """A VGG16 with random weights, which takes as long as one with trained weights."""
    rgb = keras.Input((_VGG16_SIZE, _VGG16_SIZE, 3))
    network = vgg16.VGG16(weights=None, classes=len(labels))
    model = keras.Model(rgb, network(vgg16.preprocess_input(rgb)))
    model.trainable = False
    return Teacher("random VGG16", "vgg16", model, _VGG16_SIZE, labels, "random")
