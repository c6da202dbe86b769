"""What the package takes from Keras and TensorFlow that they do not promise; WORKSPACE.md has the
table. A test here fails by name where a new version changes it; `test_private_names` sees to it
that nothing of the kind is used unseen."""

import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils


def small_model():
    """y = w x from w = 0."""
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, "linear", False, "zeros")])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    return model


ONE = np.ones([1, 1], np.float32)


def test_fit_starts_at_initial_epoch_even_if_it_is_set_when_training_begins():
    begun = []

    class Resume(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model._initial_epoch = 2

        def on_epoch_begin(self, epoch, logs=None):
            begun.append(epoch)

    small_model().fit(ONE, ONE, epochs=4, verbose=0, callbacks=[Resume()])
    assert begun == [2, 3]


def test_fit_and_evaluate_build_by_maybe_symbolic_build_before_their_first_step():
    """Overridden, nothing else looks into the batch, which holds names."""
    calls = []

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.weight = self.add_weight((), "zeros")
            self.built = True

        def _maybe_symbolic_build(self, iterator=None, data_batch=None):
            calls.append("build")
            assert self.distribute_strategy is tf.distribute.get_strategy()
            if not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)

        def train_step(self, batch):
            calls.append("trace")
            self.optimizer.apply([tf.ones([])], self.trainable_variables)
            return {"loss": tf.cast(tf.size(batch["id"]), tf.float32)}

        def test_step(self, batch):
            return {"loss": tf.cast(tf.size(batch["id"]), tf.float32)}

    model = Model()
    model.compile(keras.optimizers.SGD(1.0))
    batches = tf.data.Dataset.from_tensors({"id": tf.constant(["a", "b"])}).repeat(2)
    model.fit(batches, verbose=0)
    assert calls == ["build", "trace"]
    assert float(model.weight) == -2.0
    model.evaluate(batches, verbose=0)
    assert calls == ["build", "trace", "build"]


def test_adam_keeps_moments_by_the_index_in_the_order_of_build():
    """m = 0.1 g and v = 0.001 g^2 after a step, through `update_step` once a variable."""
    updated = []

    class Adam(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            updated.append((self._get_variable_index(variable), float(learning_rate)))
            assert int(self.iterations) == 0
            super().update_step(gradient, variable, learning_rate)

    variables = [keras.Variable(np.zeros(size, np.float32)) for size in (1, 2, 3)]
    optimizer = Adam(0.5)
    optimizer.build(variables)
    assert [optimizer._get_variable_index(v) for v in variables[::-1]] == [2, 1, 0]
    gradients = [tf.fill([size], float(size)) for size in (1, 2, 3)]
    optimizer.apply(gradients, variables)
    assert updated == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert int(optimizer.iterations) == 1
    for i, size in enumerate((1, 2, 3)):
        np.testing.assert_allclose(optimizer._momentums[i], np.full(size, 0.1 * size), rtol=1e-5)
        np.testing.assert_allclose(
            optimizer._velocities[i], np.full(size, 0.001 * size**2), rtol=1e-5
        )


def test_an_optimizer_sums_gradients_over_replicas_by_one_method_before_its_steps():
    """Left out by a class that is given sums: then the step is by what was given."""
    given = []

    class Sgd(keras.optimizers.SGD):
        def _all_reduce_sum_gradients(self, grads_and_vars):
            given.extend(float(gradient[0]) for gradient, _ in grads_and_vars)
            return grads_and_vars

    weight = keras.Variable(np.float32([1.0]))
    Sgd(0.5).apply([tf.constant([3.0])], [weight])
    assert given == [3.0] and float(weight[0]) == 1.0 - 0.5 * 3


@pytest.mark.parametrize("is_graph", [False, True])
def test_loss_scaling_leaves_steps_out_by_a_method_of_its_own(is_graph):
    called = []

    class Scaled(keras.optimizers.LossScaleOptimizer):
        def _stateful_handle_non_finite_grads(self):
            called.append(True)
            super()._stateful_handle_non_finite_grads()
            self.iterations.assign_add(5)

    weight = keras.Variable(np.float32([1.0]))
    optimizer = Scaled(keras.optimizers.SGD(0.5), initial_scale=8.0)
    optimizer.build([weight])

    def step(gradient):
        optimizer.apply([gradient], [weight])

    step = tf.function(step, autograph=False) if is_graph else step
    step(tf.constant([np.inf]))
    assert called and float(weight[0]) == 1.0
    assert float(optimizer.dynamic_scale) == 4.0 and int(optimizer.iterations) == 5
    step(tf.constant([4.0]))
    assert float(weight[0]) == 0.5 and int(optimizer.iterations) == 6


def test_a_keras_variables_value_has_the_resource_that_raw_adam_moves():
    """w - rate sqrt(1 - beta2) / (1 - beta1) m / (sqrt(v) + epsilon), with the new m and v."""
    w, m, v = (keras.Variable(np.float32([x])) for x in (5.0, 1.0, 4.0))
    tf.raw_ops.ResourceApplyAdam(
        var=w.value.handle, m=m.value.handle, v=v.value.handle, beta1_power=0.9, beta2_power=0.99,
        lr=0.5, beta1=0.9, beta2=0.99, epsilon=0.1, grad=tf.constant([3.0]),
    )  # fmt: skip
    new_m, new_v = 0.9 * 1 + 0.1 * 3, 0.99 * 4 + 0.01 * 9
    expected = 5 - 0.5 * np.sqrt(1 - 0.99) / (1 - 0.9) * new_m / (np.sqrt(new_v) + 0.1)
    np.testing.assert_allclose(
        [float(x[0]) for x in (w, m, v)], [expected, new_m, new_v], rtol=1e-5
    )


def test_the_fused_batch_norm_gives_the_unbiased_variance():
    """Of 1, 2, 6: mean 3, squares 4 + 1 + 9 over 2."""
    x = tf.reshape(tf.constant([1.0, 2.0, 6.0]), [3, 1, 1, 1])
    _, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=[1.0], offset=[1.0], mean=tf.zeros([0]), variance=tf.zeros([0]), is_training=True
    )
    assert (float(mean[0]), float(variance[0])) == pytest.approx((3.0, 7.0))


