"""The loop: epochs of steps, each of one batch that all replicas share, and evaluation.

Keras's `fit` cannot be used by several workers (Keras 3 fails on what they give), and begins at
epochs only. This one calls Keras's callbacks where `fit` does.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from soundnet_tf.data.elements import elements
from soundnet_tf.training.by_class import ByClass, Sums
from soundnet_tf.training.cluster import Cluster
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.monitor import steps_done


class Judge:
    """Evaluates a distiller.

    Attributes:
        by_class: of the latest evaluation, what `ByClass` gives, by head.

    Args:
        distiller: whose metrics are counted.
        cluster: whose processes all call it, each with its share of the same clips.
    """

    def __init__(self, distiller: Distiller, cluster: Cluster):
        self.distiller, self.cluster = distiller, cluster
        self.by_class: Sums = {}
        with cluster.strategy.scope():
            # Not of the distiller: what it holds is in checkpoints, also of earlier versions.
            self._by_class = {
                head: ByClass(head, len(labels)) for head, labels in distiller.labels.items()
            }
        self._judge = tf.function(
            lambda batch: cluster.strategy.run(self._judge_here, (batch,)),
            autograph=False,
            reduce_retracing=True,
        )

    def _judge_here(self, batch):
        targets, logits = self.distiller.judge(batch)
        for head, (posteriors, mask) in targets.items():
            self._by_class[head].update_state(posteriors, logits[head], mask)

    def __call__(
        self, batches: tf.data.Dataset, called: keras.callbacks.CallbackList | None = None
    ) -> dict[str, float]:
        """The metrics of evaluation over all processes' batches, by name."""
        called = called or keras.callbacks.CallbackList(model=self.distiller)
        called.on_test_begin()
        for metric in (*self.distiller.judgement, *self._by_class.values()):
            metric.reset_state()
        # Metrics are sums, so processes need not have equally many batches. All replicas of a
        # process look at the same ones; no figure changes by that, they are ratios.
        for number, batch in enumerate(elements(batches)):
            called.on_test_batch_begin(number)
            self._judge(batch)
            called.on_test_batch_end(number)
        figures = {}
        for metric in self.distiller.judgement:
            figures |= _floats(metric.result())
        self.by_class = {head: metric.result().numpy() for head, metric in self._by_class.items()}
        called.on_test_end(figures)
        return figures


def fit(
    judge: Judge,
    batches: tf.data.Dataset,
    validation: tf.data.Dataset,
    end: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Goes on from the step at which the optimizer is.

    Args:
        judge: of the distiller, which is compiled, and of the cluster, whose processes all call
            this.
        batches: from that step on, of every batch this process's share, for each of its replicas
            one after the other.
        validation: this process's share of the held-out clips.
        end: steps of the whole run, a multiple of `steps_per_epoch`.
        steps_per_epoch: after so many it is validated.
        callbacks: are called as Keras's `fit` does; `wait_secs` of the distiller grows by the time
            in which it waits for batches.
    """
    distiller, done = judge.distiller, steps_done(judge.distiller)
    learn = compiled(distiller, judge.cluster)
    called = keras.callbacks.CallbackList(callbacks, model=distiller)
    called.on_train_begin()
    iterator = iter(batches)
    while done < end:
        epoch, first = divmod(done, steps_per_epoch)
        if first == 0:  # else it goes on in the middle of an epoch, with that epoch's means
            distiller.learned.reset_state()
        called.on_epoch_begin(epoch)
        for step in range(first, steps_per_epoch):
            called.on_train_batch_begin(step)
            begun = time.perf_counter()
            batch = _of_replicas(judge.cluster, iterator)
            distiller.wait_secs += time.perf_counter() - begun
            logs = _floats(learn(batch))
            called.on_train_batch_end(step, logs)
        figures = judge(validation, called)
        called.on_epoch_end(epoch, logs | {f"val_{k}": v for k, v in figures.items()})
        done = (epoch + 1) * steps_per_epoch
    called.on_train_end()


def compiled(distiller: Distiller, cluster: Cluster) -> Callable:
    """A step as a graph: takes a batch, of each replica its part, and gives the means so far."""

    @tf.function(autograph=False)
    def step(batch):
        cluster.strategy.run(distiller.learn, (batch,))
        return distiller.learned.result()

    return step


def _of_replicas(cluster: Cluster, iterator: Iterator):
    """The next batch of this process: one, or for each of its replicas one."""
    if cluster.replicas_here == 1:
        return next(iterator)
    parts = [next(iterator) for _ in range(cluster.replicas_here)]
    return {
        name: cluster.strategy.experimental_distribute_values_from_function(
            lambda context, name=name: parts[context.replica_id_in_sync_group % len(parts)][name]
        )
        for name in parts[0]
    }


def _floats(results) -> dict[str, float]:
    return {name: float(value) for name, value in results.items()}
