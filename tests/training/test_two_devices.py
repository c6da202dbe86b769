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
from soundnet_tf.models import initialise, student
from soundnet_tf.models.teachers.teacher import load_teacher
from soundnet_tf.training.distiller import DistillConfig, Distiller

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

def train(strategy):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        network = student.SoundNet5(object_classes=3, scene_classes=None)
        initialise.freeze_batch_norm(network)  # each replica has batch statistics of its own
        distiller = Distiller(network, {"objects": load_teacher(spec)}, DistillConfig())
        distiller.compile(optimizer=keras.optimizers.SGD(0.1))
    start = network.get_weights()
    dataset = tf.data.Dataset.from_tensors(batch).repeat(3)
    history = distiller.fit(dataset, steps_per_epoch=3, verbose=0, shuffle=False).history
    moves = [end - begun for begun, end in zip(start, network.get_weights(), strict=True)]
    return moves, history["loss"]

alone, loss_alone = train(tf.distribute.get_strategy())
together, loss_together = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for a, b in zip(alone, together, strict=True):
    # Sums over half batches are rounded otherwise; a wrong mean would be off by the whole move.
    np.testing.assert_allclose(a, b, atol=1e-2 * np.abs(a).max())
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
