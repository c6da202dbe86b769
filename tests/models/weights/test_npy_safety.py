"""What the reader of `.npy` dicts refuses: code, lies about sizes, damage, other contents."""

import os

import hypothesis
import hypothesis.strategies as st
import npy_files as files
import numpy as np
import pytest
import torch_checkpoints as write

from soundnet_tf.models.weights.npy import load_dict

PROTOCOLS = pytest.mark.parametrize("protocol", range(6))

HOSTILE = {
    "os.system": write.called(write.named("os", "system"), write.text("touch RAN")),
    "posix.system": b"(" + write.text("touch RAN") + b"iposix\nsystem\n",  # INST
    "builtins.eval": write.called(write.named("builtins", "eval"), write.text("open('RAN','w')")),
    "__builtin__.getattr": write.called(write.named("__builtin__", "getattr"), b"N", b"N"),
    "numpy.os.system": b"\x8c\x05numpy\x8c\x09os.system\x93",  # a way round
    "numpy.load": write.called(write.named("numpy", "load"), write.text("other.npy")),
    "numpy.memmap": write.named("numpy", "memmap"),
    "numpy.core.multiarray.scalar": write.named("numpy.core.multiarray", "scalar"),
    "_codecs.decode": write.named("_codecs", "decode"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["root", "layer", "array", "dtype"])
def test_hostile_pickles_do_not_run(tmp_path, monkeypatch, name, place):
    monkeypatch.chdir(tmp_path)
    content = HOSTILE[name]
    if place == "root":
        path = files.write_pickle(tmp_path / "bad.npy", write.pickled(content))
    elif place == "layer":
        path = files.file_of(tmp_path / "bad.npy", files.mapping({"conv1": content}))
    else:
        content = (
            files.array((1,), files.byte_string(bytes(4)), content) if place == "dtype" else content
        )
        path = files.one_array(tmp_path / "bad.npy", content)
    with pytest.raises(ValueError, match=rf"bad\.npy.*refused to load the global '{name}'"):
        load_dict(path)
    assert os.listdir(tmp_path) == ["bad.npy"]


def test_the_hostile_files_would_run_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.load(files.one_array(tmp_path / "bad.npy", HOSTILE["os.system"]), allow_pickle=True)
    assert sorted(os.listdir(tmp_path)) == ["RAN", "bad.npy"]


def test_a_file_cannot_change_the_reader(tmp_path):
    """BUILD sets attributes on what stands for numpy.dtype; the next file is read all the same."""
    change = b"N" + b"}" + write.text("__defaults__") + write.sequence(write.integer(1)) + b"s\x86b"
    bad = files.one_array(tmp_path / "bad.npy", write.named("numpy", "dtype") + change)
    with pytest.raises(ValueError, match="bad.npy is no dict of arrays"):
        load_dict(bad)
    read = load_dict(files.write_dict(tmp_path / "good.npy", {"conv1": {"x": np.float32([1])}}))
    np.testing.assert_array_equal(read["conv1"]["x"], [1])


FOUR = files.byte_string(bytes(16))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (files.array((5,), FOUR), r"weights of shape \(5,\) should have 20 bytes, the file has 16"),
        (files.array((3,), FOUR), r"should have 12 bytes, the file has 16 bytes"),
        (files.array((2**62, 4), FOUR), "should have 73786976294838206464 bytes"),
        (files.array((4,), FOUR, files.dtype("f8")), "should have 32 bytes"),
        (files.array((-1,), FOUR), "the shape of conv1/weights is not a tuple of lengths"),
        (files.array(write.old_text(b"4"), FOUR), "the shape of conv1/weights"),
        (files.array((4,), b"N"), "should have 16 bytes, the file has NoneType"),
        (files.array((4,), b"]", files.dtype("O8", "|")), "weights has the dtype 'O8'"),
        (
            files.array((4,), FOUR, files.dtype("i4")),
            "weights has the dtype 'i4', it should be one of",
        ),
        (files.array((2,), FOUR, files.dtype("c8")), "weights has the dtype 'c8'"),
        (files.array((4,), FOUR, files.dtype("V4", "|")), "weights has the dtype 'V4'"),
        (files.array((4,), FOUR, files.dtype("f4", "|")), "weights has the dtype 'f4'"),
        (files.array((4,), FOUR, files.dtype("f4,f4")), "weights has the dtype 'f4,f4'"),
        (files.array((4,), FOUR, b"N"), "weights has the dtype 'none'"),
        (files.array((2,), write.text("\u0100" * 8)), "'latin-1' codec can't encode"),
        (b"K\x03", "conv1/'weights': str to int is not a name to an array"),
        (write.named("numpy", "ndarray"), "conv1/'weights': str to str is not a name"),
    ],
)
def test_an_array_that_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"a\.npy is no dict of arrays to read: .*{message}"):
        load_dict(files.one_array(tmp_path / "a.npy", content))


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (np.zeros(3), r"it holds an array of shape \(3,\) and dtype float64, not a dict"),
        (np.array([{}, {}], dtype=object), r"an array of shape \(2,\) and dtype object"),
        (None, "it holds a NoneType, not a dict of layers"),
        ({"conv1": np.zeros(3)}, "layer 'conv1': str to _Array is not a name to a dict"),
        ({1: {}}, "layer 1: int to dict is not a name"),
        ({(1, 2): {}}, r"layer \(no text\): tuple to dict"),
        ({"conv1": {2: np.zeros(3)}}, "conv1/2: int to _Array is not a name to an array"),
        ({"conv1": {"x": [1.0]}}, "conv1/'x': str to list is not a name to an array"),
        ({"conv1": {"x": np.array([None])}}, "conv1/x has the dtype 'O8'"),
        ({"conv1": {"x": np.arange(3)}}, "conv1/x has the dtype 'i8'"),
    ],
)
def test_what_is_no_dict_of_arrays(tmp_path, saved, message):
    np.save(tmp_path / "a.npy", saved, allow_pickle=True)
    with pytest.raises(ValueError, match=rf"a\.npy is no dict.*{message}.*numpy\.save"):
        load_dict(tmp_path / "a.npy")


