"""Files of features: .npz and .h5, which `load_features` reads, and .parquet for tables.

    names [files]             ids of the files, in order
    offsets [files + 1]       file i has the rows offsets[i] to offsets[i + 1]; pooled, one row
    durations [files]         seconds of sound in each
    embeddings [rows, channels], timestamps [rows]
    skipped_names [skipped], skipped_reasons [skipped]
    inputs [files], skipped_inputs [skipped]   size, time of change and checksum of each file
    settings                  JSON: how the embeddings were made

An .npz has these as arrays, settings as a string; an .h5 as datasets, settings as an attribute.
A .parquet has a line a row: file, secs, embedding; settings, skipped (id to reason) and index
(durations and inputs) are JSON in the metadata of its schema. Nothing is pickled; .npz and .h5 are
not compressed, so that embeddings can be used where they lie.
"""

import contextlib
import functools
import json
import os
import zipfile
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from soundnet_tf.files import atomic, storage
from soundnet_tf.serving.extraction import npz
from soundnet_tf.serving.extraction.index import Blocks, Features, Index, gathered
from soundnet_tf.serving.extraction.settings import check_path


def write(path: str, index: Index, blocks: Blocks) -> None:
    """Writes a file of features in the form of its suffix, a few rows at a time.

    Args:
        path: whole or not there: it is written under a temporary name and renamed.
        index: what is said of the rows.
        blocks: gives all rows in order, each time it is called: float32 [some, channels] and
            float64 [some].

    Raises:
        ValueError, ImportError: as `check_path`.
    """
    check_path(path)
    write_rows = {".npz": _write_npz, ".h5": _write_hdf5, ".parquet": _write_parquet}
    channels = next((embeddings.shape[1] for embeddings, _ in blocks()), 0)
    with atomic.new_file(path) as temporary:
        write_rows[_suffix(path)](temporary, index, channels, lambda: gathered(blocks()))


def load_features(path: str, memory_map: bool = False) -> Features:
    """Reads an .npz or .h5 that `write` wrote; nothing in it is unpickled.

    Args:
        path: the file.
        memory_map: whether embeddings stay in the file, which may then be larger than memory.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: something else, a damaged file, or a .parquet.
    """
    if _suffix(path) == ".parquet":
        raise ValueError(f"{path}: read a table by pandas.read_parquet or pyarrow, not by this")
    return read_features(path, memory_map)


def read_features(path: str, memory_map: bool = False) -> Features:
    """As `load_features`, of a .parquet too, all of which then is in memory."""
    if _suffix(path) == ".parquet":
        return _read_parquet(path)
    with _reader(path) as read:
        features = Features(
            names=read("names").tolist(),
            offsets=read("offsets"),
            durations=read("durations"),
            skipped=_skipped(read),
            settings=json.loads(read("settings").item()),
            embeddings=read("embeddings", memory_map),
            timestamps=read("timestamps"),
            inputs=_inputs(read),
        )
    files, rows = len(features.names), len(features.embeddings)
    if (len(features.offsets), features.offsets[-1]) != (files + 1, rows):
        raise ValueError(f"{path} is damaged: its offsets do not fit {files} files, {rows} rows")
    return features


def read_about(path: str) -> tuple[dict, dict[str, str]]:
    """Settings, and id to reason of what was skipped, of a file in any of the three forms.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is something else.
    """
    if _suffix(path) == ".parquet":
        metadata = _metadata(path)
        return metadata["settings"], metadata["skipped"]
    with _reader(path) as read:
        return json.loads(read("settings").item()), _skipped(read)


@contextlib.contextmanager
def _reader(path: str) -> Iterator[Callable[..., np.ndarray]]:
    """Gives arrays by name, by request mapped; whatever is wrong becomes a ValueError."""
    with storage.local(path) as local, _refusing(path):
        if _suffix(path) == ".h5":
            with h5py.File(local) as file:
                yield functools.partial(_read_hdf5, file, local)
        else:
            with zipfile.ZipFile(local) as archive:
                yield (
                    lambda name, is_mapped=False: (
                        npz.mapped(archive, local, name) if is_mapped else npz.read(archive, name)
                    )
                )


