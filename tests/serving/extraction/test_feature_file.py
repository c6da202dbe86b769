"""Files of features: three forms, written in pieces, read without pickles."""

import json
import os
import pathlib
import sys
import tracemalloc

import h5py
import numpy as np
import pytest

from soundnet_tf.serving.extraction import feature_file, npz
from soundnet_tf.serving.extraction import index as features
from soundnet_tf.serving.extraction.index import Index
from soundnet_tf.serving.extraction.settings import SUFFIXES

READABLE = (".npz", ".h5")
CHANNELS = 5


def blocks_of(counts, seed=0):
    """Blocks of so many rows with random embeddings."""
    rng = np.random.default_rng(seed)
    return [(rng.random((n, CHANNELS), np.float32), rng.random(n)) for n in counts]


def index_of(counts, skipped=None):
    return Index(
        names=[f"Ж{i}/a b.wav" for i in range(len(counts))],
        offsets=np.cumsum([0, *counts]),
        durations=np.arange(len(counts)) / 3,
        skipped={"bad, worse.wav": "is empty — 0 bytes"} if skipped is None else skipped,
        settings={"layer": "pool5", "note": "ü"},
        inputs={"Ж1/a b.wav": "7 1700000000123456789 -", "bad, worse.wav": "0 - -"},
    )


def written(path, counts=(3, 1, 4), **options):
    blocks = blocks_of(counts)
    index = index_of(counts, **options)
    feature_file.write(str(path), index, lambda: blocks)
    return index, *map(np.concatenate, zip(*blocks, strict=True))


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("suffix", READABLE)
@pytest.mark.parametrize("skipped", [{}, None])
def test_what_was_written_is_read(tmp_path, suffix, memory_map, skipped):
    path = str(tmp_path / f"x{suffix}")
    index, embeddings, timestamps = written(path, skipped=skipped)
    loaded = feature_file.load_features(path, memory_map)
    assert (loaded.names, loaded.skipped, loaded.settings) == (
        index.names,
        index.skipped,
        index.settings,
    )
    np.testing.assert_array_equal(loaded.offsets, [0, 3, 4, 8])
    np.testing.assert_array_equal(loaded.durations, index.durations)
    np.testing.assert_array_equal(loaded.embeddings, embeddings)
    np.testing.assert_array_equal(loaded.timestamps, timestamps)
    assert loaded.embeddings.dtype == np.float32 and loaded.timestamps.dtype == np.float64
    rows, secs = loaded.rows(2)
    np.testing.assert_array_equal(rows, embeddings[4:])
    np.testing.assert_array_equal(secs, timestamps[4:])
    assert feature_file.read_about(path) == (index.settings, index.skipped)
    known = (*index.names, *index.skipped)
    assert loaded.inputs == {name: text for name, text in index.inputs.items() if name in known}
    assert os.listdir(tmp_path) == [f"x{suffix}"]


