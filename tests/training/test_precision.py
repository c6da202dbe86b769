"""Students that compute in 16 bits learn as in 32, and float16's loss is scaled."""

import cached_records as cached
import keras
import numpy as np
import pytest
import tensorflow as tf

from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import CACHED, PipelineConfig
from soundnet_tf.models import student
from soundnet_tf.models.keras_settings import standard_settings
from soundnet_tf.models.settings import PRECISIONS
from soundnet_tf.training.distiller import Distiller
from soundnet_tf.training.optimizer import HeadFirstAdam, ScaledLoss, build_optimizer
from soundnet_tf.training.settings import DistillConfig, OptimizerConfig

STEPS = 12
CLIPS = [cached.clip(n, 3.0, {"objects": np.roll([0.9, 0.08, 0.02], n).tolist()}) for n in range(4)]

pytestmark = pytest.mark.gpu


def distiller_of(precision, **optimizer):
    """A small student that hears four clips, and the batch of them."""
    keras.utils.set_random_seed(1)
    source = cached.source(*CLIPS)
    with standard_settings(precision):
        network = student.SoundNet5(object_classes=3, scene_classes=None)
    made = Distiller(network, source.teachers, DistillConfig())
    config = OptimizerConfig(**{"learning_rate": 2e-4} | optimizer)
    made.compile(optimizer=build_optimizer(config, STEPS, made.heads, precision))
    batches = pipeline.eval_batches(
        source, PipelineConfig(batch_size=4, crop_secs=3.0, targets=CACHED)
    )
    made.optimizer.build(network.trainable_variables)
    return made, next(iter(batches))


def losses_of(made, batch):
    learn, found = tf.function(made.learn, autograph=False), []
    for _ in range(STEPS):
        made.learned.reset_state()
        learn(batch)
        found.append({name: float(value) for name, value in made.learned.result().items()})
    return found


def test_a_batch_is_learned_alike_in_all_precisions():
    """16 bits go the way of 32 within 0.05 nats, to far below where they began, and the gradient is
    as long, whatever the loss is scaled by. float16 leaves its first steps out, until the scale has
    fallen: then it is where the others were at their first."""
    rows = {precision: losses_of(*distiller_of(precision)) for precision in PRECISIONS}
    expected = rows["float32"]
    assert expected[-1]["loss"] < 0.5 * expected[0]["loss"]
    for precision, rows_of_all in rows.items():
        found = [row for row in rows_of_all if row["gradient_norm"] > 0]
        assert len(found) >= STEPS - (4 if precision == "mixed_float16" else 0)
        for step, (row, wanted) in enumerate(zip(found, expected, strict=False)):
            assert row["loss"] == pytest.approx(wanted["loss"], abs=0.05), (precision, step)
        norms = [row["gradient_norm"] for row in (found[0], expected[0])]
        assert norms[0] == pytest.approx(norms[1], rel=0.05), precision


def test_float16_alone_has_its_loss_scaled():
    made = {precision: distiller_of(precision)[0].optimizer for precision in PRECISIONS}
    assert type(made["float32"]) is type(made["mixed_bfloat16"]) is HeadFirstAdam
    assert type(made["mixed_float16"]) is ScaledLoss
    assert float(made["mixed_float16"].scale_loss(1.0)) == 2.0**15


def test_a_step_beyond_float16_is_left_out_and_counts():
    """A scale of 2^127 overflows: the first step moves nothing and halves the scale, and yet is one
    of the steps; its endless gradient is in no mean."""
    made, batch = distiller_of("mixed_float16", ema_momentum=0.5)
    made.optimizer.dynamic_scale.assign(2.0**127)
    before = [v.numpy() for v in made.student.trainable_variables]
    made.learn(batch)
    for variable, old in zip(made.student.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)
    assert int(made.optimizer.iterations) == 1
    assert float(made.optimizer.dynamic_scale) == 2.0**126
    assert float(made.learned.result()["gradient_norm"]) == 0.0
    made.optimizer.dynamic_scale.assign(2.0**10)
    made.learn(batch)
    assert int(made.optimizer.iterations) == 2
    norm = float(made.learned.result()["gradient_norm"])  # of the one step that was taken
    single, batch = distiller_of("mixed_float16")
    single.optimizer.dynamic_scale.assign(2.0**10)
    single.learn(batch)
    assert norm == pytest.approx(float(single.learned.result()["gradient_norm"]), rel=0.05)


def test_an_average_begins_at_the_weights_if_float16_leaves_the_first_step_out():
    """Weights of 1 and a momentum of 0.9: after a step that is left out the average is 1, after one
    of Adam's, by its rate of 0.1 times 0.744, 0.9 + 0.1 (1 - 0.0744). (Adam's moments are of the
    second of two steps: 0.1 / 0.19 over the root of 0.001 / 0.001999.)"""
    weight = keras.Variable([1.0, 1.0], name="kernel")
    config = OptimizerConfig(learning_rate=0.1, ema_momentum=0.9)
    optimizer = build_optimizer(config, 9, (), "mixed_float16")
    optimizer.build([weight])
    (average,) = optimizer.inner_optimizer._model_variables_moving_average
    optimizer.apply([tf.constant([np.inf, 1.0])], [weight])
    np.testing.assert_array_equal(average, [1.0, 1.0])
    optimizer.apply([tf.constant([3.0, 4.0]) * 2.0**14], [weight])
    np.testing.assert_allclose(average, 0.9 + 0.1 * (1 - 0.0744), rtol=1e-4)


def test_what_is_clipped_is_not_scaled():
    """Gradients of length 5 clipped to 1, times a scale of 2^15: Adam's second moment after a step
    is 0.001 times their squares."""
    weight = keras.Variable([1.0, 1.0], name="kernel")
    optimizer = build_optimizer(OptimizerConfig(clip_norm=1.0), 9, (), "mixed_float16")
    optimizer.build([weight])
    optimizer.apply([tf.constant([3.0, 4.0]) * 2.0**15], [weight])
    (velocity,) = optimizer.inner_optimizer._velocities
    np.testing.assert_allclose(velocity, 0.001 * np.array([0.6, 0.8]) ** 2, rtol=1e-4)
