"""Scene networks against a ResNet in plain NumPy and a VGG16 whose answers can be worked out."""

import h5py
import numpy as np
import pytest
import torch_checkpoints

from soundnet_tf.models.teachers import places
from soundnet_tf.models.weights import torch as torch_weights

MEAN_RGB = np.array([0.485, 0.456, 0.406])
STD_RGB = np.array([0.229, 0.224, 0.225])


def random_state(kind: str, classes: int) -> dict[str, np.ndarray]:
    """All tensors of torchvision's resnet18 or resnet50 by name: He-scaled, with statistics."""
    rng = np.random.default_rng(18)
    state = {}

    def conv(name, bn_name, outs, ins, kernel):
        scale = np.float32(np.sqrt(2 / (ins * kernel * kernel)))
        state[f"{name}.weight"] = scale * rng.standard_normal((outs, ins, kernel, kernel), "f4")
        for key, low, high in (
            ("weight", 0.3, 0.9),
            ("bias", -0.2, 0.2),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 2),
        ):
            state[f"{bn_name}.{key}"] = rng.uniform(low, high, outs).astype("f4")
        state[f"{bn_name}.num_batches_tracked"] = np.array(1)

    conv("conv1", "bn1", 64, 3, 7)
    channels = 64
    blocks = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}[kind]
    for stage, (count, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), start=1):
        for block in range(count):
            name = f"layer{stage}.{block}"
            if kind == "resnet18":
                outs, shapes = width, ((width, channels, 3), (width, width, 3))
            else:
                outs = 4 * width
                shapes = ((width, channels, 1), (width, width, 3), (outs, width, 1))
            for number, shape in enumerate(shapes, start=1):
                conv(f"{name}.conv{number}", f"{name}.bn{number}", *shape)
            if block == 0 and (stage > 1 or kind == "resnet50"):
                conv(f"{name}.downsample.0", f"{name}.downsample.1", outs, channels, 1)
            channels = outs
    state["fc.weight"] = rng.standard_normal((classes, channels), "f4") / np.float32(channels**0.5)
    state["fc.bias"] = rng.standard_normal(classes, "f4")
    return state


def windows(x: np.ndarray, kernel: int, stride: int, padding: int, fill: float) -> np.ndarray:
    """[channels, y, x, kernel, kernel] of a picture [channels, height, width], padded all round."""
    around = ((0, 0), (padding, padding), (padding, padding))
    x = np.pad(x, around, constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))
    return views[:, ::stride, ::stride]


