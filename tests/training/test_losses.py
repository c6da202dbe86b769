"""Losses against closed forms and against SciPy-free NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from soundnet_tf.training import losses


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_kl_of_a_certain_teacher_and_an_even_student_is_log_classes():
    """p = (1, 0, 0, 0), q = 1/4 each: 1 log(1 / (1/4)) = log 4; zeros of p cost nothing."""
    kl = losses.kl_divergence([[1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(kl, [np.log(4.0)], rtol=1e-6)


def test_a_class_that_neither_knows_costs_nothing():
    """p = q = (1, 0): the student's logit of minus infinity meets a zero of the teacher."""
    np.testing.assert_array_equal(losses.kl_divergence([[1.0, 0.0]], [[0.0, -np.inf]]), [0.0])


def test_kl_of_halves_and_quarters():
    """p = (1/2, 1/2), q = (1/4, 3/4): 1/2 log 2 + 1/2 log(2/3) = 1/2 log(4/3)."""
    kl = losses.kl_divergence([[0.5, 0.5]], np.log([[0.25, 0.75]]))
    np.testing.assert_allclose(kl, [0.5 * np.log(4 / 3)], rtol=1e-6)


def test_kl_keeps_gradients_that_clipping_would_stop():
    """The gradient by the logits is q - p, also where q is far below Keras's clip at 1e-7.

    Logits (0, -30), p = (0, 1): q = (1 - 9e-14, 9e-14), so the gradient is (1, -1)."""
    logits = tf.Variable([[0.0, -30.0]])
    with tf.GradientTape() as tape:
        kl = losses.kl_divergence([[0.0, 1.0]], logits)
    np.testing.assert_allclose(tape.gradient(kl, logits), [[1.0, -1.0]], rtol=1e-6)


logits_strategy = hnp.arrays(np.float32, (2, 3, 5), elements=st.floats(-20, 20, width=32))


@given(logits_strategy, logits_strategy)
def test_kl_equals_float64_and_is_never_negative(teacher, student):
    p, q = softmax(teacher.astype(np.float64)), softmax(student.astype(np.float64))
    expected = (p * (np.log(p) - np.log(q))).sum(-1)
    kl = losses.kl_divergence(p.astype(np.float32), student).numpy()
    np.testing.assert_allclose(kl, expected, rtol=1e-3, atol=1e-4)
    assert kl.min() > -1e-4


@given(logits_strategy)
def test_kl_of_a_perfect_student_is_zero(teacher):
    np.testing.assert_allclose(
        losses.kl_divergence(softmax(teacher.astype(np.float64)), teacher), 0.0, atol=1e-4
    )


def test_temperature_softens_both_sides_and_keeps_the_gradients_size():
    """With logits a for the teacher and b for the student, T = 2: KL(softmax(a/2) || softmax(b/2))
    times 4, since p^(1/2) normalised is softmax(a/2)."""
    a, b = np.array([[2.0, -1.0, 0.5]]), np.array([[0.0, 1.0, -2.0]])
    p, q = softmax(a / 2), softmax(b / 2)
    expected = 4 * (p * np.log(p / q)).sum(-1)
    np.testing.assert_allclose(losses.kl_divergence(softmax(a), b, 2.0), expected, rtol=1e-5)


def test_squared_error_of_opposites_is_two():
    """p = (1, 0), q = (0, 1) up to e^-100: (1 - 0)^2 + (0 - 1)^2 = 2."""
    np.testing.assert_allclose(losses.squared_error([[1.0, 0.0]], [[-100.0, 0.0]]), [2.0])


def test_bfloat16_logits_are_reduced_in_float32():
    logits = tf.constant([[0.0, 1.0, 2.0]], tf.bfloat16)
    kl = losses.kl_divergence([[0.2, 0.3, 0.5]], logits)
    assert kl.dtype == tf.float32
    np.testing.assert_allclose(kl, losses.kl_divergence([[0.2, 0.3, 0.5]], [[0.0, 1.0, 2.0]]))


class TestHeadLoss:
    targets = tf.constant([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    logits = tf.zeros([2, 2, 2])

    def test_mean_counts_valid_steps_only(self):
        """Each step costs log 2 but the last, certain and wrong, which is masked."""
        logits = self.logits + tf.constant([[[0.0, 0.0]] * 2, [[0.0, 0.0], [50.0, -50.0]]])
        mask = [[True, True], [True, False]]
        np.testing.assert_allclose(
            losses.head_loss(self.targets, logits, mask), np.log(2), rtol=1e-6
        )

    def test_paper_divides_by_classes_and_heads_and_scales_by_250(self):
        """log 2 x 250 / (2 heads x 2 classes)."""
        loss = losses.head_loss(
            self.targets, self.logits, tf.ones([2, 2], bool), reduction="paper", heads=2
        )
        np.testing.assert_allclose(loss, np.log(2) * 250 / 4, rtol=1e-6)

    def test_no_valid_step_costs_nothing(self):
        loss = losses.head_loss(self.targets, self.logits, tf.zeros([2, 2], bool))
        assert float(loss) == 0.0

    def test_l2(self):
        """q = (1/2, 1/2) against (1, 0): 1/4 + 1/4 a step."""
        loss = losses.head_loss(self.targets, self.logits, tf.ones([2, 2], bool), loss="l2")
        np.testing.assert_allclose(loss, 0.5, rtol=1e-6)

    @pytest.mark.parametrize("option", [{"loss": "l1"}, {"reduction": "sum"}])
    def test_unknown_options_are_named(self, option):
        with pytest.raises(ValueError, match="'(l1|sum)' is unknown"):
            losses.head_loss(self.targets, self.logits, tf.ones([2, 2], bool), **option)
