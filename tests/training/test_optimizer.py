"""The optimizer against Adam's closed forms and Keras's own Adam."""

import keras
import numpy as np
import numpy_adam
import pytest
import tensorflow as tf

from soundnet_tf import constants
from soundnet_tf.training.optimizer import HeadFirstAdam, build_optimizer
from soundnet_tf.training.settings import OptimizerConfig


def variables():
    trunk = keras.Variable([1.0, 2.0], name="kernel")
    head = keras.Variable([3.0], name="kernel")
    trunk._path, head._path = "conv1_conv/kernel", "objects/kernel"
    return trunk, head


def gradients(step):
    return [tf.constant([0.5, -1.0]) * step, tf.constant([2.0]) / step]


def test_steps_are_those_of_numpys_adam():
    """Six steps with everything set: gradients clipped by the norm over both variables together
    (it is above 1 in some steps and below in others), the trunk waiting for two steps and then at a
    quarter of a rate that warms up and falls, averages that begin with the first step's values."""
    trunk, head = variables()
    config = OptimizerConfig(
        learning_rate=0.1,
        schedule="cosine",
        warmup_steps=2,
        head_warmup_steps=2,
        trunk_scale=0.25,
        clip_norm=1.0,
        ema_momentum=0.8,
    )
    ours = build_optimizer(config, 6, ("objects",))
    theirs = numpy_adam.Adam([trunk, head], ema_momentum=0.8)
    rng = np.random.default_rng(0)
    rates = [0.0, 0.05] + [0.05 * (1 + np.cos(np.pi * k / 4)) for k in range(4)]
    for step, rate in enumerate(rates):
        sizes = rng.normal(0, [1e-6, 0.5, 1.0][step % 3], 3)  # some no longer than epsilon allows
        given = [tf.constant(sizes[:2], tf.float32), tf.constant(sizes[2:], tf.float32)]
        ours.apply(given, [trunk, head])
        theirs.step(given, [0.25 * rate if step >= 2 else 0.0, rate], clip_norm=1.0)
        for found, value in zip((trunk, head), theirs.values, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-5)
        for found, value in zip(ours._model_variables_moving_average, theirs.averages, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-5)
    assert min(theirs.norms) < 1 < max(theirs.norms)


def test_epsilon_and_the_second_moment_decide_small_and_late_steps():
    """Gradients near epsilon for ten steps: then 1e-7 beside a root of 1e-7 halves the step, and
    how much of an earlier, larger gradient is left depends on both betas."""
    trunk, head = variables()
    ours = build_optimizer(OptimizerConfig(learning_rate=0.1), 20, ("objects",))
    theirs = numpy_adam.Adam([trunk, head])
    for step in range(10):
        size = 1e-6 if step == 3 else 1e-7
        given = [tf.constant([size, -size]), tf.constant([size * (-1) ** step])]
        ours.apply(given, [trunk, head])
        theirs.step(given, [0.1, 0.1])
    for found, value, before in zip((trunk, head), theirs.values, variables(), strict=True):
        np.testing.assert_allclose(found - before, value - before.numpy(), rtol=1e-3)


def test_the_trunk_waits_and_then_moves_as_adam_with_its_moments_would():
    """After two steps of waiting, step 3 moves the trunk by what Keras's Adam, which saw
    the same gradients, moves in its step 3."""
    ours, plain = variables(), variables()
    waiting = HeadFirstAdam(0.1, head_names=("objects",), head_warmup_steps=2)
    adam = keras.optimizers.Adam(0.1)
    for step in (1, 2):
        waiting.apply(gradients(step), list(ours))
        adam.apply(gradients(step), list(plain))
        np.testing.assert_array_equal(ours[0], [1.0, 2.0])
        np.testing.assert_allclose(ours[1], plain[1], rtol=1e-6)
    before = plain[0].numpy()
    waiting.apply(gradients(3), list(ours))
    adam.apply(gradients(3), list(plain))
    np.testing.assert_allclose(ours[0].numpy() - [1, 2], plain[0].numpy() - before, rtol=1e-5)


def test_trunk_scale_is_a_share_of_the_first_step():
    """Adam's first step is the learning rate against the gradient's sign: 0.1 and 0.1 x 0.25."""
    trunk, head = variables()
    HeadFirstAdam(0.1, head_names=("objects",), trunk_scale=0.25).apply(gradients(1), [trunk, head])
    np.testing.assert_allclose(trunk, [1 - 0.025, 2 + 0.025], rtol=1e-5)
    np.testing.assert_allclose(head, [3 - 0.1], rtol=1e-5)


def test_cosine_with_warm_up():
    """Linear from 0 to 1 over 10 steps, then 1/2 (1 + cos(pi x)) over the other 90."""
    config = OptimizerConfig(learning_rate=1.0, schedule="cosine", warmup_steps=10)
    rate = build_optimizer(config, 100, ())._learning_rate
    for step, expected in [(0, 0.0), (5, 0.5), (10, 1.0), (55, 0.5), (100, 0.0)]:
        assert float(rate(step)) == pytest.approx(expected, abs=1e-6)


def test_constant_with_warm_up_stays_at_its_height():
    config = OptimizerConfig(learning_rate=0.5, warmup_steps=4)
    rate = build_optimizer(config, 10, ())._learning_rate
    assert [float(rate(step)) for step in (0, 2, 4, 9)] == pytest.approx([0.0, 0.25, 0.5, 0.5])


def test_defaults_are_the_papers_but_for_the_rate():
    """Adam moves a weight by about its rate in each of its first steps. Kernels begin with a
    deviation of 0.01: at the paper's 1e-3 ten steps make other filters of them, which 119 clips do
    not train (70 % by the probe where untrained ones give 76 %)."""
    adam = build_optimizer(OptimizerConfig(), 10, ())
    assert float(adam.learning_rate) == pytest.approx(1e-4)
    assert float(adam.learning_rate) <= constants.KERNEL_STDDEV / 100
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.9, 0.999, 1e-7)
    assert (adam.global_clipnorm, adam.use_ema) == (None, False)


def test_unfit_schedules_are_named():
    with pytest.raises(ValueError, match="schedule 'linear' is unknown"):
        build_optimizer(OptimizerConfig(schedule="linear"), 10, ())
    with pytest.raises(ValueError, match="10 steps does not fit a run of 10"):
        build_optimizer(OptimizerConfig(warmup_steps=10), 10, ())
