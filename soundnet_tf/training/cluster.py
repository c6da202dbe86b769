"""Which devices and processes train together, and what they agree on between steps."""

import os
from collections.abc import Sequence

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
        if self.share.count == 1:
            return wish
        sums = self.strategy.experimental_local_results(self._total(tf.constant(float(wish))))
        return bool(sums[0] > 0)


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
    """Who the workers are: by the flags, else by TF_CONFIG, else by Slurm; None if there is one."""
    if config.hosts:
        return _resolver_of(config.hosts, config.task)
    if os.environ.get("TF_CONFIG"):
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        tasks = resolver.cluster_spec().as_dict()
        if set(tasks) != {"worker"}:
            raise ValueError(f"TF_CONFIG names {sorted(tasks)}; all tasks have to be workers")
        return resolver if len(tasks["worker"]) > 1 else None
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        return _resolver_of(*_slurm())
    return None


def _resolver_of(hosts: Sequence[str], task: int):
    """Of workers that have as many GPUs each as are visible here: unless it is told, TensorFlow
    computes on the CPU."""
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(hosts)}),
        task_type="worker",
        task_id=task,
        num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
        rpc_layer="grpc",
    )


def _slurm() -> tuple[list[str], int]:
    """Hosts and this process's task. If tasks of a machine see the same GPUs, each takes its part.

    TensorFlow's resolver is only asked for the hosts. It counts GPUs by nvidia-smi, fails where
    there are fewer than tasks, and sorts machines as words (n10, n9) where Slurm's ranks do not.
    """
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
        gpus_per_node=int(os.environ["SLURM_STEP_NUM_TASKS"]),  # so many at most are divided
        gpus_per_task=1,
        auto_set_gpu=False,
        port_base=_SLURM_PORT,
    )
    hosts = resolver.cluster_spec().as_dict()["worker"]
    machine, number = os.environ["SLURMD_NODENAME"], int(os.environ["SLURM_LOCALID"])
    gpus = tf.config.list_physical_devices("GPU")
    each = len(gpus) // sum(host.startswith(f"{machine}:") for host in hosts)
    if each and "SLURM_GPUS_PER_TASK" not in os.environ:
        tf.config.set_visible_devices(gpus[number * each : (number + 1) * each], "GPU")
    return hosts, hosts.index(f"{machine}:{_SLURM_PORT + number}")
