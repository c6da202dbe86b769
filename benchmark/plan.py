"""What long runs on many machines lose to failures, stragglers and a wrong number of shards.

    python -m benchmark.plan

Each table is simulated, by draws that depend on the seed alone; where there is a closed form, a
test compares with it. docs/scale.md has what came out and what follows.
"""

import heapq
import math

import numpy as np

SEED = 20161205


def hours_with_failures(
    work_hours: float,
    every_hours: float,
    mtbf_hours: float,
    checkpoint_hours: float,
    restart_hours: float,
    rng: np.random.Generator,
) -> float:
    """How long a run takes that loses what it did since its last checkpoint at every failure.

    Args:
        work_hours: of the run, if nothing fails.
        every_hours: of work, from one checkpoint to the next.
        mtbf_hours: mean time between failures of all machines together; they come at random times.
        checkpoint_hours: that writing one takes.
        restart_hours: from a failure until work goes on.
        rng: draws the failures.

    The expected time of each of the w / e stretches is (M + r) (exp((e + c) / M) - 1).
    """
    elapsed, done = 0.0, 0.0
    while done < work_hours:
        stretch = min(every_hours, work_hours - done) + checkpoint_hours
        until_failure = rng.exponential(mtbf_hours)
        if until_failure < stretch:
            elapsed += until_failure + restart_hours
        else:
            elapsed += stretch
            done += every_hours
    return elapsed


def expected_hours(
    work_hours: float,
    every_hours: float,
    mtbf_hours: float,
    checkpoint_hours: float,
    restart_hours: float,
) -> float:
    """The closed form of `hours_with_failures`, for whole stretches."""
    stretches = work_hours / every_hours
    stretch = every_hours + checkpoint_hours
    return stretches * (mtbf_hours + restart_hours) * math.expm1(stretch / mtbf_hours)


def step_over_mean(workers: int, deviation: float, steps: int, rng: np.random.Generator) -> float:
    """How much longer than a worker's mean step one takes that waits for the slowest of them.

    Args:
        workers: who take each step together.
        deviation: of the natural logarithm of a worker's time (log-normal).
        steps: that are drawn.
        rng: draws them.
    """
    times = np.exp(rng.normal(0.0, deviation, (steps, workers)))
    return float(times.max(axis=1).mean() / math.exp(deviation**2 / 2))


def makespan_over_even(
    shards: int, workers: int, deviation: float, rng: np.random.Generator
) -> float:
    """How much longer than evenly shared work it takes until the last shard is done, when each
    worker takes the next one as soon as it has finished one.

    Args:
        shards: of the same number of videos, which take log-normal times.
        workers: who make them.
        deviation: of the natural logarithm of a shard's time.
        rng: draws those.
    """
    times = np.exp(rng.normal(0.0, deviation, shards))
    free = [0.0] * workers
    for time in times:
        heapq.heapreplace(free, free[0] + time)
    return max(free) * workers / float(times.sum())


def tables() -> str:
    """The three tables of docs/scale.md, in Markdown."""
    rng = np.random.default_rng(SEED)
    lines = ["| a failure each | " + " | ".join(f"{_minutes(e)}" for e in _EVERY) + " |"]
    lines.append("|---|" + "--:|" * len(_EVERY))
    for mtbf in _MTBF:
        overheads = [
            np.mean([hours_with_failures(100, e, mtbf, 1 / 360, 0.1, rng) for _ in range(50)]) - 100
            for e in _EVERY
        ]
        lines.append(f"| {mtbf:g} h | " + " | ".join(f"{o:.1f} %" for o in overheads) + " |")
    lines += ["", "| workers | " + " | ".join(f"{d:.0%}" for d in _DEVIATIONS) + " |"]
    lines.append("|---|" + "--:|" * len(_DEVIATIONS))
    for workers in (2, 8, 64, 512):
        ratios = [step_over_mean(workers, d, 2000, rng) for d in _DEVIATIONS]
        lines.append(f"| {workers} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    lines += ["", "| shards a worker | " + " | ".join(f"{w} workers" for w in _WORKERS) + " |"]
    lines.append("|---|" + "--:|" * len(_WORKERS))
    for each in (1, 2, 4, 16, 64):
        spans = [
            np.mean([makespan_over_even(each * w, w, 0.3, rng) for _ in range(20)])
            for w in _WORKERS
        ]
        lines.append(f"| {each} | " + " | ".join(f"{s:.2f}" for s in spans) + " |")
    return "\n".join(lines)


_EVERY = (1 / 60, 1 / 12, 1 / 4, 1.0)  # hours
_MTBF = (1, 6, 24, 168)
_DEVIATIONS = (0.02, 0.1, 0.3)
_WORKERS = (8, 64, 512)


def _minutes(hours: float) -> str:
    return f"checkpoint every {60 * hours:.0f} min"


if __name__ == "__main__":
    print(tables())
