"""Growth: time and peak memory of the stages for N, 2N and 4N clips or hours, and what it costs
that workers share a batch."""

from benchmark import cached, extract, material, prepare, timing, workers
from benchmark.settings import BenchmarkConfig
from benchmark.timing import Contestant, Measurement

_MULTIPLES = (1, 2, 4)
_MOST_ROUNDS = 3  # since they are long
_STAGES = {
    "prepare": "preparing 32, 64 and 128 clips of 20 s",
    "train": "a pass of training over 32, 64 and 128 clips, with cached targets",
    "extract": "extracting features of recordings of 1, 2 and 4 hours",
}
_GROWTH = {
    "time_2n_over_n": "time for twice as much",
    "time_4n_over_n": "time for four times as much",
    "memory_4n_over_n": "peak memory for four times as much",
}
FIGURES = {f"scaling.{name}": f"{what}, the most of all stages" for name, what in _GROWTH.items()}
FIGURES |= {
    f"scaling.{stage}.{name}": f"{of_what}: {what}"
    for stage, of_what in _STAGES.items()
    for name, what in _GROWTH.items()
}
FIGURES |= {
    "scaling.one_worker_over_step": "a step on 64 clips of 20 s by tf.distribute with one worker "
    "over the same step without",
    "scaling.two_workers_over_step": "the same by two workers on this machine, each with half of "
    "the clips and of the cores",
}


def measure(settings: BenchmarkConfig) -> dict[str, float]:
    contestants = dict(zip(_STAGES, (_preparing, _training, _extracting), strict=True))
    rounds = min(settings.rounds, _MOST_ROUNDS)
    stages = {}
    for stage, of_stage in contestants.items():
        # An extraction is long, and its network is warm: it has heard a minute already.
        warm_ups = 0 if stage == "extract" else 1
        measured = timing.measure(f"scaling, {stage}", of_stage(settings), rounds, warm_ups)
        stages[stage] = _growth(*measured.values())
    most = {f"scaling.{name}": max(growth[name] for growth in stages.values()) for name in _GROWTH}
    by_stage = {
        f"scaling.{stage}.{name}": value
        for stage, growth in stages.items()
        for name, value in growth.items()
    }
    return most | by_stage | _sharing(settings)


def _sharing(settings: BenchmarkConfig) -> dict[str, float]:
    sharing = workers.contestants(settings.shared_batch_size, settings.clip_secs)
    plain, one, two = timing.measure("scaling, workers", sharing, settings.rounds).values()
    return {
        "scaling.one_worker_over_step": one.over(plain),
        "scaling.two_workers_over_step": two.over(plain),
    }


def _growth(once: Measurement, twice: Measurement, four_times: Measurement) -> dict[str, float]:
    return {
        "time_2n_over_n": twice.over(once),
        "time_4n_over_n": four_times.over(once),
        "memory_4n_over_n": four_times.peak_bytes / once.peak_bytes,
    }


def _preparing(settings: BenchmarkConfig) -> dict[str, Contestant]:
    return {
        f"{clips} clips": Contestant(
            prepare.prepare_videos,
            {"videos": material.films(settings, clips), "clip_secs": settings.clip_secs},
        )
        for clips in _clips(settings)
    }


def _training(settings: BenchmarkConfig) -> dict[str, Contestant]:
    return {
        f"{clips} clips": Contestant(
            cached.cached_steps,
            {
                "shards": material.shards(settings, clips),
                "batch_size": settings.batch_size,
                "clip_secs": settings.clip_secs,
                "count": clips // settings.batch_size,
            },
        )
        for clips in _clips(settings)
    }


def _extracting(settings: BenchmarkConfig) -> dict[str, Contestant]:
    model = material.student(settings)
    return {
        f"{hours:g} h": Contestant(
            extract.extract_file,
            {"model": model, "path": material.recording(settings, 60 * hours)},
        )
        for hours in (multiple * settings.scaling_hours for multiple in _MULTIPLES)
    }


def _clips(settings: BenchmarkConfig) -> list[int]:
    return [multiple * settings.scaling_clips for multiple in _MULTIPLES]
