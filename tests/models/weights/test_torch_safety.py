"""What the reader of PyTorch checkpoints refuses: code, lies about sizes, damage."""

import os
import pickle
import zipfile

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch_checkpoints as write

from soundnet_tf.models.weights.torch import load_state_dict

LAYOUTS = pytest.mark.parametrize("is_legacy", [False, True], ids=["zip", "legacy"])

HOSTILE = {
    "os.system": write.called(write.named("os", "system"), write.text("touch RAN")),
    "posix.system": b"(" + write.text("touch RAN") + b"iposix\nsystem\n",  # INST
    "builtins.eval": write.called(write.named("builtins", "eval"), write.text("open('RAN','w')")),
    # STACK_GLOBAL; Python 2's name of builtins; a way round through an allowed module
    "builtins.exec": b"\x8c\x08builtins\x8c\x04exec\x93" + write.text("open('RAN','w')") + b"\x85R",
    "__builtin__.getattr": write.called(write.named("__builtin__", "getattr"), b"N", b"N"),
    "torch._utils.os.system": b"\x8c\x0ctorch._utils\x8c\x09os.system\x93",
    "torch.load": write.called(write.named("torch", "load"), write.text("other.pth")),
    "torch._utils._rebuild_other": write.named("torch._utils", "_rebuild_other"),
}


@LAYOUTS
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_do_not_run(tmp_path, monkeypatch, is_legacy, name):
    monkeypatch.chdir(tmp_path)
    content = write.mapping({"x": HOSTILE[name]})
    path = write.write_layout(tmp_path / "bad.pth", content, {}, is_legacy=is_legacy, counts={})
    with pytest.raises(ValueError, match=rf"bad\.pth.*refused to load the global '{name}'"):
        load_state_dict(path)
    assert os.listdir(tmp_path) == ["bad.pth"]


def test_the_hostile_pickles_would_run_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(write.pickled(HOSTILE["os.system"]))
    assert os.listdir(tmp_path) == ["RAN"]


def test_hostile_header_of_a_legacy_file_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pth").write_bytes(write.pickled(HOSTILE["os.system"]))
    with pytest.raises(ValueError, match="refused to load the global 'os.system'"):
        load_state_dict("bad.pth")
    assert os.listdir(tmp_path) == ["bad.pth"]


def test_a_file_cannot_change_the_reader(tmp_path):
    """BUILD sets attributes on what stands for OrderedDict; the next file is read all the same."""
    good = write.write_state(tmp_path / "good.pth", {"x": np.float32([1])})
    change = b"N" + b"}" + write.text("__defaults__") + write.sequence(write.integer(1)) + b"s\x86b"
    bad = write.pickled(write.named("collections", "OrderedDict") + change)
    (tmp_path / "bad.pth").write_bytes(bad)
    with pytest.raises(ValueError, match="bad.pth is no PyTorch checkpoint"):
        load_state_dict(tmp_path / "bad.pth")
    np.testing.assert_array_equal(load_state_dict(good)["x"], [1])


@LAYOUTS
@pytest.mark.parametrize("count", [3, 2**40, 2**62])
def test_a_storage_larger_than_the_file(tmp_path, is_legacy, count):
    stored = write.storage("DoubleStorage", "0", count)
    content = write.mapping({"x": write.tensor(stored, 0, (count,), (1,))})
    path = write.write_layout(
        tmp_path / "a.pth", content, {"0": bytes(16)}, is_legacy=is_legacy, counts={"0": count}
    )
    with pytest.raises(ValueError, match=rf"'0' should have {count} values.*has 16 bytes"):
        load_state_dict(path)


def test_a_legacy_count_that_differs_from_the_pickle(tmp_path):
    content = write.mapping({"x": write.contiguous("0", np.zeros(2, np.float32))})
    path = write.write_legacy(tmp_path / "a.pth", content, {"0": bytes(8)}, {"0": 1})
    with pytest.raises(ValueError, match="'0' has 1 values, 2 were announced"):
        load_state_dict(path)


@LAYOUTS
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (0, (2, 3), (4, 1)),
        (6, (1,), (1,)),
        (0, (2**31, 2**31), (0, 0)),  # a tiny storage, expanded
        (0, (2**62, 4), (2**62, 1)),
        (-1, (2,), (1,)),
        (5, (2,), (-1,)),
        (0, (-1,), (1,)),
        (0, (2, 3), (1,)),
    ],
)
def test_a_tensor_outside_of_its_storage(tmp_path, is_legacy, offset, shape, strides):
    stored = write.storage("FloatStorage", "0", 6)
    content = write.mapping({"weight": write.tensor(stored, offset, shape, strides)})
    path = write.write_layout(
        tmp_path / "a.pth", content, {"0": bytes(24)}, is_legacy=is_legacy, counts={"0": 6}
    )
    with pytest.raises(ValueError, match="tensor 'weight'"):
        load_state_dict(path)


def test_one_storage_with_two_types(tmp_path):
    content = write.mapping(
        {
            "a": write.tensor(write.storage("FloatStorage", "0", 2), 0, (2,), (1,)),
            "b": write.tensor(write.storage("LongStorage", "0", 1), 0, (1,), (1,)),
        }
    )
    path = write.write_zip(tmp_path / "a.pth", content, {"0": bytes(8)})
    with pytest.raises(ValueError, match="'LongStorage', '0'.* is not a storage"):
        load_state_dict(path)


def test_a_pickle_that_wants_a_gigantic_memo(tmp_path):
    """LONG_BINPUT at 2**32 - 1 would make the C unpickler allocate 64 GiB."""
    (tmp_path / "a.pth").write_bytes(write.pickled(b"Nr\xff\xff\xff\xff"))
    with pytest.raises(ValueError, match="memo index 4294967295"):
        load_state_dict(tmp_path / "a.pth")


def test_a_compressed_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", write.pickled(write.mapping({})))
        archive.writestr("archive/data/0", bytes(10**6))
    with pytest.raises(ValueError, match="compressed"):
        load_state_dict(tmp_path / "a.pth")


@LAYOUTS
def test_every_truncation_is_an_error(tmp_path, is_legacy):
    path = write.write_state(tmp_path / "a.pth", {"x": np.float32([1, 2])}, is_legacy=is_legacy)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="a.pth is no PyTorch checkpoint"):
            load_state_dict(path)


@LAYOUTS
@hypothesis.settings(max_examples=150)
@hypothesis.given(data=st.data())
def test_damage_gives_arrays_or_a_value_error(tmp_path_factory, is_legacy, data):
    path = tmp_path_factory.mktemp("damage") / "a.pth"
    arrays = {"x": np.float32([1, 2]), "y": np.int64(3)[np.newaxis]}
    broken = bytearray(write.write_state(path, arrays, is_legacy=is_legacy).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken)
    try:
        state = load_state_dict(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert sum(array.nbytes for array in state.values()) <= len(broken)


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"PK\x03\x04", b"\x80\x02K\x01."])
def test_no_checkpoint_at_all(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match="a.txt is no PyTorch checkpoint"):
        load_state_dict(tmp_path / "a.txt")


@pytest.mark.parametrize(
    "content",
    [
        write.mapping({"model": write.mapping({})}),
        write.mapping({"state_dict": b"N"}),
        write.integer(3),
    ],
)
def test_a_checkpoint_without_state(tmp_path, content):
    path = write.write_zip(tmp_path / "a.pth", content, {})
    with pytest.raises(ValueError, match="is a dict of tensors, but"):
        load_state_dict(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_state_dict(tmp_path / "none.pth")