def test_npz_is_numpys_own_without_pickles(tmp_path):
    index, embeddings, _ = written(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {
            *("names", "offsets", "durations", "embeddings", "timestamps"),
            *("skipped_names", "skipped_reasons", "settings", "inputs", "skipped_inputs"),
        }
        assert arrays["names"].dtype.kind == "U" and arrays["names"].tolist() == index.names
        np.testing.assert_array_equal(arrays["embeddings"], embeddings)
        assert json.loads(arrays["settings"].item()) == index.settings
        assert arrays["skipped_reasons"].tolist() == ["is empty — 0 bytes"]


def test_hdf5_has_datasets_and_an_attribute(tmp_path):
    index, embeddings, _ = written(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["names"].asstr()[:].tolist() == index.names
        np.testing.assert_array_equal(file["embeddings"], embeddings)
        assert json.loads(file.attrs["settings"]) == index.settings


def test_parquet_has_a_line_a_row(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    path = str(tmp_path / "x.parquet")
    index, embeddings, timestamps = written(path)
    table = parquet.read_table(path)
    assert table.column_names == ["file", "secs", "embedding"]
    assert str(table.schema.field("embedding").type).startswith("fixed_size_list<")
    assert table.schema.field("embedding").type.list_size == CHANNELS
    expected = [index.names[0]] * 3 + [index.names[1]] + [index.names[2]] * 4
    assert table["file"].to_pylist() == expected
    np.testing.assert_array_equal(table["secs"].to_numpy(), timestamps)
    np.testing.assert_array_equal(np.float32(table["embedding"].to_pylist()), embeddings)
    assert feature_file.read_about(path) == (index.settings, index.skipped)
    with pytest.raises(ValueError, match="read a table by pandas.read_parquet or pyarrow"):
        feature_file.load_features(path)


@pytest.mark.parametrize("suffix", READABLE)
def test_embeddings_may_stay_in_the_file(tmp_path, suffix):
    path = str(tmp_path / f"x{suffix}")
    written(path)
    embeddings = feature_file.load_features(path, memory_map=True).embeddings
    assert isinstance(embeddings, np.memmap) and not embeddings.flags.writeable
    if suffix == ".npz":
        assert embeddings.flags.aligned and embeddings.ctypes.data % 64 == 0
    assert not isinstance(feature_file.load_features(path).embeddings, np.memmap)


def test_where_mapping_is_not_possible_embeddings_are_read(tmp_path):
    """Compressed by other programs."""
    written(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        arrays = dict(arrays)
    np.savez_compressed(tmp_path / "small.npz", **arrays)
    with h5py.File(tmp_path / "small.h5", "w") as file:
        for name in ("offsets", "durations", "timestamps"):
            file[name] = arrays[name]
        for name in ("names", "skipped_names", "skipped_reasons"):
            file[name] = arrays[name].tolist()
        file.attrs["settings"] = "{}"
        file.create_dataset("embeddings", data=arrays["embeddings"], compression="gzip")
    for suffix in READABLE:
        loaded = feature_file.load_features(str(tmp_path / f"small{suffix}"), memory_map=True)
        np.testing.assert_array_equal(loaded.embeddings, arrays["embeddings"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_content_gives_the_same_bytes_however_it_is_cut(tmp_path, monkeypatch, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    blocks = blocks_of([6, 2])
    rows, secs = map(np.concatenate, zip(*blocks, strict=True))
    single = [(rows[i : i + 1], secs[i : i + 1]) for i in range(8)]
    for name, given in {"a": blocks, "b": single}.items():
        path = str(tmp_path / f"{name}{suffix}")
        feature_file.write(path, index_of([6, 2]), lambda given=given: iter(given))
    a, b = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert a == b


@pytest.mark.parametrize("suffix", READABLE)
def test_rows_are_not_held_in_memory(tmp_path, monkeypatch, suffix):
    """400 blocks of 64 KB, 26 MB in all, are written within 3 MB."""
    monkeypatch.setattr(features, "_BLOCK_BYTES", 1 << 16)
    block = np.ones((64, 256), np.float32), np.zeros(64)
    index = index_of([64] * 400)
    tracemalloc.start()
    try:
        path = str(tmp_path / f"x{suffix}")
        feature_file.write(path, index, lambda: (block for _ in range(400)))
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
    assert os.path.getsize(path) > 26e6


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_what_was_there(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    path = tmp_path / f"x{suffix}"
    path.write_text("before")

    def blocks():
        yield blocks_of([3])[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        feature_file.write(str(path), index_of([3, 1]), blocks)
    assert path.read_text() == "before" and os.listdir(tmp_path) == [path.name]


def test_missing_rows_are_noticed(tmp_path):
    with pytest.raises(ValueError, match=r"5 values of embeddings \[4, 5\] are missing"):
        feature_file.write(str(tmp_path / "x.npz"), index_of([3, 1]), lambda: blocks_of([3]))
    assert not os.listdir(tmp_path)


class Trap:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["names", "embeddings"])
@pytest.mark.parametrize("memory_map", [False, True])
def test_pickles_are_never_loaded(tmp_path, name, memory_map):
    written(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        arrays = dict(arrays)
    arrays[name] = np.array([[Trap(tmp_path / "sprung")]], object)
    np.savez(tmp_path / "trap.npz", **arrays)
    with pytest.raises(ValueError, match="is no whole file of features that bin/extract.py wrote"):
        feature_file.load_features(str(tmp_path / "trap.npz"), memory_map)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", READABLE)
def test_other_and_damaged_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    with pytest.raises(FileNotFoundError):
        feature_file.load_features(str(path))
    written(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"x{suffix} is no whole file of features"):
            feature_file.load_features(str(path))
    path.unlink()
    if suffix == ".npz":
        np.savez(path, weights=np.zeros(3))
    else:
        h5py.File(path, "w").close()
    with pytest.raises(ValueError, match=f"x{suffix} is no whole file of features"):
        feature_file.read_about(str(path))


def test_offsets_must_fit(tmp_path):
    written(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        arrays = dict(arrays)
    for offsets in ([0, 3, 4, 9], [0, 3, 8]):
        np.savez(tmp_path / "y.npz", **{**arrays, "offsets": np.array(offsets)})
        with pytest.raises(ValueError, match="its offsets do not fit 3 files, 8 rows"):
            feature_file.load_features(str(tmp_path / "y.npz"))


@pytest.mark.parametrize("path", ["x.csv", "x", "folder/", "gs://bucket/x"])
def test_other_paths_are_refused(path):
    with pytest.raises(ValueError, match="file that ends in .npz or .h5 or .parquet"):
        feature_file.check_path(path)


def test_without_pyarrow_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'soundnet-tf\[parquet\]'"):
        feature_file.check_path("x.parquet")
    feature_file.check_path("x.npz")


def test_npz_of_any_shapes(tmp_path):
    path = str(tmp_path / "x.npz")
    arrays = {
        "scalar": np.array("ä"),
        "nothing": np.zeros((0, 4), np.float32),
        "ints": np.arange(6, dtype=np.int64).reshape(3, 2),
    }
    npz.write(path, [npz.Member(n, a.dtype, a.shape, [a]) for n, a in arrays.items()])
    with np.load(path, allow_pickle=False) as loaded:
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)
            assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