def numpy_resnet(state: dict[str, np.ndarray], rgb: np.ndarray) -> np.ndarray:
    """Probabilities of one picture [height, width, 3], straight from PyTorch's definitions."""

    def conv_bn(x, name, bn_name, stride):
        weight = state[f"{name}.weight"].astype(np.float64)
        kernel = weight.shape[-1]
        views = windows(x, kernel, stride, kernel // 2, 0.0)
        x = np.einsum("iyxjk,oijk->oyx", views, weight, optimize=True)
        gamma, beta, mean, var = (
            state[f"{bn_name}.{key}"].astype(np.float64)[:, None, None]
            for key in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(var + 1e-5) * gamma + beta

    x = ((rgb / 255 - MEAN_RGB) / STD_RGB).transpose(2, 0, 1)
    x = np.maximum(conv_bn(x, "conv1", "bn1", 2), 0)
    x = windows(x, 3, 2, 1, -np.inf).max(axis=(3, 4))
    names = [key.removesuffix(".conv1.weight") for key in state if key.endswith(".conv1.weight")]
    for name in names:
        halving = 2 if name.endswith(".0") and not name.startswith("layer1") else 1
        is_bottleneck = f"{name}.conv3.weight" in state
        y = x
        for number in range(1, 4 if is_bottleneck else 3):
            stride = halving if number == (2 if is_bottleneck else 1) else 1
            y = conv_bn(y, f"{name}.conv{number}", f"{name}.bn{number}", stride)
            y = y if number == (3 if is_bottleneck else 2) else np.maximum(y, 0)
        if f"{name}.downsample.0.weight" in state:
            x = conv_bn(x, f"{name}.downsample.0", f"{name}.downsample.1", halving)
        x = np.maximum(x + y, 0)
    scores = state["fc.weight"] @ x.mean(axis=(1, 2)) + state["fc.bias"]
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


@pytest.mark.parametrize("kind", ["resnet18", "resnet50"])
def test_resnet_equals_plain_numpy(kind):
    """At 64 pixels all maps have even sizes, where PyTorch and TensorFlow pad differently."""
    state = random_state(kind, classes=11)
    model = places.ResNet(kind, classes=11, image_size=64)
    torch_weights.assign(model, state, "random")
    picture = np.random.default_rng(5).uniform(0, 255, (64, 64, 3))
    picture[:20, :, 1] *= 0.2
    expected = numpy_resnet(state, picture)
    assert 0.2 < expected.max() < 0.99  # neither flat nor saturated: a difference would show
    answers = model(picture[np.newaxis].astype(np.float32), training=False)[0]
    np.testing.assert_allclose(answers, expected, atol=1e-4)


@pytest.fixture(scope="module")
def resnet18_state():
    return random_state("resnet18", classes=365)


def test_resnet18_of_a_file(tmp_path, resnet18_state):
    """Names and values go by the file: 11 689 512 parameters of torchvision's network with 1000
    classes, less 635 * 513 of the last layer."""
    model = places.load_resnet(
        "resnet18", torch_checkpoints.write_state(tmp_path / "a.pth.tar", resnet18_state)
    )
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == 11_689_512 - 635 * 513
    assert model.output_shape == (None, 365)
    kernel = model.get_layer("layer4.0.downsample.0").kernel.numpy()
    stored = resnet18_state["layer4.0.downsample.0.weight"]
    np.testing.assert_array_equal(kernel[0, 0], stored[:, :, 0, 0].T)
    np.testing.assert_array_equal(model.get_layer("fc").bias, resnet18_state["fc.bias"])


def test_resnet50_size():
    """25 557 032 parameters of torchvision's network with 1000 classes, less 635 * 2049."""
    model = places.ResNet("resnet50")
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == 25_557_032 - 635 * 2049


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bn1.running_var": None}, r"has no 'bn1\.running_var'"),
        ({"layer5.0.conv1.weight": np.zeros((1, 1), "f4")}, r"has tensors.*'layer5\.0\.conv1"),
        ({"conv1.weight": np.zeros((64, 3, 3, 3), "f4")}, r"'conv1\.weight'.*\(7, 7, 3, 64\)"),
        ({"fc.bias": None}, r"no 'fc\.bias', so it is no resnet18"),
    ],
)
def test_another_network_than_resnet18(tmp_path, resnet18_state, change, message):
    state = {**resnet18_state, **change}
    state = {name: array for name, array in state.items() if array is not None}
    path = torch_checkpoints.write_state(tmp_path / "a.pth.tar", state)
    with pytest.raises(ValueError, match=rf"a\.pth\.tar.*{message}"):
        places.load_resnet("resnet18", path)


VGG_SHAPES = {
    f"block{block}_conv{number}": (3, 3, ins if number == 1 else outs, outs)
    for block, (count, ins, outs) in enumerate(
        [(2, 3, 64), (2, 64, 128), (3, 128, 256), (3, 256, 512), (3, 512, 512)], start=1
    )
    for number in range(1, count + 1)
} | {"fc1": (25088, 4096), "fc2": (4096, 4096), "predictions": (4096, 365)}


def vgg_points(name: str) -> dict[tuple[int, ...], float]:
    """The few entries of a layer's kernel that are not zero.

    Convolutions hand on channels 0 to 2 unchanged; fc1 takes channel c at row y, column x of the
    last map [7, 7, 512] to unit c; fc2 hands units on; predictions gives them to 10, 20 and 30.
    """
    if name == "fc1":
        places_yx = [(0, 0), (2, 5), (6, 6)]
        return {((y * 7 + x) * 512 + c, c): 1.0 for c, (y, x) in enumerate(places_yx)}
    if name == "fc2":
        return {(unit, unit): 1.0 for unit in range(3)}
    if name == "predictions":
        return {(0, 10): 0.01, (1, 20): 0.02, (2, 30): 0.03}
    return {(1, 1, channel, channel): 1.0 for channel in range(3)}


