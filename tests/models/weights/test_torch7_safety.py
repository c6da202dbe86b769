"""What the reader of Torch7's nets refuses: other nets, lies about sizes, damage."""

import dataclasses

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch7_files as files

from soundnet_tf.models import architecture
from soundnet_tf.models.weights import published
from soundnet_tf.models.weights.torch7_net import load_layers

TABLE = architecture.SOUNDNET5  # every kind of layer, and a tenth of SoundNet-8's numbers
NORM, POOL, HEADS = 1, 3, 15  # of its modules: conv1, norm, ReLU, pool1, conv2, ...


@pytest.fixture(scope="module")
def weights():
    return files.random_weights(TABLE)


@pytest.fixture
def net(weights):
    return files.net(TABLE, weights)


def named(net):
    """The modules whose fields the tests change."""
    modules = files.modules(net)
    objects, scenes = files.modules(modules[HEADS])
    places = {"conv1": 0, "norm1": NORM, "pool1": POOL, "conv2": 4, "conv3": 8, "conv4": 12}
    return {name: modules[i] for name, i in places.items()} | {"conv5": objects, "conv5_2": scenes}


def zeros(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("conv3", "kH", 15, "conv3 should have kH = 16, the file has 15"),
        ("conv2", "dH", 4, "conv2 should have dH = 2, the file has 4"),
        ("conv4", "padH", None, "conv4 should have padH = 4, the file has 0"),
        ("conv1", "kW", 64, "conv1 should have kW = 1, the file has 64"),
        ("conv1", "kW", None, "conv1 should have kW = 1, the file has None"),
        ("conv1", "dW", {}, "conv1 should have dW = 1, the file has dict"),
        ("conv1", "dW", zeros(3), "conv1 should have dW = 1, the file has ndarray"),
        ("conv1", "padW", 1, "conv1 should have padW = 0, the file has 1"),
        ("conv2", "groups", 2, "conv2 should have groups = 1, the file has 2"),
        ("conv5", "dH", 2, "conv5 should have dH = 12, the file has 2"),
        ("pool1", "kH", 4, "pool1 should have kH = 8, the file has 4"),
        ("pool1", "dH", 1, "pool1 should have dH = 8, the file has 1"),
        ("pool1", "ceil_mode", True, "pool1 should have ceil_mode = False, the file has True"),
        ("norm1", "eps", 1e-3, "conv1 should have eps = 1e-05, the file has 0.001"),
        ("norm1", "weight", None, "conv1 should have a tensor 'weight', the file has none"),
        ("norm1", "running_var", None, "conv1 should have a tensor 'running_var'"),
        ("norm1", "running_mean", zeros(16), "conv1 .* running_mean .*(32,), .* float32 (16,)"),
        ("conv2", "weight", zeros(64, 9, 32, 1), "conv2 .* (64, 32, 32, 1), .* (64, 9, 32, 1)"),
        ("conv2", "bias", zeros(63), "conv2 should have a bias of floats (64,), .* float32 (63,)"),
        ("conv2", "bias", np.arange(64), "conv2 should have a bias of .* the file has int64 (64,)"),
        ("conv5", "weight", None, "conv5 should have a tensor 'weight', the file has none"),
        ("conv5_2", "bias", zeros(365), "conv5_2 should have a bias .* (401,), .* float32 (365,)"),
    ],
)
def test_a_field_that_differs(tmp_path, net, name, key, value, message):
    fields = named(net)[name].fields
    if value is None:
        del fields[key]
    else:
        fields[key] = value
    path = files.write(tmp_path / "net.t7", net)
    message = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"net\.t7 is no SoundNet.*{message}.*torch\.save"):
        load_layers(path)


def module(name):
    return files.Module(f"nn.{name}", {})


