"""Adam as the paper used it, with a schedule, clipping, averaging, and heads that learn first; for
float16 the loss is scaled."""

import keras
import tensorflow as tf

from soundnet_tf.models.settings import FLOAT16, FLOAT32
from soundnet_tf.training.settings import CONSTANT, COSINE, OptimizerConfig


@keras.saving.register_keras_serializable(package="soundnet_tf")
class HeadFirstAdam(keras.optimizers.Adam):
    """Adam whose trunk variables wait and may learn more slowly than the heads.

    While they wait, their moments are already gathered; only the move itself is left out. Zeroing
    gradients instead would leave the second moment near zero, and the first real steps would be
    several times too long.
    """

    def __init__(self, *args, head_names=(), head_warmup_steps=0, trunk_scale=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.head_names = tuple(head_names)
        self.head_warmup_steps = head_warmup_steps
        self.trunk_scale = trunk_scale

    def build(self, variables):
        super().build(variables)
        self._in_head = [variable.path.split("/")[0] in self.head_names for variable in variables]
        # Keras begins an average at step 0, which float16 may leave out: it would begin at zeros.
        for variable, average in zip(
            variables, self._model_variables_moving_average if self.use_ema else (), strict=False
        ):
            average.assign(variable)

    def update_step(self, gradient, variable, learning_rate):
        if not self._in_head[self._get_variable_index(variable)]:
            awake = tf.cast(self.iterations.value >= self.head_warmup_steps, tf.float32)
            learning_rate = learning_rate * awake * self.trunk_scale
        # Keras's arithmetic as one operation: a pass over the weights instead of a dozen.
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value + 1, tf.float32)
        handles = (_handle(v) for v in (variable, self._momentums[index], self._velocities[index]))
        tf.raw_ops.ResourceApplyAdam(
            **dict(zip(("var", "m", "v"), handles, strict=True)),
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """They are of the whole batch when they come here: clipping has to see them so."""
        return grads_and_vars

    def get_config(self):
        return super().get_config() | {
            "head_names": self.head_names,
            "head_warmup_steps": self.head_warmup_steps,
            "trunk_scale": self.trunk_scale,
        }


def _handle(variable) -> tf.Tensor:
    """The resource of a Keras variable, or of a TensorFlow one (under a strategy)."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


@keras.saving.register_keras_serializable(package="soundnet_tf")
class ScaledLoss(keras.optimizers.LossScaleOptimizer):
    """Keras's, for which a step whose gradients are beyond float16 is left out but counts: how many
    steps were taken tells which clips come next."""

    def _stateful_handle_non_finite_grads(self):
        super()._stateful_handle_non_finite_grads()
        self.iterations.assign_add(1)


def counted_norm(optimizer: keras.optimizers.Optimizer, norm: tf.Tensor):
    """A gradient's length and its weight in a mean: 0 of a step that `ScaledLoss` leaves out."""
    if not isinstance(optimizer, ScaledLoss):
        return norm, 1.0
    is_taken = tf.math.is_finite(norm)
    return tf.where(is_taken, norm, 0.0), tf.cast(is_taken, tf.float32)


def build_optimizer(
    config: OptimizerConfig,
    total_steps: int,
    head_names: tuple[str, ...],
    precision: str = FLOAT32,
) -> HeadFirstAdam | ScaledLoss:
    """The optimizer of a run of `total_steps` for a student whose heads are `head_names` and which
    computes in `precision`.

    Raises:
        ValueError: a warm-up longer than the run.
    """
    adam = HeadFirstAdam(
        learning_rate=_schedule(config, total_steps),
        beta_1=0.9,
        global_clipnorm=config.clip_norm or None,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum or 0.99,
        head_names=head_names,
        head_warmup_steps=config.head_warmup_steps,
        trunk_scale=config.trunk_scale,
    )
    return ScaledLoss(adam) if precision == FLOAT16 else adam


def _schedule(config: OptimizerConfig, total_steps: int):
    if config.warmup_steps >= total_steps:
        raise ValueError(
            f"a warm-up of {config.warmup_steps} steps does not fit a run of {total_steps} steps"
        )
    if config.schedule == CONSTANT and not config.warmup_steps:
        return config.learning_rate
    # A cosine that never falls (alpha=1) is a constant that may have a warm-up.
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if config.warmup_steps else config.learning_rate,
        decay_steps=total_steps - config.warmup_steps,
        alpha=0.0 if config.schedule == COSINE else 1.0,
        warmup_target=config.learning_rate if config.warmup_steps else None,
        warmup_steps=config.warmup_steps,
    )
