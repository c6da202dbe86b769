"""Training on several devices equals training on one."""

import subprocess
import sys

import pytest

# In a process of its own: devices can only be divided before TensorFlow begins.
SCRIPT = """
import pathlib, sys, keras, numpy as np, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
from colour_teacher import write_colour_teacher
from soundnet_tf.models import student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training import steps
from soundnet_tf.training.cluster import Cluster
from soundnet_tf.training.distiller import DistillConfig, Distiller
from soundnet_tf.training.optimizer import HeadFirstAdam

spec = write_colour_teacher(pathlib.Path(sys.argv[1]) / "c.keras", np.eye(3) * 255, 1e-4)
rng = np.random.default_rng(0)
batch = {
    "id": tf.constant(list("abcd")),
    "video": tf.constant(list("xyxy")),
    "waveform": tf.constant(rng.uniform(-0.5, 0.5, (4, 88200)), tf.float32),
    "lengths": tf.fill([4], 88200),
    "frames": tf.constant(rng.integers(0, 256, (4, 2, 32, 32, 3)), tf.uint8),
    "frame_secs": tf.tile(tf.range(2.0)[None], [4, 1]),
    "frame_mask": tf.ones([4, 2], bool),
}

class Loss(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        self.values = logs["loss"], logs["val_loss"]

def train(strategy):
    keras.utils.set_random_seed(1)
    cluster, loss = Cluster(strategy), Loss()
    with strategy.scope():
        network = student.SoundNet5(object_classes=3, scene_classes=None)
        distiller = Distiller(network, {"objects": load_teacher(spec)}, DistillConfig())
        # Moves weights by their gradients, not by the signs of those that are 0 but for rounding.
        distiller.compile(optimizer=HeadFirstAdam(0.1, epsilon=1.0))
        distiller.optimizer.build(network.trainable_variables)
    start = network.get_weights()
    whole = tf.data.Dataset.from_tensors(batch)
    parts = whole.unbatch().batch(4 // cluster.replicas_here).repeat(3)
    steps.fit(steps.Judge(distiller, cluster), parts, whole, 3, 3, [loss])
    weights = zip(network.variables, start, network.get_weights(), strict=True)
    return {variable.path: end - begun for variable, begun, end in weights}, loss.values

alone, loss_alone = train(tf.distribute.get_strategy())
together, loss_together = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for path, a in alone.items():
    if path.endswith("_conv/bias"):  # before a batch norm: its gradient is 0 but for rounding
        continue
    # Sums over half batches are rounded otherwise; a wrong mean would be off by the whole move.
    assert np.linalg.norm(a - together[path]) < 2e-2 * np.linalg.norm(a), path
np.testing.assert_allclose(loss_alone, loss_together, rtol=1e-3)
print("equal after three steps")
"""


@pytest.mark.slow
def test_two_replicas_learn_what_one_learns_from_the_whole_batch(tmp_path):
    """The mean of two half batches' gradients is the whole batch's, so the weights move equally."""
    paths = [path for path in sys.path if path]
    script = f"import sys; sys.path[:0] = {paths!r}\n{SCRIPT}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "equal after three steps" in done.stdout
