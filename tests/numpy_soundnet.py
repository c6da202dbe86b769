"""SoundNet in NumPy, double precision, from the layer table: what all forms must agree with."""

import numpy as np

from soundnet_tf.models import architecture


def forward(student, waveform):
    """Every endpoint of a student for float32 [samples] in [-1, 1]; heads as logits.

    An endpoint of which the waveform is too short to give a step is left out.
    """
    table = architecture.ARCHITECTURES[student.name]
    outputs, x = {}, 256.0 * waveform[:, None].astype(np.float64)
    for layer in table.trunk:
        if not layer.filters:
            steps = len(x) // layer.kernel
            x = x[: steps * layer.kernel].reshape(steps, layer.kernel, -1).max(axis=1)
        else:
            x = convolve(x, student.get_layer(f"{layer.name}_conv"), layer)
            norm = student.get_layer(f"{layer.name}_bn")
            gamma, beta, mean, variance = (w.astype(np.float64) for w in norm.get_weights())
            x = np.maximum((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0)
        if not len(x):
            return outputs
        outputs[layer.name] = x
    for head in ("objects", "scenes"):
        logits = convolve(x, student.get_layer(head), table.head)
        if len(logits):
            outputs[head] = logits
    return outputs


def convolve(x, layer, geometry):
    kernel, bias = (w.astype(np.float64) for w in layer.get_weights())
    x = np.pad(x, [(geometry.padding, geometry.padding), (0, 0)])
    if len(x) < geometry.kernel:
        return np.zeros((0, kernel.shape[-1]))
    windows = np.lib.stride_tricks.sliding_window_view(x, geometry.kernel, axis=0)
    windows = windows[:: geometry.stride].transpose(0, 2, 1).reshape(-1, kernel[..., 0].size)
    return windows @ kernel.reshape(-1, kernel.shape[-1]) + bias
