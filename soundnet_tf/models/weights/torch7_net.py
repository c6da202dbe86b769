"""SoundNets that Torch7 saved (`.t7`), as the paper's authors released theirs.

The nets are those of the released main_train.lua and main_train_small.lua, of nn or cudnn: a
Sequential of convolutions, batch norms, ReLUs and max-pools, a ConcatTable of the two heads, then
modules without weights that give shape to the outputs. Sound lies along the height.
"""

import dataclasses
import os
from typing import Any

import numpy as np

from soundnet_tf import constants
from soundnet_tf.files import storage
from soundnet_tf.models import architecture as arch
from soundnet_tf.models.weights import torch7_file

Arrays = dict[str, np.ndarray]

_CONVOLUTION = "SpatialConvolution"
_NORM = "SpatialBatchNormalization"
_POOL = "SpatialMaxPooling"
_BLOCK = (_CONVOLUTION, _NORM, "ReLU")
_END = "convolution of the heads"
_IF_ABSENT = {"padW": 0, "padH": 0, "groups": 1, "ceil_mode": False}


def _kind(module: Any) -> str:
    """The class without nn or cudnn; SpatialConvolutionMM is SpatialConvolution."""
    name = module.typename if isinstance(module, torch7_file.Record) else type(module).__name__
    package, _, kind = name.rpartition(".")
    return kind.removesuffix("MM") if package in ("nn", "cudnn") else name


def _parts(container: torch7_file.Record) -> list[Any]:
    modules = container.fields.get("modules")
    if not isinstance(modules, dict):
        raise ValueError(f"a {container.typename} has no table of modules")
    return [modules.get(i + 1) for i in range(len(modules))]


def _steps(module: Any, opened: set[int]) -> list[Any]:
    """The modules in order; those of a Sequential stand in its place."""
    if _kind(module) != "Sequential":
        return [module]
    if id(module) in opened:
        raise ValueError("one Sequential stands in it twice")
    opened.add(id(module))
    return [step for part in _parts(module) for step in _steps(part, opened)]


def _split(net: Any) -> tuple[list[Any], list[Any]]:
    """The modules of the trunk and the convolutions of the heads, one or two."""
    opened = set()
    steps = _steps(net, opened)
    kinds = [_kind(step) for step in steps]
    if "ConcatTable" in kinds:
        end = kinds.index("ConcatTable")
        branches = [_steps(part, opened) for part in _parts(steps[end])]
    elif _CONVOLUTION in kinds:
        end = len(kinds) - 1 - kinds[::-1].index(_CONVOLUTION)
        branches = [[steps[end]]]
    else:
        raise ValueError(f"it holds no network with convolutions but {kinds[:8]}")
    firsts = [_kind(branch[0]) if branch else "nothing" for branch in branches]
    if firsts not in ([_CONVOLUTION], [_CONVOLUTION] * 2):
        raise ValueError(f"its ConcatTable should have two convolutions, it has {firsts[:8]}")
    rest = steps[end + 1 :] + [step for branch in branches for step in branch[1:]]
    more = [_kind(step) for step in rest if _kind(step) in (*_BLOCK, _POOL)]
    if more:
        raise ValueError(f"behind the convolutions of the heads it has more layers: {more[:8]}")
    return steps[:end], [branch[0] for branch in branches]


def _check_field(layer: arch.Layer, module: torch7_file.Record, key: str, value: float) -> None:
    found = module.fields.get(key, _IF_ABSENT.get(key))
    if not isinstance(found, float | int) or found != value:
        shown = found if isinstance(found, float | int | None) else type(found).__name__
        raise ValueError(f"{layer.name} should have {key} = {value}, the file has {shown}")


def _check_window(layer: arch.Layer, module: torch7_file.Record) -> None:
    across = {"kW": 1, "dW": 1, "padW": 0}
    along = {"kH": layer.kernel, "dH": layer.stride, "padH": layer.padding}
    for key, value in (across | along | {"groups": 1, "ceil_mode": False}).items():
        _check_field(layer, module, key, value)


def _floats(
    layer: arch.Layer, module: torch7_file.Record, key: str, *shapes: tuple[int, ...]
) -> np.ndarray:
    """A tensor of the module, of one of `shapes`, in the first of them."""
    array = module.fields.get(key)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{layer.name} should have a tensor {key!r}, the file has none")
    if array.dtype.kind != "f" or array.shape not in shapes:
        raise ValueError(
            f"{layer.name} should have a {key} of floats {shapes[0]}, "
            f"the file has {array.dtype} {array.shape}"
        )
    return array.reshape(shapes[0])


def _convolution(layer: arch.Layer, channels: int, module: torch7_file.Record) -> Arrays:
    _check_window(layer, module)
    shape = (layer.filters, channels, layer.kernel, 1)
    kernel = _floats(layer, module, "weight", shape, (layer.filters, channels * layer.kernel))
    return {
        "weights": np.array(kernel.transpose(2, 3, 1, 0), np.float32, order="C"),
        "biases": np.array(_floats(layer, module, "bias", (layer.filters,)), np.float32),
    }


