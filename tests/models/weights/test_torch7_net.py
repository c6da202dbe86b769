"""SoundNets of Torch7: every form in which one may be saved."""

import dataclasses

import numpy as np
import pytest
import torch7_files as files

from soundnet_tf.models import architecture, student
from soundnet_tf.models.weights import published
from soundnet_tf.models.weights.torch7_net import load_layers

# SoundNet-5 has every kind of layer and a tenth of the numbers.
TABLE = architecture.SOUNDNET5
TABLES = pytest.mark.parametrize("table", architecture.ARCHITECTURES.values(), ids=lambda t: t.name)
NORM, HEADS = 1, 15  # modules of SoundNet-5: conv1, its norm, ReLU, pool1, conv2, ...


@pytest.fixture(scope="module")
def weights():
    return files.random_weights(TABLE)


@pytest.fixture
def net(weights):
    return files.net(TABLE, weights)


def tensors(net):
    """Every array of a net: (fields that have it, its key)."""
    for module in [*files.modules(net), *files.modules(files.modules(net)[HEADS])]:
        for key, value in module.fields.items():
            if isinstance(value, np.ndarray):
                yield module.fields, key


def assert_same(read, weights, **tolerance):
    assert {layer: {*arrays} for layer, arrays in read.items()} == {
        layer: {*arrays} for layer, arrays in weights.items()
    }
    for layer, arrays in weights.items():
        for key, array in arrays.items():
            assert read[layer][key].dtype == np.float32
            np.testing.assert_allclose(
                read[layer][key], array, err_msg=f"{layer}/{key}", **tolerance
            )


@TABLES
@pytest.mark.parametrize("package", ["nn", "cudnn"])
def test_what_was_written_is_read(tmp_path, table, package):
    weights = files.random_weights(table)
    path = files.write(tmp_path / "net.t7", files.net(table, weights, package))
    assert_same(load_layers(path), weights, rtol=0)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("Double", "f8"), ("Cuda", "f4"), ("CudaDouble", "f8"), ("CudaHalf", "f2"), ("Half", "f2")],
)
def test_every_kind_of_float(tmp_path, net, weights, kind, dtype):
    for fields, key in tensors(net):
        fields[key] = files.tensor(fields[key].astype(dtype), kind)
    read = load_layers(files.write(tmp_path / "net.t7", net))
    rounded = {
        layer: {key: array.astype(dtype).astype("f4") for key, array in arrays.items()}
        for layer, arrays in weights.items()
    }
    assert_same(read, rounded, rtol=0)


def test_one_storage_for_all(tmp_path, net, weights):
    """As getParameters() leaves a net: each tensor a window of one long storage."""
    places = list(tensors(net))
    storage = files.Storage(
        "Float", np.concatenate([fields[key].ravel() for fields, key in places])
    )
    offset = 0
    for fields, key in places:
        window = files.tensor(fields[key])
        size = fields[key].size
        fields[key] = dataclasses.replace(window, storage=storage, offset=offset)
        offset += size
    path = files.write(tmp_path / "net.t7", net)
    assert path.stat().st_size < 4 * storage.values.size + 20_000
    assert_same(load_layers(path), weights, rtol=0)


def test_a_transposed_view(tmp_path, net, weights):
    """bias 0, 1, 2, ... of conv1 stored in two rows, so that its step is 2."""
    bias = weights["conv1"]["biases"]
    rows = np.stack([bias, -bias], axis=1)
    stored = files.Storage("Float", rows.ravel())
    files.modules(net)[0].fields["bias"] = files.Tensor(stored, bias.shape, (2,))
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


def test_standard_deviations_of_old_files(tmp_path, net, weights):
    """running_std = (var + eps) ** -0.5; as float32 it has a relative error of 6e-8, var twice."""
    for module in files.modules(net):
        variance = module.fields.pop("running_var", None)
        if variance is not None:
            module.fields["running_std"] = ((variance.astype("f8") + 1e-5) ** -0.5).astype("f4")
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=3e-7)


def test_one_convolution_for_both_heads(tmp_path, net, weights):
    objects, scenes = weights["conv5"], weights["conv5_2"]
    both = {key: np.concatenate([objects[key], scenes[key]], axis=-1) for key in objects}
    files.modules(net)[HEADS] = files.convolution(TABLE.head, both)
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


def test_nested_sequentials(tmp_path, net, weights):
    def nested(*parts):
        return files.Module("nn.Sequential", {"modules": [*parts]})

    heads = files.modules(net)[HEADS].fields
    heads["modules"] = [
        nested(head, files.Module("nn.Contiguous", {})) for head in heads["modules"]
    ]
    net.fields["modules"] = [
        nested(nested(*files.modules(net)[:5])),
        nested(),
        *files.modules(net)[5:],
    ]
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


def test_kernels_of_two_dimensions(tmp_path, net, weights):
    for module in files.modules(net):
        if module.typename == "nn.SpatialConvolution":
            module.typename = "nn.SpatialConvolutionMM"
            kernel = module.fields["weight"]
            module.fields["weight"] = kernel.reshape(len(kernel), -1)
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


def test_a_batch_norm_without_affine(tmp_path, net):
    del files.modules(net)[NORM].fields["weight"], files.modules(net)[NORM].fields["bias"]
    conv1 = load_layers(files.write(tmp_path / "net.t7", net))["conv1"]
    assert (conv1["gamma"] == 1).all() and (conv1["beta"] == 0).all()
    assert conv1["gamma"].shape == conv1["beta"].shape == (32,)


def test_files_before_versions(tmp_path, net, weights):
    for module in files.modules(net):
        module.version = None
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


@pytest.mark.parametrize("kind", [6, 7, 8])
def test_functions_stay_bytes(tmp_path, monkeypatch, net, weights, kind):
    """A loader of Torch7 would run what Lua's bytecode says; here the net is read without it."""
    monkeypatch.chdir(tmp_path)
    function = files.Function(b"\x1bLua os.execute('touch RAN')", [{"name": "x", "value": 1}], kind)
    files.modules(net)[0].fields |= {"hook": function, "again": function}
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["net.t7"]


def test_circles_and_tensors_of_all_kinds(tmp_path, net, weights):
    fields = files.modules(net)[0].fields
    fields["self"] = files.modules(net)[0]
    fields["empty"] = files.Tensor(None, (), (), -1, "Float")
    fields["size"] = files.Storage("Long", np.arange(4))
    for dtype in files.TENSOR_KINDS:
        fields[dtype] = np.arange(3).astype(dtype)
    assert_same(load_layers(files.write(tmp_path / "net.t7", net)), weights, rtol=0)


def test_soundnet5_has_what_the_file_has(tmp_path, net, weights):
    path = files.write(tmp_path / "net.t7", net)
    model = student.SoundNet5(weights=str(path))
    kernel = model.get_layer("scenes").kernel.numpy()
    np.testing.assert_array_equal(kernel, weights["conv5_2"]["weights"][:, 0])
    variance = model.get_layer("conv4_bn").moving_variance.numpy()
    np.testing.assert_array_equal(variance, weights["conv4"]["var"])


def test_the_published_network_through_torch7(tmp_path):
    try:
        weights = published.load()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    path = files.write(tmp_path / "net.t7", files.net(architecture.SOUNDNET8, weights, "cudnn"))
    assert_same(load_layers(path), weights, rtol=0)
    ours, theirs = student.SoundNet8(weights=path), student.SoundNet8(weights="published")
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_layers(tmp_path / "none.t7")
