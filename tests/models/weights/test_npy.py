"""Dicts in `.npy` files: what any NumPy and any Python wrote."""

import npy_files as files
import numpy as np
import pytest

from soundnet_tf.models.weights.npy import load_dict

PROTOCOLS = pytest.mark.parametrize("protocol", range(6))


def assert_same(read, layers):
    assert {name: [*arrays] for name, arrays in read.items()} == {
        name: [*arrays] for name, arrays in layers.items()
    }
    for name, arrays in layers.items():
        for key, values in arrays.items():
            assert read[name][key].dtype == np.float32 and read[name][key].dtype.isnative
            np.testing.assert_array_equal(read[name][key], values.astype(np.float32))


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    return {
        "conv1": {
            "weights": rng.standard_normal((4, 1, 2, 3)).astype(np.float32),
            "biases": rng.standard_normal(3),
            "gamma": rng.standard_normal(3).astype(">f4"),
            "beta": rng.standard_normal(3).astype(np.float16),
        },
        "conv2": {
            "weights": rng.standard_normal((3, 2, 1, 4)).astype(np.float32).T,
            "biases": np.arange(6.0)[::2],
            "mean": np.float32(2)[None][0:1].reshape(()),
        },
    }


def test_what_numpy_saves(tmp_path, layers):
    np.save(tmp_path / "a.npy", layers, allow_pickle=True)
    assert_same(load_dict(tmp_path / "a.npy"), layers)


@PROTOCOLS
def test_what_every_protocol_saves(tmp_path, layers, protocol):
    assert_same(load_dict(files.write_dict(tmp_path / "a.npy", layers, protocol)), layers)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_the_names_of_both_numpys(tmp_path, layers, protocol):
    """NumPy 1 says numpy.core and NumPy 2 numpy._core; in the pickle a text has its length."""
    path = files.write_dict(tmp_path / "a.npy", layers, protocol)
    content = path.read_bytes()
    for name in (b"multiarray", b"numeric"):
        names = [b"numpy.core." + name, b"numpy._core." + name]
        written = [bytes([len(n)]) + n if protocol > 3 else b"c" + n + b"\n" for n in names]
        for before, after in (written, written[::-1]):
            if before in content:
                content = content.replace(before, after)
                break
    # No frame: its size would have to change as well.
    content = (
        content[: len(files.HEADER) + 2] + content[len(files.HEADER) + 2 + 9 * (protocol > 3) :]
    )
    assert content != path.read_bytes()
    path.write_bytes(content)
    assert_same(load_dict(path), layers)


def test_what_python_2_saved(tmp_path):
    """Byte strings throughout, with bytes above 127, in Fortran's order."""
    values = np.array([[1.5, -2.25e-7], [3e30, -0.0], [255, 7]], np.float32)
    content = files.array((3, 2), files.byte_string(values.tobytes("F")), is_fortran=b"\x88")
    read = load_dict(files.one_array(tmp_path / "a.npy", content))
    assert_same(read, {"conv1": {"weights": values}})


def test_a_header_of_version_2(tmp_path, layers):
    path = files.write_dict(tmp_path / "a.npy", layers)
    content = path.read_bytes()
    path.write_bytes(b"\x93NUMPY\x02\x00F\x00\x00\x00" + content[10:])
    assert_same(load_dict(path), layers)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_dict(tmp_path / "none.npy")
