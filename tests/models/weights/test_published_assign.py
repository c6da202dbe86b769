"""Weights of the published form put into a student: SoundNet-5 made of random numbers."""

import numpy as np
import pytest
import torch7_files

from soundnet_tf.models import architecture, student
from soundnet_tf.models.weights import published

TABLES = pytest.mark.parametrize("table", architecture.ARCHITECTURES.values(), ids=lambda t: t.name)


@pytest.fixture
def weights():
    return torch7_files.random_weights(architecture.SOUNDNET5)


@pytest.fixture(scope="module")
def model():
    return student.SoundNet5()


@TABLES
def test_names_and_classes(table):
    weights = torch7_files.random_weights(table)
    assert published.architecture_name(weights) == table.name
    assert published.head_classes(weights) == {"objects": 1000, "scenes": 401}


def test_a_head_may_be_missing(weights):
    del weights["conv5"]
    assert published.head_classes(weights) == {"scenes": 401}
    model = student.SoundNet5(object_classes=None)
    published.assign(model, weights)
    kernel = model.get_layer("scenes").kernel.numpy()
    np.testing.assert_array_equal(kernel, weights["conv5_2"]["weights"][:, 0])


def test_no_head(weights):
    del weights["conv5"], weights["conv5_2"]
    with pytest.raises(ValueError, match=r"neither of the heads \['conv5', 'conv5_2'\]"):
        published.head_classes(weights)


@TABLES
def test_a_layer_of_the_trunk_is_missing(table):
    weights = torch7_files.random_weights(table)
    del weights["conv3"]
    for function in (published.architecture_name, published.head_classes):
        with pytest.raises(ValueError, match=f"the weights of a {table.name} lack conv3; they are"):
            function(weights)


@pytest.mark.parametrize("suffix", ["npy", "t7"])
@TABLES
def test_files_of_both_readers_give_the_same_model(tmp_path, table, suffix):
    weights = torch7_files.random_weights(table)
    path = tmp_path / f"net.{suffix}"
    if suffix == "npy":
        np.save(path, weights, allow_pickle=True)
    else:
        torch7_files.write(path, torch7_files.net(table, weights))
    model = student.BUILDERS[table.name](weights=str(path))
    heads = dict(zip(("objects", "scenes"), [*weights][-2:], strict=True))
    for layer in table.trunk:
        if layer.filters:
            arrays = weights[layer.name]
            conv = model.get_layer(f"{layer.name}_conv").get_weights()
            norm = model.get_layer(f"{layer.name}_bn").get_weights()
            np.testing.assert_array_equal(conv[0], arrays["weights"][:, 0])
            np.testing.assert_array_equal(conv[1], arrays["biases"])
            np.testing.assert_array_equal(
                norm, [arrays[key] for key in ("gamma", "beta", "mean", "var")]
            )
    for head, layer in heads.items():
        kernel, bias = model.get_layer(head).get_weights()
        np.testing.assert_array_equal(kernel, weights[layer]["weights"][:, 0])
        np.testing.assert_array_equal(bias, weights[layer]["biases"])


def test_heads_that_the_model_lacks_are_left_out(weights):
    trunk = student.SoundNet5(include_top=False)
    published.assign(trunk, weights)
    np.testing.assert_array_equal(
        trunk.get_layer("conv4_bn").moving_mean.numpy(), weights["conv4"]["mean"]
    )


@pytest.mark.parametrize(
    ("layer", "key", "array", "message"),
    [
        (
            *("conv2", "weights", np.zeros((32, 1, 16, 64))),
            r"conv2_conv/kernel wants .* of shape \(32, 1, 32, 64\), .* \(32, 1, 16, 64\)$",
        ),
        (
            *("conv2", "weights", np.zeros((32, 2, 32, 64))),
            r"wants conv2/weights of shape \(32, 1, 32, 64\), the weights have \(32, 2, 32, 64\)$",
        ),
        ("conv3", "var", np.zeros(64), r"conv3_bn/moving_variance wants .*\(128,\), .* \(64,\)$"),
        ("conv3", "var", None, "the weights lack the array conv3/var"),
        ("conv5_2", "biases", None, "the weights lack the array conv5_2/biases"),
        ("conv4", "biases", np.array(1.0), "the weights lack the array conv4/biases"),
        (
            *("conv5", "weights", np.zeros((16, 1, 256, 365))),
            r"objects/kernel wants .* 1000\), .* 365\); to start other classes.*initialise",
        ),
        ("conv1", "extra", np.zeros(3), r"this soundnet5 does not: \['conv1/extra'\]"),
        ("conv5", "gamma", np.zeros(3), r"this soundnet5 does not: \['conv5/gamma'\]"),
        ("conv9", "weights", np.zeros(3), r"this soundnet5 does not: \['conv9/weights'\]"),
    ],
)
def test_weights_that_do_not_fit(model, weights, layer, key, array, message):
    """The model stays as it was: nothing is assigned before all is checked."""
    before = model.get_weights()
    if array is None:
        del weights[layer][key]
    else:
        weights.setdefault(layer, {})[key] = array
    with pytest.raises(ValueError, match=message):
        published.assign(model, weights)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_of_the_other_architecture(weights):
    with pytest.raises(ValueError, match="weights of a soundnet5, the model is a soundnet8"):
        published.assign(student.SoundNet8(), weights)


def test_a_head_that_the_model_has_and_the_weights_do_not(model, weights):
    del weights["conv5"]
    with pytest.raises(ValueError, match="the weights lack the array conv5/weights"):
        published.assign(model, weights)
