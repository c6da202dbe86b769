"""Which bytes of an object are fetched, and what becomes of an object that is written."""

import gc

import pytest

from soundnet_tf.files import ranges, remote, scratch, storage
from soundnet_tf.files.mirror import Mirror


@pytest.fixture
def fetched(monkeypatch):
    """First and last byte of each request, in blocks."""
    found, read_range = [], remote.read_range

    def noted(path, start, stop, tag):
        found.append((start / ranges.BLOCK_BYTES, stop / ranges.BLOCK_BYTES))
        return read_range(path, start, stop, tag)

    monkeypatch.setattr(remote, "read_range", noted)
    monkeypatch.setattr(ranges, "_kept", type(ranges._kept)())
    return found


def test_reading_on_doubles_what_comes_and_a_jump_begins_anew(fetched, bucket):
    """Blocks 0, then 1 to 2, 3 to 6, 7 to 9 (the end); back at 2 nothing comes; a second opening
    of the same content neither."""
    path, content = f"s3://{bucket}/x", bytes(range(256)) * 1024 * 10  # 10 blocks
    remote.write_bytes(path, content)
    with storage.open_file(path, "rb") as file:
        assert file.read() == content
        assert fetched == [(0, 1), (1, 3), (3, 7), (7, 10)]
        file.seek(2 * ranges.BLOCK_BYTES + 5)
        assert file.read(3) == b"\5\6\7"
    with storage.open_file(path, "rb") as file:
        file.seek(9 * ranges.BLOCK_BYTES)
        assert file.read(1) == b"\0"
    assert len(fetched) == 4
    ranges._kept.clear()
    with storage.open_file(path, "rb") as file:
        file.seek(8 * ranges.BLOCK_BYTES)
        file.read(1)
    assert fetched[4:] == [(8, 9)]


def test_the_oldest_blocks_go(fetched, monkeypatch, bucket):
    monkeypatch.setattr(ranges, "KEPT_BLOCKS", 2)
    path = f"s3://{bucket}/x"
    remote.write_bytes(path, bytes(3 * ranges.BLOCK_BYTES))
    with storage.open_file(path, "rb") as file:
        for block in (0, 2, 0, 1, 0, 2):  # of the last two, 0 was used later than 1
            file.seek(block * ranges.BLOCK_BYTES)
            file.read(1)
    assert [begin for begin, _ in fetched] == [0, 2, 1, 2]


def test_an_object_that_is_replaced_meanwhile_is_not_mixed(bucket):
    path = f"s3://{bucket}/x"
    remote.write_bytes(path, bytes(3 * ranges.BLOCK_BYTES))
    with storage.open_file(path, "rb") as file:
        file.read(1)
        remote.write_bytes(path, b"1" * 3 * ranges.BLOCK_BYTES)
        file.seek(2 * ranges.BLOCK_BYTES)
        with pytest.raises(OSError, match="it was replaced while it was read; try again"):
            file.read(1)
    with storage.open_file(path, "rb") as file:
        assert file.read(1) == b"1"


def test_what_fails_or_is_dropped_while_it_is_written_is_no_object(bucket):
    path = f"s3://{bucket}/x"
    with pytest.raises(KeyError), storage.open_file(path, "wb") as file:
        file.write(b"half")
        raise KeyError
    storage.open_file(path, "wb").write(b"half")
    gc.collect()
    assert not storage.exists(path)
    file = storage.open_file(path, "wb")
    file.write(b"whole")
    file.close()
    assert storage.read_bytes(path) == b"whole"


def test_a_large_object_goes_up_and_comes_down_in_pieces(bucket, tmp_path):
    content = bytes(range(251)) * 100_000  # 25 MB: four parts
    (tmp_path / "x").write_bytes(content)
    remote.upload(str(tmp_path / "x"), f"s3://{bucket}/folder/x")
    with storage.local(f"s3://{bucket}/folder/x") as copy:
        assert storage.read_bytes(copy) == content
    with storage.local(f"s3://{bucket}/folder/") as copy:
        assert storage.list_folder(copy) == ["x"]
        assert storage.size(f"{copy}/x") == len(content)
    assert not storage.exists(copy)
    with pytest.raises(FileNotFoundError), storage.local(f"s3://{bucket}/nothing"):
        raise AssertionError("it should not come to this")


def test_empty_objects_that_stand_for_folders_are_no_files(s3_address, bucket):
    """Amazon's console makes them."""
    import s3_server

    for key in ("a/", "a/b/", "a/b/x"):
        s3_server.put(s3_address, bucket, key, b"x" if key.endswith("x") else b"")
    path = f"s3://{bucket}/a"
    assert list(storage.files_below(path)) == [f"{path}/b/x"]
    assert storage.list_folder(path) == ["b"] and storage.list_folder(f"{path}/b") == ["x"]
    assert storage.is_folder(path) and storage.is_folder(f"{path}/b")


def test_sizes_of_many_take_one_request_a_folder(bucket, monkeypatch):
    for name in ("a/x", "a/y", "b/z"):
        remote.write_bytes(f"s3://{bucket}/{name}", name.encode())
    paths = [f"s3://{bucket}/{name}" for name in ("a/x", "a/y", "a/none", "b/z", "c/none")]
    expected = {path: storage.size_and_time(path) for path in paths}
    asked, head = [], remote.head
    monkeypatch.setattr(remote, "head", lambda path: asked.append(path) or head(path))
    assert storage.sizes_and_times(paths) == expected
    assert [found and found[0] for found in expected.values()] == [3, 3, None, 3, None]
    assert sorted(asked) == paths[3:]  # alone in their folders


def test_a_mirror_sends_what_has_changed(bucket, tmp_path):
    mirror, local = Mirror(f"s3://{bucket}/logs"), Mirror(str(tmp_path / "logs"))
    for one in (mirror, local):
        with open(f"{one.local}/x", "w") as file:
            file.write("1")
            file.flush()
            one.send()
            file.write("2")
            file.flush()
            one.send()
    assert storage.read_bytes(f"s3://{bucket}/logs/x") == b"12"
    assert local.local == str(tmp_path / "logs")


def test_what_killed_processes_left_of_copies_goes(tmp_path, monkeypatch):
    """No process has so high a number."""
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"soundnet_tf-{scratch.HOST}-99999999-x"
    (left / "y").mkdir(parents=True)
    others = tmp_path / f"soundnet_tf-00000000-99999999-{scratch.HOST}"
    others.mkdir()
    scratch._folder_of.cache_clear()
    with scratch.folder() as folder:
        assert storage.exists(folder) and not left.exists() and others.exists()
    assert not storage.exists(folder)
    scratch._folder_of.cache_clear()
