"""The same clips, byte for byte, from a folder, tables with spans, and tars, local and remote."""

from dataclasses import replace

import prepare_material
import pyarrow
import pytest
import synthetic_media
from prepare_material import run
from pyarrow import parquet
from tar_material import write_tar

from soundnet_tf.data import records, shard_reader
from soundnet_tf.data.settings import PrepareConfig
from soundnet_tf.files import remote

NAMES = ("a.mp4", "b.mkv", "c.webm", "d.ts", "e.avi")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    for name in NAMES:
        synthetic_media.write_clock_video(folder / name, 6, **prepare_material.SMALL)
    return folder


@pytest.fixture(scope="module")
def from_folder(films, tmp_path_factory):
    return clips(prepare_material.config(films, tmp_path_factory.mktemp("folder") / "out"))


def clips(config: PrepareConfig) -> dict:
    """Clips by film and start, without their ids."""
    manifest = run(config)
    paths = [path for split in manifest.splits for path in manifest.shard_paths(split)]
    found = {}
    for clip in map(records.decode, shard_reader.read(paths).as_numpy_iterator()):
        name = clip.video_id.rpartition("/")[2]
        assert clip.id == f"{clip.video_id}@{clip.start_secs:.3f}"
        found[name, clip.start_secs] = replace(clip, id="", video_id="")
    return found


def test_the_folder_gives_three_clips_a_film(from_folder):
    assert sorted(from_folder) == [(name, secs) for name in NAMES for secs in (0.0, 2.0, 4.0)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_of_spans_give_the_same_clips(films, from_folder, tmp_path, kind):
    """Spans that cover all, and a table that has only a part of them."""
    rows = [(str(films / name), start, end) for name in NAMES for start, end in ((0, 2), (2, 6))]
    table = tmp_path / f"spans.{kind}"
    if kind == "csv":
        lines = ["path,start,end", *(f"{path},{start},{end}" for path, start, end in rows)]
        table.write_text("\n".join(lines))
    else:
        columns = dict(zip(("path", "start", "end"), zip(*rows, strict=True), strict=True))
        parquet.write_table(pyarrow.table(columns), table)
    assert clips(prepare_material.config(table, tmp_path / "out")) == from_folder


def tar_of(films, path):
    members = {f"{name}": (films / name).read_bytes() for name in NAMES}
    return write_tar(path, {**members, "a.json": b'{"caption": "a film"}'})


def test_a_tar_gives_the_same_clips(films, from_folder, tmp_path):
    tar = tar_of(films, tmp_path / "part-0000.tar")
    config = prepare_material.config(tmp_path / "part-{0000..0000}.tar", tmp_path / "out")
    assert clips(config) == from_folder
    before = prepare_material.mtimes(tmp_path / "out")
    run(config)
    assert prepare_material.mtimes(tmp_path / "out") == before  # nothing was to do
    assert tar.exists()


def test_a_tar_in_a_bucket_gives_the_same_clips(films, from_folder, tmp_path, monkeypatch):
    """In this process, since the store of memory:// is its own."""
    remote.upload(str(tar_of(films, tmp_path / "p.tar")), "memory://webdataset/p.tar")
    monkeypatch.setattr("soundnet_tf.data.cut_shards.Workers", InThisProcess)
    assert clips(prepare_material.config("memory://webdataset", tmp_path / "out")) == from_folder


class InThisProcess:
    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, work, items, _):
        return ((item, work(item)) for item in items)


def test_a_broken_tar_is_skipped_with_its_name_and_the_reason(films, tmp_path):
    tar_of(films, tmp_path / "part-0.tar")
    cut = (tmp_path / "part-0.tar").read_bytes()[:-20000]
    (tmp_path / "part-1.tar").write_bytes(cut)
    config = prepare_material.config(tmp_path / "part-{0..2}.tar", tmp_path / "out")
    skipped = {skip.video_id: skip.reason for skip in run(config).skipped}
    assert sorted(skipped) == ["part-1.tar", "part-2.tar"]
    assert "is a broken tar (it is cut off in" in skipped["part-1.tar"]
    assert skipped["part-2.tar"] == "is not there; fetch it or leave it out"
    with pytest.raises(ValueError, match=r"part-[12]\.tar: is (a broken tar|not there)"):
        run(replace(config, strict=True))