def test_batch_norm_reads_its_momentum_at_each_call():
    """With 0 the statistics become the batch's: of 1 and 3 the mean is 2, the biased variance 1."""
    norm = layers.BatchNormalization(momentum=0.9)
    norm.build((None, 1))
    norm.momentum = 0.0
    norm(tf.constant([[1.0], [3.0]]), training=True)
    assert float(norm.moving_mean[0]) == pytest.approx(2.0)
    assert float(norm.moving_variance[0]) == pytest.approx(1.0)


def test_dropout_draws_by_the_state_of_its_seed_generator():
    dropout, x = layers.Dropout(0.5), tf.ones([1, 64])

    def drawn(state):
        dropout.seed_generator.state.assign(state)
        return dropout(x, training=True).numpy()

    np.testing.assert_array_equal(drawn([3, 1]), drawn([3, 1]))
    assert (drawn([3, 1]) != drawn([3, 2])).any()


def test_swap_ema_weights_swaps_between_its_two_hooks():
    """w moves by 2 and by 4 to 2 and 6; the average of momentum 1/2 begins at the first: 4."""
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, "linear", False, "zeros")])
    model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), "mse")
    for gradient in (-2.0, -4.0):
        model.optimizer.apply([tf.fill([1, 1], gradient)], model.trainable_variables)
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    found = []
    for hook in (lambda: None, swap.on_test_begin, swap.on_test_end):
        hook()
        found.append(float(model.get_weights()[0][0, 0]))
    assert found == [6.0, 4.0, 6.0]


def test_weights_files_hold_the_state_of_a_built_optimizer(tmp_path):
    model = small_model()
    model.fit(ONE, ONE, epochs=3, verbose=0)
    model.save_weights(tmp_path / "x.weights.h5")
    fresh = small_model()
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(tmp_path / "x.weights.h5")
    assert int(fresh.optimizer.iterations) == 3


def test_a_keras_file_is_an_archive_with_its_configuration(tmp_path):
    small_model().save(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "x.keras") as archive:
        assert b"Dense" in archive.read("config.json")


def test_the_input_of_an_operation_is_what_a_nested_model_is_given():
    """`input` of the nested model itself is where it begins."""
    inner_input = keras.Input((2,))
    inner = keras.Model(inner_input, layers.Dense(3)(inner_input))
    given = layers.Rescaling(2.0)(keras.Input((2,)))
    inner(given)
    assert keras.Operation.input.fget(inner) is given
    assert inner.input is inner_input


def test_an_applications_module_has_its_preprocessing():
    """VGG16's: BGR less the mean of ImageNet's colours."""
    names = [name for name in dir(keras.applications) if name[0].isupper()]
    assert {"VGG16", "ResNet50", "MobileNetV2"} <= set(names)
    preprocess = sys.modules[keras.applications.VGG16.__module__].preprocess_input
    found = preprocess(np.float32([[[[1, 2, 3]]]]))
    np.testing.assert_allclose(found[0, 0, 0], [3 - 103.939, 2 - 116.779, 1 - 123.68], rtol=1e-6)


def test_a_savedmodels_variables_are_numbered(tmp_path):
    root = tf.train.Checkpoint()
    root.variables = [keras.Variable(x).value for x in (1.0, 2.0)]
    tf.saved_model.save(root, str(tmp_path))
    reader = tf.train.load_checkpoint(str(tmp_path / "variables" / "variables"))
    found = [reader.get_tensor(f"variables/{i}/.ATTRIBUTES/VARIABLE_VALUE") for i in range(2)]
    assert found == [1.0, 2.0]


def test_a_saved_models_call_shows_the_shape_that_it_takes(tmp_path):
    root = tf.train.Checkpoint()
    root.__call__ = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None, 7], tf.float32)])
    tf.saved_model.save(root, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    positional, _ = loaded.__call__.concrete_functions[0].structured_input_signature
    assert (positional[0].shape.as_list(), positional[0].dtype) == ([None, 7], tf.float32)


def test_a_litert_files_kernels_are_found_and_replaced():
    """A kernel [1, 2, 1, 3] lies in its buffer as [3, 1, 2, 1]; with another in its place the model
    computes with that."""
    kernel = np.arange(6, dtype=np.float32).reshape(1, 2, 1, 3)
    convolve = tf.function(
        lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), [tf.TensorSpec([1, 1, 2, 1], tf.float32)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [convolve.get_concrete_function()], tf.Module()
    )
    model = flatbuffer_utils.convert_bytearray_to_object(converter.convert())
    (graph,) = model.subgraphs
    (operator,) = graph.operators
    code = model.operatorCodes[operator.opcodeIndex].builtinCode
    assert code == schema.BuiltinOperator.CONV_2D
    buffer = model.buffers[graph.tensors[operator.inputs[1]].buffer]
    floats = np.frombuffer(bytes(bytearray(buffer.data)), np.float32).reshape(3, 1, 2, 1)
    np.testing.assert_array_equal(floats, kernel.transpose(3, 0, 1, 2))
    buffer.data = np.frombuffer((floats + 1).tobytes(), np.uint8)
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tf.ones([1, 1, 2, 1]))
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(found.ravel(), [0 + 3 + 2, 1 + 4 + 2, 2 + 5 + 2])
