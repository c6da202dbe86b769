"""Several workers take the steps that one takes with the whole batch."""

import sys

import numpy as np
import pytest
import worker_processes

SCRIPT = """
import sys
import cached_records as cached
import keras, numpy as np, tensorflow as tf
from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.models import student
from soundnet_tf.training import cluster, steps
from soundnet_tf.training.distiller import DistillConfig, Distiller
from soundnet_tf.training.optimizer import HeadFirstAdam
from soundnet_tf.training.settings import ClusterConfig

out, hosts, task, epsilon, order, short, shuffled = sys.argv[1:]
hosts = tuple(hosts.split(",")) if hosts else ()
workers = cluster.build(ClusterConfig(hosts=hosts, task=int(task) if hosts else None))

def clip(number):
    values = np.random.default_rng(number).dirichlet([0.5] * 3), [0.3, 0.7]
    return cached.clip(number, 2.5 + number % 3, dict(zip(("objects", "scenes"), values)))

clips = [clip(number) for number in range(24)]
held_out = cached.source(*(clip(number) for number in range(100, 107)))
settings = PipelineConfig(batch_size=8, crop_secs=3.5, targets="cached", short=short)
keras.utils.set_random_seed(3)
with workers.strategy.scope():
    network = student.SoundNet5(object_classes=3, scene_classes=2)
    config = DistillConfig(mix_share=0.6, shuffled_pairs=shuffled == "shuffled")
    distiller = Distiller(network, cached.TEACHERS, config, mask_sound=short == "mask", seed=3)
    optimizer = HeadFirstAdam(
        1e-3, epsilon=float(epsilon), global_clipnorm=5.0, use_ema=True, ema_momentum=0.9,
        head_names=("objects", "scenes"), head_warmup_steps=3, trunk_scale=0.5,
    )
    distiller.compile(optimizer=optimizer)
    optimizer.build(network.trainable_variables)

source = cached.source(*clips)
batches = pipeline.train_batches(source, settings, 20, 9, share=workers.share)
logs = []
class Logs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, found):
        logs.append([found[name] for name in sorted(found)])

judge = steps.Judge(distiller, workers)
validation = pipeline.eval_batches(held_out, settings, workers.share)
if order == "turned":  # the clips of each batch the other way about
    batches = batches.map(lambda b: {n: tf.reverse(v, [0]) for n, v in b.items()})
steps.fit(judge, batches, validation, 20, 10, [Logs()])
found = {v.path: v.numpy() for v in network.variables}
averages = zip(network.trainable_variables, optimizer._model_variables_moving_average)
found |= {f"average/{v.path}": average.numpy() for v, average in averages}
np.savez(f"{out}{task}.npz", logs=logs, **found)
"""


def weights(tmp_path, name, count, epsilon=1.0, order="", short="loop", shuffled=""):
    """What `count` workers learned, each of them."""
    hosts = worker_processes.hosts(count) if count > 1 else ""
    paths = [path for path in sys.path if path]
    script = f"import sys; sys.path[:0] = {paths!r}\n{SCRIPT}"
    out = str(tmp_path / name)
    commands = [
        ["-c", script, out, hosts, str(task), str(epsilon), order, short, shuffled]
        for task in range(count)
    ]
    with worker_processes.started(commands) as processes:
        worker_processes.finish(processes)
    return [dict(np.load(f"{out}{task}.npz")) for task in range(count)]


def difference(found, expected):
    """Of all weights together, relative to their length; of averages and moving statistics too.
    Left out are biases before batch norms, whose gradients are 0 but for rounding."""
    names = [name for name in expected if not name.endswith("_conv/bias")]
    kinds = ("average/", "moving_", "")
    parts = {kind: [] for kind in kinds}
    for name in names:
        parts[next(kind for kind in kinds if kind in name)].append(name)
    return {
        kind: np.linalg.norm([np.linalg.norm(found[name] - expected[name]) for name in chosen])
        / np.linalg.norm([np.linalg.norm(expected[name]) for name in chosen])
        for kind, chosen in parts.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "count, options",
    [(2, {}), (4, {}), (2, {"short": "mask"}), (2, {"shuffled": "shuffled"})],
    ids=["two", "four", "masked", "shuffled"],
)
def test_workers_learn_what_one_learns_from_the_whole_batch(tmp_path, count, options):
    """After 20 steps with clipping, averages, heads that begin alone and mixed clips; the epochs'
    means and held-out figures too. Adam's epsilon of 1 makes it move weights by their gradients,
    not by the signs of those that are 0 but for rounding."""
    (alone,) = weights(tmp_path, "alone", 1, **options)
    workers = weights(tmp_path, "workers", count, **options)
    logs = alone.pop("logs")
    for worker in workers:
        # Atol: `hears` is the quotient of two small differences.
        np.testing.assert_allclose(worker.pop("logs"), logs, rtol=1e-4, atol=5e-4)
        found = difference(worker, alone)
        assert found["average/"] < 1e-6 and found[""] < 1e-6 and found["moving_"] < 1e-4, found