def test_a_pickle_that_is_no_array(tmp_path):
    for content in (b"}", b"N", files.array((), files.byte_string(b"")), files.array((), b"](NNe")):
        path = files.write_pickle(tmp_path / "a.npy", write.pickled(content))
        with pytest.raises(ValueError, match="its pickle is not an array of one object"):
            load_dict(path)


@pytest.mark.parametrize("order", ["A", "K", None])
def test_an_unknown_order(tmp_path, order):
    buffer = write.called(
        write.named("numpy._core.numeric", "_frombuffer"),
        *(FOUR, files.dtype(), write.sequence(write.integer(4))),
        write.text(order) if order else b"N",
    )
    with pytest.raises(ValueError, match=f"an array has the order {order!r}"):
        load_dict(files.one_array(tmp_path / "a.npy", buffer))


def test_one_array_under_a_thousand_names(tmp_path):
    """4 MB in the file would be 4 GB in memory."""
    content = (
        files.array((10**6,), files.byte_string(bytes(4 * 10**6)))
        + b"r"
        + (9).to_bytes(4, "little")
    )
    names = {"x0": content} | {f"x{i}": b"j" + (9).to_bytes(4, "little") for i in range(1, 1000)}
    path = files.file_of(tmp_path / "a.npy", files.mapping({"conv1": files.mapping(names)}))
    with pytest.raises(ValueError, match="its arrays have more than the file's 40"):
        load_dict(path)


def test_a_pickle_that_wants_a_gigantic_memo(tmp_path):
    path = files.write_pickle(tmp_path / "a.npy", write.pickled(b"Nr\xff\xff\xff\xff"))
    with pytest.raises(ValueError, match="memo index 4294967295"):
        load_dict(path)


@pytest.mark.parametrize(
    "content", [b"", b"not an array", b"\x93NUMPY\x01\x00", files.HEADER, b"PK\x03\x04"]
)
def test_no_array_file_at_all(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npy is no dict of arrays"):
        load_dict(tmp_path / "a.npy")


def test_a_header_of_another_version(tmp_path):
    path = files.write_dict(tmp_path / "a.npy", {})
    path.write_bytes(b"\x93NUMPY\x03\x00F\x00\x00\x00" + path.read_bytes()[10:])
    with pytest.raises(ValueError, match=r"its format version is \(3, 0\)"):
        load_dict(path)


@PROTOCOLS
def test_every_truncation_is_an_error(tmp_path, protocol):
    layers = {"conv1": {"weights": np.float32([[1, 2]])}}
    path = files.write_dict(tmp_path / "a.npy", layers, protocol)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"a\.npy is no dict of arrays"):
            load_dict(path)


@PROTOCOLS
@hypothesis.settings(max_examples=100)
@hypothesis.given(data=st.data())
def test_damage_gives_arrays_or_a_value_error(tmp_path_factory, protocol, data):
    path = tmp_path_factory.mktemp("damage") / "a.npy"
    layers = {"conv1": {"weights": np.float32([[1, 2]]), "biases": np.float64([3])}}
    broken = bytearray(files.write_dict(path, layers, protocol).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken)
    try:
        read = load_dict(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert all(
            array.dtype == np.float32 for arrays in read.values() for array in arrays.values()
        )