@contextlib.contextmanager
def _refusing(path: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _not_ours(path) from error


def _read_hdf5(file: h5py.File, path: str, name: str, is_mapped: bool = False) -> np.ndarray:
    if name == "settings":
        return np.array(file.attrs[name])
    dataset = file[name]
    offset = dataset.id.get_offset() if is_mapped else None  # None also where it has chunks
    if offset is not None:
        return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
    return dataset.asstr()[:] if h5py.check_string_dtype(dataset.dtype) else dataset[:]


def _skipped(read: Callable[..., np.ndarray]) -> dict[str, str]:
    return dict(zip(read("skipped_names").tolist(), read("skipped_reasons").tolist(), strict=True))


def _inputs(read: Callable[..., np.ndarray]) -> dict[str, str]:
    names = read("names").tolist() + read("skipped_names").tolist()
    try:
        inputs = read("inputs").tolist() + read("skipped_inputs").tolist()
    except KeyError:  # a version wrote it that did not note them
        return {}
    return {name: text for name, text in zip(names, inputs, strict=True) if text}


def _metadata(path: str) -> dict:
    from pyarrow import parquet

    with storage.local(path) as local:
        metadata = parquet.read_schema(local).metadata or {}
    if b"settings" not in metadata:
        raise _not_ours(path)
    ours = ("settings", "skipped", "index")
    return {name: json.loads(metadata.get(name.encode(), b"{}")) for name in ours}


def _read_parquet(path: str) -> Features:
    from pyarrow import parquet

    with storage.local(path) as local:
        metadata, table = _metadata(local), parquet.read_table(local)
    files, index = table["file"].to_numpy(), metadata["index"]
    starts = np.flatnonzero(np.r_[True, files[1:] != files[:-1]]) if len(files) else []
    vectors = table["embedding"].combine_chunks()
    return Features(
        names=[files[start] for start in starts],
        offsets=np.array([*starts, len(files)], np.int64),
        durations=np.array(index.get("durations", [0.0] * len(starts))),
        skipped=metadata["skipped"],
        settings=metadata["settings"],
        embeddings=vectors.flatten().to_numpy().reshape(len(files), -1),
        timestamps=table["secs"].to_numpy(),
        inputs=index.get("inputs", {}),
    )


def _write_npz(path: str, index: Index, channels: int, blocks: Blocks) -> None:
    rows = int(index.offsets[-1])
    texts = {**_texts(index), "settings": json.dumps(index.settings)}
    members = [(name, np.array(text, np.str_)) for name, text in texts.items()]
    members += [("offsets", index.offsets), ("durations", index.durations)]
    embeddings = (values for values, _ in blocks())
    timestamps = (secs for _, secs in blocks())
    npz.write(
        path,
        [
            *(npz.Member(name, array.dtype, array.shape, [array]) for name, array in members),
            npz.Member("embeddings", np.float32, (rows, channels), embeddings),
            npz.Member("timestamps", np.float64, (rows,), timestamps),
        ],
    )


def _write_hdf5(path: str, index: Index, channels: int, blocks: Blocks) -> None:
    rows, row = int(index.offsets[-1]), 0
    with h5py.File(path, "w") as file:
        file.attrs["settings"] = json.dumps(index.settings)
        for name, texts in _texts(index).items():
            file.create_dataset(name, (len(texts),), h5py.string_dtype(), texts)
        file["offsets"], file["durations"] = index.offsets, index.durations
        embeddings = file.create_dataset("embeddings", (rows, channels), np.float32)
        timestamps = file.create_dataset("timestamps", (rows,), np.float64)
        for values, secs in blocks():
            embeddings[row : row + len(values)] = values
            timestamps[row : row + len(values)] = secs
            row += len(values)


def _write_parquet(path: str, index: Index, channels: int, blocks: Blocks) -> None:
    import pyarrow
    from pyarrow import parquet

    names, row = pyarrow.array(index.names, pyarrow.string()), 0
    embedding = pyarrow.list_(pyarrow.float32(), channels)
    fields = [("file", pyarrow.string()), ("secs", pyarrow.float64()), ("embedding", embedding)]
    more = {"durations": list(map(float, index.durations)), "inputs": index.inputs}
    about = {
        "settings": json.dumps(index.settings),
        "skipped": json.dumps(index.skipped),
        "index": json.dumps(more),
    }
    schema = pyarrow.schema(fields, metadata=about)
    with parquet.ParquetWriter(path, schema) as writer:
        for values, secs in blocks():
            rows = np.arange(row, row + len(values))
            files = np.searchsorted(index.offsets, rows, side="right") - 1
            vectors = pyarrow.FixedSizeListArray.from_arrays(values.ravel(), channels)
            columns = [names.take(pyarrow.array(files)), pyarrow.array(secs), vectors]
            writer.write_table(pyarrow.table(columns, schema=schema))
            row += len(values)


def _texts(index: Index) -> dict[str, list[str]]:
    skipped = list(index.skipped), list(index.skipped.values())
    return {
        "names": index.names,
        "skipped_names": skipped[0],
        "skipped_reasons": skipped[1],
        "inputs": [index.inputs.get(name, "") for name in index.names],
        "skipped_inputs": [index.inputs.get(name, "") for name in index.skipped],
    }


def _not_ours(path: str) -> ValueError:
    return ValueError(f"{path} is no whole file of features that bin/extract.py wrote")


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1]
