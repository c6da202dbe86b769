"""Which devices and processes train together, and what they agree on between steps."""

import os

import tensorflow as tf

from soundnet_tf.data.order import ALL, Share
from soundnet_tf.models import replicas
from soundnet_tf.training.settings import MIRRORED, MULTIWORKER, NONE, ClusterConfig


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
    resolvers = tf.distribute.cluster_resolver
    if config.hosts:
        workers = tf.train.ClusterSpec({"worker": list(config.hosts)})
        return resolvers.SimpleClusterResolver(
            workers, task_type="worker", task_id=config.task, rpc_layer="grpc"
        )
    if os.environ.get("TF_CONFIG"):
        resolver = resolvers.TFConfigClusterResolver()
        tasks = resolver.cluster_spec().as_dict()
        if set(tasks) != {"worker"}:
            raise ValueError(f"TF_CONFIG names {sorted(tasks)}; all tasks have to be workers")
        return resolver if len(tasks["worker"]) > 1 else None
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        resolver = resolvers.SlurmClusterResolver(rpc_layer="grpc")
        resolver.cluster_spec()  # which also finds out which task this is
        return resolver
    return None
