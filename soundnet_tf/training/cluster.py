"""Which devices and processes train together, and what they agree on between steps."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from soundnet_tf.data.order import ALL, Share
from soundnet_tf.models import replicas
from soundnet_tf.training.settings import MIRRORED, MULTIWORKER, NONE, ClusterConfig

_SLURM_PORT = 8888  # of a machine's first worker; its next ones have the next ports


class Cluster:
    """The processes of a run, which each read their share of every batch.

    Args:
        strategy: in whose scope the student is made and its steps run.
        share: this process's.
    """

    def __init__(self, strategy: tf.distribute.Strategy, share: Share = ALL):
        self.strategy, self.share = strategy, share

        @tf.function(autograph=False)
        def total(value):
            # A copy, so that it is on the replica's device, where sums want it.
            return strategy.run(lambda: replicas.total(tf.identity(value)))

        self._total = total

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the run leaves; the others only compute."""
        return self.share.index == 0

    @property
    def replicas_here(self) -> int:
        """Devices of this process that have a part of its share each."""
        return self.strategy.num_replicas_in_sync // self.share.count

    def any(self, wish: bool) -> bool:
        """Whether any process wishes so. All have to ask at the same step."""
        return wish if self.share.count == 1 else self._sum(float(wish)) > 0

    def check_alike(self, what: str, value: Any) -> None:
        """Refuses processes that were not started alike: nothing else would tell, they would train
        together on batches of which no part fits the others.

        Args:
            what: of which they have to have the same.
            value: this process's, of what JSON can hold.

        Raises:
            ValueError: in all of them, if any has another value than the first.
        """
        if self.share.count == 1:
            return
        text = json.dumps(value, sort_keys=True).encode()
        ours = int(hashlib.sha256(text).hexdigest()[:5], 16)  # sums stay exact in float32
        is_other = self._sum(float(ours) if self.is_chief else 0.0) != ours * self.replicas_here
        if self.any(is_other):
            which = "this one differs from the first" if is_other else "another one differs"
            raise ValueError(
                f"the workers do not have the same {what} ({which}): start all by the same command "
                "but for --task, with the same files under the same names"
            )

    def _sum(self, value: float) -> float:
        """Over all processes; each adds it as many times as it has devices."""
        totals = self.strategy.experimental_local_results(self._total(tf.constant(value)))
        return float(totals[0])


def alone() -> Cluster:
    """One process with the device that there is."""
    return Cluster(tf.distribute.get_strategy())


def build(config: ClusterConfig) -> Cluster:
    """The cluster that settings and environment describe; of several processes each calls this, and
    before anything else of TensorFlow.

    Raises:
        ValueError: a description that cannot be understood.
    """
    resolver = _resolver(config)
    kind = config.strategy
    if resolver is not None and kind not in (NONE, MIRRORED):
        workers = resolver.cluster_spec().num_tasks("worker")
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        return Cluster(strategy, Share(resolver.task_id, workers))
    if kind == MULTIWORKER:
        raise ValueError(
            "strategy multiworker needs to know the workers: give --hosts and --task, or set "
            "TF_CONFIG, or start it with srun"
        )
    gpus = len(tf.config.list_logical_devices("GPU"))
    if kind == MIRRORED or (kind != NONE and gpus > 1):
        return Cluster(tf.distribute.MirroredStrategy())
    return alone()


def _resolver(config: ClusterConfig):
    """Who the workers are: by the flags, else by TF_CONFIG, else by Slurm; None if there is one
    that was not asked to be a cluster."""
    if config.task is not None:
        return _workers(config.hosts, config.task)
    at_least = 1 if config.strategy == MULTIWORKER else 2
    for described in (_by_tf_config, _by_slurm):
        if found := described(at_least):
            return _workers(*found)
    return None


def _workers(hosts: Sequence[str], task: int):
    """They have as many GPUs each as are visible here: unless it is told, TensorFlow computes on
    the CPU."""
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(hosts)}),
        task_type="worker",
        task_id=task,
        num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
        rpc_layer="grpc",
    )


def _by_tf_config(at_least: int) -> tuple[list[str], int] | None:
    """The addresses of all workers, and which of them this is; None of fewer."""
    given = os.environ.get("TF_CONFIG")
    if not given:
        return None
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        tasks = resolver.cluster_spec().as_dict()
        kind, task = resolver.task_type, resolver.task_id
    except (ValueError, TypeError, AttributeError) as error:  # of JSON, or of its form
        raise ValueError(f"TF_CONFIG cannot be understood ({error}): {given}") from error
    if not tasks:
        return None
    if set(tasks) != {"worker"}:
        raise ValueError(f"TF_CONFIG names {sorted(tasks)}; all tasks have to be workers")
    hosts = tasks["worker"]
    if kind != "worker" or task not in range(len(hosts)):
        raise ValueError(
            f"TF_CONFIG says that this is {kind} {task}; it has to be worker 0 to {len(hosts) - 1}"
        )
    return (hosts, task) if len(hosts) >= at_least else None


def _by_slurm(at_least: int) -> tuple[list[str], int] | None:
    """As `_by_tf_config`. If tasks of a machine see the same GPUs, each takes its part.

    TensorFlow's resolver is only asked for the hosts. It counts GPUs by nvidia-smi, fails where
    there are fewer than tasks, and sorts machines as words (n10, n9) where Slurm's ranks do not.
    """
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 0))
    if tasks < at_least:
        return None
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
        gpus_per_node=tasks,  # so many at most are divided
        gpus_per_task=1,
        auto_set_gpu=False,
        port_base=_SLURM_PORT,
    )
    hosts = resolver.cluster_spec().as_dict()["worker"]
    machine, number = os.environ.get("SLURMD_NODENAME"), int(os.environ.get("SLURM_LOCALID", 0))
    ours = f"{machine}:{_SLURM_PORT + number}"
    if ours not in hosts:
        raise ValueError(
            f"Slurm's variables do not say which of {hosts} this is (SLURMD_NODENAME is {machine}, "
            f"SLURM_LOCALID {number}); start it with srun, or give --hosts and --task"
        )
    gpus = tf.config.list_physical_devices("GPU")
    each = len(gpus) // sum(host.startswith(f"{machine}:") for host in hosts)
    if each and "SLURM_GPUS_PER_TASK" not in os.environ:
        tf.config.set_visible_devices(gpus[number * each : (number + 1) * each], "GPU")
    return hosts, hosts.index(ours)
