"""SoundNet-8 and SoundNet-5 as Keras functional models, in the manner of Keras Applications.

Every endpoint of the architecture is a layer of the same name: `model.get_layer("pool5").output`
is pool5, `model.get_layer("conv6").output` is conv6 after its ReLU, `objects` and `scenes` are the
heads. The convolution of conv6 itself is `conv6_conv` and its batch norm `conv6_bn`.
"""

import keras
import numpy as np
from keras import initializers, layers

from soundnet_tf import constants, labels
from soundnet_tf.media.samples import check_rate, checked, mono
from soundnet_tf.media.waveform import resample
from soundnet_tf.models import architecture as arch
from soundnet_tf.models.convolution import strided_conv1d
from soundnet_tf.models.finite import zero_or_nan_layers
from soundnet_tf.models.keras_settings import check_policy
from soundnet_tf.models.process import check_process
from soundnet_tf.models.weights import published


def SoundNet8(
    weights: str | None = None,
    include_top: bool = True,
    object_classes: int | None = constants.IMAGENET_CLASSES,
    scene_classes: int | None = constants.PLACES2_CLASSES,
    classifier_activation: str | None = None,
    plain_layers: bool = False,
) -> keras.Model:
    """The eight-layer network of the paper (table 1): 14 356 777 numbers with both heads.

    Args:
        weights: None for random weights (released code: kernels N(0, 0.01), gammas N(1, 0.02));
            "published" for those that the paper's authors trained on two million videos; or the
            path of a `.weights.h5` or `.keras` file of such a model, of a `.npy` file in the
            published form, or of a `.t7` file of Torch7.
        include_top: False ends the model at conv7.
        object_classes: classes of the `objects` head; None leaves that head out.
        scene_classes: classes of the `scenes` head: 401 (Places2, the published model), 365
            (Places365) or what the teacher has; None leaves that head out.
        classifier_activation: None gives logits, as training needs; "softmax" probabilities.
        plain_layers: compute as Keras's Conv1D does, which is slower in training. A saved `.keras`
            file is of such layers either way, and loads where there is no soundnet_tf.

    Returns:
        A model from waveforms, float32 [batch, samples], mono, 22 050 Hz, in [-1, 1], to
        {"objects": [batch, steps, object_classes], "scenes": [batch, steps, scene_classes]};
        without top to conv7's [batch, steps, 1024]. 20 s give 4 head steps. A clip with samples
        that are NaN or infinite gives NaN, in training the whole batch; sound of another scale is
        not noticed (see `preprocess_input`).

    Raises:
        ValueError: weights that do not fit the layers, or a global dtype policy of Keras whose
            weights are not float32.
        FileNotFoundError: weights that are not there; the message says how to get them.
    """
    return _build(
        arch.SOUNDNET8,
        weights,
        {"objects": object_classes, "scenes": scene_classes} if include_top else None,
        classifier_activation,
        layers.Conv1D if plain_layers else strided_conv1d,
    )


def SoundNet5(
    weights: str | None = None,
    include_top: bool = True,
    object_classes: int | None = constants.IMAGENET_CLASSES,
    scene_classes: int | None = constants.PLACES2_CLASSES,
    classifier_activation: str | None = None,
    plain_layers: bool = False,
) -> keras.Model:
    """The five-layer network of the paper (table 2). Arguments as `SoundNet8`; none is published.

    Raises:
        ValueError: weights="published", or as `SoundNet8`.
    """
    if weights == "published":
        raise ValueError('weights="published" exist for SoundNet8 only; use SoundNet8, or None')
    return _build(
        arch.SOUNDNET5,
        weights,
        {"objects": object_classes, "scenes": scene_classes} if include_top else None,
        classifier_activation,
        layers.Conv1D if plain_layers else strided_conv1d,
    )


BUILDERS = {"soundnet8": SoundNet8, "soundnet5": SoundNet5}
_LAST = "channels_last"  # whatever Keras's image_data_format is


def _build(architecture, weights, classes, activation, convolution) -> keras.Model:
    """Heads with `classes` (head name to count, or None for no such head); None: no top."""
    check_process()
    check_policy()
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    x = layers.Reshape((-1, 1), name="one_channel")(waveform)
    nothing = zero_or_nan_layers(x)
    x = layers.Rescaling(constants.INPUT_SCALE, name="scale")(x)
    for layer in architecture.trunk:
        x = _block(layer, convolution, x) if layer.filters else _pool(layer, x, nothing)
    outputs = x
    if classes is not None:
        outputs = {
            name: _convolution(convolution, architecture.head, count, name, x, activation)
            for name, count in classes.items()
            if count is not None
        }
        if not outputs:
            raise ValueError(
                "both heads are None; pass include_top=False for a model without heads"
            )
    model = keras.Model(waveform, outputs, name=architecture.name)
    _load_weights(model, weights)
    return model


def _pool(layer: arch.Layer, x, nothing):
    """Max pool, and what it loses: NaN, see `models.finite`."""
    pool = layers.MaxPooling1D(layer.kernel, layer.stride, "valid", _LAST, name=f"{layer.name}_max")
    return layers.Add(name=layer.name)([pool(x), nothing])


