"""Teachers that multiply in 16 bits, as GPUs do several times as fast."""

import keras


def compute_in(model: keras.Model, policy: str, spec: str) -> None:
    """Has all layers with weights but the last, which scores the classes, compute by another policy
    of dtypes; weights stay as they are.

    Args:
        model: of Keras layers.
        policy: one of `models.settings.PRECISIONS`.
        spec: what the errors name.

    Raises:
        ValueError: a model that does not show its layers.
    """
    layers = [layer for layer in _leaves(model) if layer.weights]
    if len(layers) < 2:
        raise ValueError(
            f"{spec} does not show its layers, so it cannot compute in {policy}; let it look in "
            "float32, or use a teacher of Keras layers, such as keras:MobileNetV2 or a .keras file"
        )
    for layer in layers[:-1]:
        layer.dtype_policy = policy


def _leaves(model: keras.Model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer
