"""Several workers on one machine: what sharing a batch costs over a step that one process takes."""

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import tensorflow as tf

from benchmark import training_steps
from benchmark.timing import Contestant
from soundnet_tf.models import student as students
from soundnet_tf.training import cluster as clusters
from soundnet_tf.training.settings import MULTIWORKER, ClusterConfig
from soundnet_tf.training.steps import compiled

Step = Callable[[], float]


def contestants(batch_size: int, clip_secs: float) -> dict[str, Contestant]:
    """The same batch by one process, by one worker of tf.distribute, and by two that share it and
    the machine's cores."""
    arguments = {"batch_size": batch_size, "clip_secs": clip_secs}
    return {
        "step": Contestant(training_steps.bare_steps, arguments | {"count": 1}),
        "one worker": Contestant(shared_steps, arguments | {"workers": 1}),
        "two workers": Contestant(shared_steps, arguments | {"workers": 2}),
    }


def shared_steps(batch_size: int, clip_secs: float, workers: int) -> Step:
    """Contestant: a step of `workers` processes, all on this machine, of which this is the first.
    The others, which it starts, follow it step by step and end with it."""
    hosts = [f"localhost:{port}" for port in _free_ports(workers)]
    share = [hosts, batch_size // workers, clip_secs]
    for task in range(1, workers):
        arguments = [*(sys.executable, "-m", "benchmark.workers"), json.dumps([task, *share])]
        follower = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        atexit.register(follower.kill)
    return _steps(0, *share)


def _steps(task: int, hosts: list[str], clips: int, clip_secs: float) -> Step:
    """The steps of one worker, whose share is so many clips."""
    cores = max(1, len(os.sched_getaffinity(0)) // len(hosts))
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    cluster = clusters.build(ClusterConfig(strategy=MULTIWORKER, hosts=tuple(hosts), task=task))
    with cluster.strategy.scope():
        teachers = training_steps.cached_teachers()
        distiller = training_steps.distiller(students.SoundNet8(), teachers)
    batch = training_steps.fixed_batch(clips, clip_secs, seed=task)
    step = compiled(distiller, cluster)
    return lambda: float(step(batch)["loss"])


def _free_ports(count: int) -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        sockets = (first, second)[:count]
        for listening in sockets:
            listening.bind(("localhost", 0))
        return [listening.getsockname()[1] for listening in sockets]


if __name__ == "__main__":
    follow = _steps(*json.loads(sys.argv[1]))
    while True:
        follow()