def write_vgg16(path, layout: str, shapes=VGG_SHAPES):
    """Keras's weight files by hand: `legacy` weights, a legacy whole `model`, or `keras3`."""

    def fill(group, names, kernel_shape, name):
        kernel = group.create_dataset(names[0], kernel_shape, "f4", chunks=True, fillvalue=0)
        for point, value in vgg_points(name).items():
            kernel[point] = value
        bias = np.zeros(kernel_shape[-1], "f4")
        bias[40:41] = 1 if name == "predictions" else 0
        group[names[1]] = bias

    with h5py.File(path, "w") as file:
        if layout == "keras3":
            for number, (name, shape) in enumerate(shapes.items()):
                group = file.create_group(f"layers/some_layer_{number}/vars")
                group.attrs["name"] = name
                fill(group, ("0", "1"), shape, name)
            file.create_group("layers/flatten/vars").attrs["name"] = "flatten"
            return path
        root = file.create_group("model_weights") if layout == "model" else file
        root.attrs["layer_names"] = [b"input_1", *(name.encode() for name in shapes)]
        root.create_group("input_1").attrs["weight_names"] = np.zeros(0, "S1")
        for name, shape in shapes.items():
            names = (f"{name}/kernel:0", f"{name}/bias:0")
            root.create_group(name).attrs["weight_names"] = [text.encode() for text in names]
            fill(root[name], names, shape, name)
    return path


@pytest.mark.parametrize("layout", ["legacy", "model", "keras3"])
def test_vgg16_answers(tmp_path, layout):
    """With the kernels of vgg_points the network can be worked out.

    Channels are BGR less their mean, negative ones cut by ReLU; five poolings leave the greatest of
    each 32 x 32 square. Blue of square (0, 0) is 204.006 - 104.006 = 100, green of (2, 5)
    196.669 - 116.669 = 80, red of (6, 6) 192.679 - 122.679 = 70, so the scores of classes 10, 20,
    30 are 1, 1.6, 2.1, of class 40 its bias 1, of the other 361 0.
    """
    model = places.load_vgg16(write_vgg16(tmp_path / "vgg16.h5", layout))
    rgb = np.zeros((1, 224, 224, 3), np.float32)
    rgb[0, 13, 31, 2], rgb[0, 95, 160, 1], rgb[0, 192, 223, 0] = 204.006, 196.669, 192.679
    answers = model(rgb, training=False)[0].numpy()
    powers = np.exp([1, 1.6, 2.1, 1])
    total = powers.sum() + 361
    np.testing.assert_allclose(answers[[10, 20, 30, 40]], powers / total, rtol=1e-4)
    np.testing.assert_allclose(answers[[0, 364]], 1 / total, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block9_conv1": (3, 3, 3, 3)}, "has layers that VGG16 does not: .'block9_conv1'"),
        ({"block1_conv1": (5, 5, 3, 64)}, r"'block1_conv1' wants .*\(3, 3, 3, 64\).*\(5, 5,"),
        ({"block3_conv1": None}, r"'block3_conv1' wants .*\(3, 3, 128, 256\).*has \[\]"),
        ({"predictions": None}, "has no layer 'predictions'"),
    ],
)
def test_another_network_than_vgg16(tmp_path, change, message):
    shapes = {name: shape for name, shape in (VGG_SHAPES | change).items() if shape}
    with pytest.raises(ValueError, match=rf"vgg\.h5.*{message}"):
        places.load_vgg16(write_vgg16(tmp_path / "vgg.h5", "legacy", shapes))


def test_vgg16_of_no_weights_file(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match="a.h5 is no HDF5 file"):
        places.load_vgg16(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["numbers"] = np.zeros(3)
    with pytest.raises(ValueError, match="b.h5 has no layers of Keras weights"):
        places.load_vgg16(tmp_path / "b.h5")
    with pytest.raises(FileNotFoundError, match="none.h5"):
        places.load_vgg16(tmp_path / "none.h5")