OTHER_NETS = {
    r"it has 3 convolutions before the heads; SoundNets have \[4, 7\]": (
        lambda modules: modules.pop(0)
    ),
    "conv1 should have a SpatialBatchNormalization, the file has ReLU": (
        lambda modules: modules.pop(NORM)
    ),
    "pool1 should have a SpatialMaxPooling, the file has Tanh": (
        lambda modules: modules.insert(POOL, module("Tanh"))
    ),
    "conv4 should have a ReLU, the file has convolution of the heads": (
        lambda modules: modules.pop(HEADS - 1)
    ),
    "heads should have a convolution of the heads, the file has Dropout": (
        lambda modules: modules.insert(HEADS, module("Dropout"))
    ),
    r"its ConcatTable should have two convolutions, it has .* 'Dropout'\]": (
        lambda modules: files.modules(modules[HEADS]).append(module("Dropout"))
    ),
    r"its ConcatTable should have two convolutions, it has \[.*, 'nothing'\]": (
        lambda modules: files.modules(modules[HEADS]).append(
            files.Module("nn.Sequential", {"modules": []})
        )
    ),
    r"conv5 should have a weight of floats \(1401, .*, the file has float32 \(1000, ": (
        lambda modules: files.modules(modules[HEADS]).pop()
    ),
    r"behind the convolutions of the heads it has more layers: \['ReLU'\]": (
        lambda modules: modules.append(module("ReLU"))
    ),
    "a nn.ConcatTable has no table of modules": lambda modules: modules[HEADS].fields.clear(),
    r"it holds no network with convolutions but \['ReLU'\]": (
        lambda modules: modules.__setitem__(slice(None), [module("ReLU")])
    ),
    "a table has a key that is a bool": lambda modules: modules[0].fields.update({True: 1}),
    "a torch.Timer has a form of its own": (
        lambda modules: modules.append(files.Module("torch.Timer", {}))
    ),
    "a nn.Odd has no table of fields": lambda modules: modules.append(files.Module("nn.Odd", 1)),
}


@pytest.mark.parametrize("message", OTHER_NETS)
def test_another_net(tmp_path, net, message):
    OTHER_NETS[message](files.modules(net))
    path = files.write(tmp_path / "net.t7", net)
    with pytest.raises(ValueError, match=rf"net\.t7 is no SoundNet.*{message}.*torch\.save"):
        load_layers(path)


def test_a_net_that_contains_itself(tmp_path, net):
    files.modules(net).append(net)
    with pytest.raises(ValueError, match="one Sequential stands in it twice"):
        load_layers(files.write(tmp_path / "net.t7", net))


def test_eight_layers_miss_one(tmp_path):
    table = architecture.SOUNDNET8
    net = files.net(table, files.random_weights(table))
    del files.modules(net)[10:13]  # conv4, its norm and ReLU
    with pytest.raises(ValueError, match="it has 6 convolutions before the heads"):
        load_layers(files.write(tmp_path / "net.t7", net))


def test_a_variance_that_is_infinite(tmp_path, net):
    fields = files.modules(net)[NORM].fields
    fields["running_std"] = np.zeros_like(fields.pop("running_var"))
    path = files.write(tmp_path / "net.t7", net)
    with pytest.raises(ValueError, match="net.t7: conv1/var has values that are not finite"):
        published.load(path)


