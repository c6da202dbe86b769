"""Convolutions of long sound in the forms that CPUs compute fast; the numbers are TensorFlow's own.

TensorFlow's convolution of stride 2 on one channel leaves most of a vector unit idle, and its
kernel gradient takes longer than all else in a training step. So here:

- Neighbouring steps become channels: stride 2 over C channels is stride 1 over 2 C.
- The kernel gradient is a matrix product with the stretches of input that a few neighbouring
  outputs look at: of those there are far fewer than windows, and every processor multiplies well.
- A long kernel over few steps (a head's) is a matrix product with the windows it looks at.

GPUs have convolutions of their own that know strides, and get TensorFlow's.
"""

import functools

import tensorflow as tf
from keras import layers

from soundnet_tf.models import devices

_COLUMNS = 256  # of the matrix product that gives a kernel's gradient
_LONG_KERNEL = 4096  # numbers of a filter, from which on it is a matrix product


def strided_conv1d(*args, **kwargs) -> layers.Conv1D:
    """Keras's Conv1D with padding "valid", computed by `convolve`: weights, names, configuration
    and results are the same.

    Not a class of its own: a model is saved with what its layers are, so that it loads, as plain
    layers, where nobody has imported this module, and its weights fit those of plain layers.

    Args: as of Conv1D.

    Raises:
        ValueError: another padding, channels first, dilation or groups.
    """
    layer = layers.Conv1D(*args, **kwargs)
    plain = layer.padding == "valid" and layer.dilation_rate == (1,) and layer.groups == 1
    if not plain or layer.data_format != "channels_last":
        raise ValueError(
            f"{layer.name}: strided_conv1d has padding 'valid', channels last, no dilation and no "
            "groups; use keras.layers.Conv1D for others"
        )
    layer.call = functools.partial(_call, layer)
    return layer


def _call(layer: layers.Conv1D, inputs: tf.Tensor) -> tf.Tensor:
    x = tf.convert_to_tensor(inputs)
    outputs = convolve(x, tf.cast(layer.kernel, x.dtype), layer.strides[0])
    if layer.use_bias:
        outputs += tf.cast(layer.bias, x.dtype)
    return outputs if layer.activation is None else layer.activation(outputs)


def convolve(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """A convolution without padding, with gradients that are fast too.

    Args:
        x: [batch, steps, channels]; at least as many steps as the kernel has.
        kernel: [kernel steps, channels, filters], same dtype.
        stride: in steps.

    Returns:
        [batch, (steps - kernel steps) // stride + 1, filters].
    """
    steps, channels, _ = kernel.shape
    if devices.has_gpu():
        return tf.nn.conv1d(x, kernel, stride, "VALID")
    if steps * channels >= _LONG_KERNEL:
        return by_windows(x, kernel, stride)
    if steps % stride:
        return tf.nn.conv1d(x, kernel, stride, "VALID")

    @tf.custom_gradient
    def forward(x, kernel):
        def backward(gradient):
            of_x = _input_gradient(x, kernel, stride, gradient)
            return of_x, _kernel_gradient(x, kernel, stride, gradient)

        return by_channels(x, kernel, stride), backward

    return _with_static_steps(forward(x, kernel), x, kernel, stride)


def by_windows(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """`convolve` as a matrix product with every window of the input; of shorter input no steps."""
    size, channels, filters = kernel.shape
    steps = tf.maximum((tf.shape(x)[1] - size) // stride + 1, 0)
    outputs = _windows(x, steps, size, stride) @ tf.reshape(kernel, [size * channels, filters])
    outputs = tf.reshape(outputs, [tf.shape(x)[0], steps, filters])
    return _with_static_steps(outputs, x, kernel, stride)


def by_channels(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """`convolve` for kernels that are multiples of the stride, with neighbouring steps as
    channels. An odd step at the end is never reached."""
    deep = _steps_to_channels(x, tf.shape(x)[1] // stride, stride)
    return tf.nn.conv1d(deep, _kernel_by_channels(kernel, stride), stride=1, padding="VALID")


def _kernel_by_channels(kernel: tf.Tensor, stride: int) -> tf.Tensor:
    size, channels, filters = kernel.shape
    return tf.reshape(kernel, [size // stride, stride * channels, filters])


def _input_gradient(x, kernel, stride: int, gradient):
    rows, channels = tf.shape(x)[1] // stride, x.shape[2]
    of_deep = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=[tf.shape(x)[0], 1, rows, stride * channels],
        filter=_kernel_by_channels(kernel, stride)[None],
        out_backprop=gradient[:, None],
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
    of_x = tf.reshape(of_deep, [tf.shape(x)[0], rows * stride, channels])
    of_x = tf.pad(of_x, [[0, 0], [0, tf.shape(x)[1] - rows * stride], [0, 0]])
    return tf.ensure_shape(of_x, x.shape)


def _kernel_gradient(x, kernel, stride: int, gradient):
    """Σ x[stride n + k] gradient[n] over all n, for each step k of the kernel.

    `together` outputs in a row look at one stretch of the input, each `stride` steps further on
    than the one before. Stretches and the outputs' gradients, side by side, make one matrix
    product; the gradient of the j-th output's kernel begins at step j stride of the stretch.
    """
    size, channels, filters = kernel.shape
    together = max(1, _COLUMNS // filters)
    hop = together * stride
    hops = 1 - (stride - size) // hop  # of a stretch
    rows = -(-tf.shape(gradient)[1] // together)
    stretches = _windows(_steps_to_channels(x, rows + hops - 1, hop), rows, hops)
    gradients = tf.reshape(_steps_to_channels(gradient, rows, together), [-1, together * filters])
    summed = tf.matmul(stretches, gradients, transpose_a=True)
    shifted = tf.reshape(summed, [hops * hop, channels, together, filters])
    starts = range(0, hop, stride)
    return tf.add_n([shifted[start : start + size, :, j] for j, start in enumerate(starts)])


def _windows(x: tf.Tensor, count: tf.Tensor, size: int, stride: int = 1) -> tf.Tensor:
    """[batch, steps, channels] to [batch count, size channels], the windows one below another."""
    heard = tf.range(count)[:, None] * stride + tf.range(size)
    return tf.reshape(tf.gather(x, heard, axis=1), [-1, size * x.shape[2]])


def _steps_to_channels(x: tf.Tensor, rows: tf.Tensor, size: int) -> tf.Tensor:
    """[batch, steps, channels] to [batch, rows, size channels], cut or filled up with zeros."""
    x = x[:, : rows * size]
    x = tf.pad(x, [[0, 0], [0, rows * size - tf.shape(x)[1]], [0, 0]])
    return tf.reshape(x, [tf.shape(x)[0], rows, size * x.shape[2]])


def _with_static_steps(outputs, x, kernel, stride: int):
    known = x.shape[1] is not None and x.shape[1] >= kernel.shape[0]
    steps = (x.shape[1] - kernel.shape[0]) // stride + 1 if known else None
    return tf.ensure_shape(outputs, [x.shape[0], steps, kernel.shape[2]])