def _batch_norm(layer: arch.Layer, module: torch7_file.Record) -> Arrays:
    shape = (layer.filters,)
    _check_field(layer, module, "eps", constants.BATCH_NORM_EPSILON)
    if "running_std" in module.fields:  # before version 2, and it is 1 / sqrt(variance + eps)
        inverse = _floats(layer, module, "running_std", shape).astype(np.float64)
        variance = inverse**-2 - constants.BATCH_NORM_EPSILON
    else:
        variance = _floats(layer, module, "running_var", shape)
    gamma, beta = np.ones(shape), np.zeros(shape)
    if "weight" in module.fields or "bias" in module.fields:  # neither is there if not affine
        gamma = _floats(layer, module, "weight", shape)
        beta = _floats(layer, module, "bias", shape)
    mean = _floats(layer, module, "running_mean", shape)
    arrays = {"gamma": gamma, "beta": beta, "mean": mean, "var": variance}
    return {key: np.array(array, np.float32) for key, array in arrays.items()}


def _trunk(table: arch.Architecture, modules: list[Any]) -> dict[str, Arrays]:
    wanted = [
        (layer, kind) for layer in table.trunk for kind in (_BLOCK if layer.filters else (_POOL,))
    ]
    kinds = [*map(_kind, modules), _END]
    for (layer, kind), found in zip([*wanted, (table.head, _END)], kinds, strict=False):
        if found != kind:
            raise ValueError(f"{layer.name} should have a {kind}, the file has {found}")
    layers, channels = {}, 1
    for (layer, kind), module in zip(wanted, modules, strict=True):
        if kind == _CONVOLUTION:
            layers[layer.name] = _convolution(layer, channels, module)
            channels = layer.filters
        elif kind == _NORM:
            layers[layer.name] |= _batch_norm(layer, module)
        elif kind == _POOL:
            _check_window(layer, module)
    return layers


def _heads(table: arch.Architecture, modules: list[torch7_file.Record]) -> dict[str, Arrays]:
    """Objects and scenes; a single convolution has the classes of both, objects first."""
    *_, last = (layer for layer in table.trunk if layer.filters)
    name = f"conv{int(last.name.removeprefix('conv')) + 1}"
    names = name, f"{name}_2"
    if len(modules) == 2:
        return {
            name: _head(table, name, _classes(module), last.filters, module)
            for name, module in zip(names, modules, strict=True)
        }
    objects, classes = constants.IMAGENET_CLASSES, constants.PLACES2_CLASSES
    both = _head(table, name, objects + classes, last.filters, modules[0])
    parts = slice(objects), slice(objects, None)
    return {
        name: {key: array[..., part] for key, array in both.items()}
        for name, part in zip(names, parts, strict=True)
    }


def _classes(module: torch7_file.Record) -> int:
    kernel = module.fields.get("weight")
    return len(kernel) if isinstance(kernel, np.ndarray) else 0


def _head(table, name: str, classes: int, channels: int, module: torch7_file.Record) -> Arrays:
    return _convolution(
        dataclasses.replace(table.head, name=name, filters=classes), channels, module
    )


def _layers(net: Any) -> dict[str, Arrays]:
    modules, heads = _split(net)
    count = sum(1 for module in modules if _kind(module) == _CONVOLUTION)
    counts = {
        sum(1 for layer in table.trunk if layer.filters): table
        for table in arch.ARCHITECTURES.values()
    }
    if count not in counts:
        raise ValueError(
            f"it has {count} convolutions before the heads; SoundNets have {sorted(counts)}"
        )
    return _trunk(counts[count], modules) | _heads(counts[count], heads)


def load_layers(path: str | os.PathLike) -> dict[str, Arrays]:
    """Reads a SoundNet of Torch7, which may come from anybody.

    Args:
        path: a file of `torch.save(path, net)`, binary; eight or five layers, of nn or cudnn, with
            float, double, half or CUDA tensors.

    Returns:
        The form of the published `.npy` file: layer name ("conv1" ..., "conv8" the objects and
        "conv8_2" the scenes head, "conv5" and "conv5_2" with five layers) to "weights"
        [kernel, 1, in, out], "biases", and but for the heads "gamma", "beta", "mean", "var";
        float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or sizes in it lie, or the net is no SoundNet: the message
            has the layer, what it should have and what it has.
    """
    data = storage.read_bytes(path)
    try:
        with np.errstate(divide="ignore", over="ignore"):  # becomes infinite
            return _layers(torch7_file.read_object(data))
    except Exception as error:  # a hostile net can go wrong in many ways
        remedy = "What can be read is torch.save(path, net:clearState()) of a SoundNet."
        raise ValueError(f"{path} is no SoundNet of Torch7 to read: {error}. {remedy}") from error