SIX = files.Storage("Float", np.arange(6, dtype=np.float32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (files.Tensor(SIX, (7,), (1,)), "at byte .* reaches beyond its storage of 6 values"),
        (files.Tensor(SIX, (6,), (1,), 1), "reaches beyond"),
        (files.Tensor(SIX, (2, 3), (4, 1)), "reaches beyond"),
        (files.Tensor(SIX, (2**31, 2**31), (0, 0)), "reaches beyond"),
        (files.Tensor(SIX, (2**62, 4), (2**62, 1)), "reaches beyond"),
        (files.Tensor(SIX, (1,), (1,), 2**62), "reaches beyond"),
        (files.Tensor(SIX, (2,), (1,), -1), "has shape"),
        (files.Tensor(SIX, (2,), (-1,), 5), "has shape"),
        (files.Tensor(SIX, (-2,), (1,)), "has shape"),
        (files.Tensor(SIX, (1,) * 33, (1,) * 33), "has 33 dimensions"),
        (files.Tensor(SIX, (3,), (1,), kind="Double"), "has no storage of float64"),
        (files.Tensor(None, (3,), (1,), kind="Float"), "has no storage of float32"),
        (dataclasses.replace(SIX, count=7), "28 bytes should follow byte .* where 24 are left"),
        (dataclasses.replace(SIX, count=2**61), "bytes should follow"),
        (dataclasses.replace(SIX, count=-1), "-4 bytes should follow"),
        (files.Raw(files.integer(2) + files.integer(2**31 - 1) + b"abc"), "2147483647 bytes"),
        (files.Raw(files.integer(2) + files.integer(-1) + b"abc"), "-1 bytes"),
        (files.Raw(files.integer(3) + files.integer(1) + files.integer(-1)), "a table has -1"),
        (files.Raw(files.integer(9)), "no object of Torch7 has the type 9"),
        (files.Raw(b"4\n1\n3\nV 1\n"), "no object of Torch7 has the type"),  # an ASCII file
        (files.Raw(b""), "4 bytes should follow byte 0, where 0 are left"),
        ([[1.0]], r"it holds no network with convolutions but \['dict'\]"),
        (None, r"but \['NoneType'\]"),
    ],
)
def test_lies_about_sizes_and_other_files(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"x.t7 is no SoundNet of Torch7 to read: .*{message}"):
        load_layers(files.write(tmp_path / "x.t7", content))


def test_deep_nesting(tmp_path):
    content = files.Raw(
        b"".join(files.integer(n) for i in range(20_000) for n in (3, i + 1, 1, 2, 0))
    )
    with pytest.raises(ValueError, match="nested more than 100 deep"):
        load_layers(files.write(tmp_path / "x.t7", content))


def test_a_long_chain_of_sequentials(tmp_path):
    """Each is read at depth 2 and holds the one before it, so that no depth of reading shows it."""
    chain = [files.Module("nn.Sequential", {"modules": []})]
    for _ in range(5000):
        chain.append(files.Module("nn.Sequential", {"modules": [chain[-1]]}))
    net = files.Module("nn.Sequential", {"all": chain, "modules": [chain[-1]]})
    with pytest.raises(ValueError, match="x.t7 is no SoundNet"):
        load_layers(files.write(tmp_path / "x.t7", net))


@pytest.fixture(scope="module")
def small(weights):
    """The block of conv1 and a ConcatTable of nothing: few bytes with every kind of object."""
    net = files.net(TABLE, weights)
    files.modules(net)[4:] = files.modules(net)[HEADS:]
    files.modules(net)[4].fields["modules"] = []
    return files.dump(net)


def test_every_truncation_of_a_net(tmp_path, small):
    path = tmp_path / "net.t7"
    for size in range(0, len(small), 7):
        path.write_bytes(small[:size])
        with pytest.raises(ValueError, match="net.t7 is no SoundNet.*bytes should follow"):
            load_layers(path)


@hypothesis.settings(max_examples=300)
@hypothesis.given(data=st.data())
def test_damage_gives_a_value_error(tmp_path_factory, small, data):
    broken = bytearray(small)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(0, len(broken))) :]
    path = tmp_path_factory.mktemp("damage") / "net.t7"
    path.write_bytes(broken)
    with pytest.raises(ValueError, match="net.t7 is no SoundNet"):
        load_layers(path)


@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(part=st.floats(0, 1, exclude_max=True))
def test_a_truncated_net(tmp_path, weights, part):
    complete = files.dump(files.net(TABLE, weights))
    path = tmp_path / "net.t7"
    path.write_bytes(complete[: int(part * len(complete))])
    with pytest.raises(ValueError, match="net.t7 is no SoundNet"):
        load_layers(path)