def _block(layer: arch.Layer, convolution, x):
    x = _convolution(convolution, layer, layer.filters, f"{layer.name}_conv", x)
    x = layers.BatchNormalization(
        momentum=constants.BATCH_NORM_MOMENTUM,
        epsilon=constants.BATCH_NORM_EPSILON,
        gamma_initializer=initializers.RandomNormal(1.0, constants.GAMMA_STDDEV),
        name=f"{layer.name}_bn",
    )(x)
    return layers.ReLU(name=layer.name)(x)


def _convolution(convolution, layer: arch.Layer, filters: int, name: str, x, activation=None):
    if layer.padding:
        x = layers.ZeroPadding1D(layer.padding, _LAST, name=f"{name}_pad")(x)
    return convolution(
        filters,
        layer.kernel,
        layer.stride,
        "valid",
        _LAST,
        activation=activation,
        kernel_initializer=initializers.RandomNormal(0.0, constants.KERNEL_STDDEV),
        name=name,
    )(x)


def _load_weights(model: keras.Model, weights: str | None) -> None:
    if weights is None:
        return
    if weights == "published":
        published.assign(model, published.load())
    elif str(weights).endswith((".npy", ".t7")):
        published.assign(model, published.load(weights))
    else:
        model.load_weights(weights)


def architecture_of(model: keras.Model) -> arch.Architecture:
    """The layer table of a student (or of a model cut from one), by the model's name.

    Raises:
        ValueError: the model is not a SoundNet.
    """
    if model.name not in arch.ARCHITECTURES:
        raise ValueError(
            f"model {model.name!r} is not a SoundNet; its name should be in {[*arch.ARCHITECTURES]}"
        )
    return arch.ARCHITECTURES[model.name]


def endpoints(model: keras.Model) -> dict[str, arch.Endpoint]:
    """The endpoints a student has: trunk layers and its heads, each with its geometry."""
    table = architecture_of(model).endpoints
    heads = dict.fromkeys(heads_of(model), table["heads"])
    return {name: point for name, point in table.items() if name != "heads"} | heads


def heads_of(model: keras.Model) -> dict[str, int]:
    """Head name to its number of classes; empty for a model without top."""
    if not isinstance(model.output, dict):
        return {}
    return {name: output.shape[-1] for name, output in model.output.items()}


def preprocess_input(
    waveform, sample_rate: float | None = None, channel: str = "mean"
) -> np.ndarray:
    """Brings sound of any rate and channel count to what the student takes.

    Args:
        waveform: [samples] or [samples, channels]; floats in [-1, 1], or integers of 8, 16 or 32
            bits that use their type's full scale (unsigned ones have silence in the middle).
        sample_rate: of the waveform, in Hz.
        channel: "mean" of the channels (a CancelledWarning tells if they cancel out in it), the
            "first" one as the original did, or the one that is "loudest" over the whole.

    Returns:
        float32 [samples], mono, 22 050 Hz, in [-1, 1]. The caller's array is not changed.

    Raises:
        ValueError: no sample rate, or one below 1000 Hz; wrong rank or dtype; samples that are not
            finite or beyond ±8; integers whose scale is not known, such as int64 (see
            `media.samples`); or an unknown `channel`.
    """
    if sample_rate is None:
        raise ValueError(
            f"sample_rate is missing; give that of the sound in Hz, {constants.SAMPLE_RATE} if it "
            "is what SoundNet takes"
        )
    rate = check_rate(sample_rate)
    return resample(mono(checked(waveform), channel), rate, constants.SAMPLE_RATE)


def decode_predictions(
    probabilities, top: int = 5, names: tuple[str, ...] | None = None
) -> list[list[tuple[str, float]]]:
    """The most probable classes by name.

    Args:
        probabilities: [rows, classes] or [classes] (not logits), or [batch, steps, classes], which
            is averaged over its steps.
        top: how many classes to give, in falling order.
        names: of the classes; by default those of the published list with as many classes.

    Returns:
        For each row a list of `top` pairs (name, probability).

    Raises:
        ValueError: no steps; values that are no probabilities (logits, most often), or not finite;
            or a class count that neither `names` nor a published list has.
    """
    rows = np.asarray(probabilities)
    if 0 in rows.shape or rows.ndim not in (1, 2, 3):
        raise ValueError(
            f"probabilities of shape {list(rows.shape)}; give [batch, steps, classes], [rows, "
            "classes] or [classes], of one step at least (sound that is too short has none)"
        )
    if not np.isfinite(rows).all():
        raise ValueError("probabilities are NaN or infinite; the sound had such samples")
    rows = rows.mean(axis=1, dtype=np.float64) if rows.ndim == 3 else np.atleast_2d(rows)
    if rows.min() < 0 or not np.allclose(rows.sum(axis=-1), 1.0, atol=1e-2):
        raise ValueError(
            f"rows sum to {rows.sum(axis=-1)[:3]} with minimum {rows.min():.3g}: these look like "
            'logits; apply a softmax, or build the model with classifier_activation="softmax"'
        )
    names = labels.for_classes(rows.shape[-1]) if names is None else names
    if len(names) != rows.shape[-1]:
        raise ValueError(f"{len(names)} names for {rows.shape[-1]} classes")
    best = (np.argsort(-row, kind="stable")[:top] for row in rows)  # rows can be hours of steps
    return [
        [(names[i], float(row[i])) for i in order] for row, order in zip(rows, best, strict=True)
    ]
