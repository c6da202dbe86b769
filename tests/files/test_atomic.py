"""Whole or not there: what stands at a path while it is written, afterwards, and after an error."""

import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from soundnet_tf.files import atomic, remote, storage

VALUE = {"b": [1, 2.5], "a": {"ä": None}}


@pytest.fixture(params=["local", "memory", "s3", "gs"])
def folder(request, tmp_path):
    if request.param == "local":
        return str(tmp_path)
    if request.param == "memory":
        return f"memory://atomic-{secrets.token_hex(4)}"
    return f"{request.param}://{request.getfixturevalue('bucket')}/folder"


def read(path):
    with storage.open_file(path, "rb") as file:
        return file.read()


def put(path, content):
    with storage.open_file(path, "wb") as file:
        file.write(content)


def test_bytes_are_exact(folder):
    """By hand, from the rules of JSON: sorted, two blanks a level, letters beyond ASCII escaped."""
    path = f"{folder}/x"
    atomic.write_json(path, VALUE)
    assert read(path) == (
        b'{\n  "a": {\n    "\\u00e4": null\n  },\n  "b": [\n    1,\n    2.5\n  ]\n}\n'
    )
    assert atomic.read_json(path) == VALUE
    atomic.write_json(path, VALUE, indent=1, sort_keys=False, ensure_ascii=False)
    text = '{\n "b": [\n  1,\n  2.5\n ],\n "a": {\n  "ä": null\n }\n}\n'
    assert read(path) == text.encode()
    assert atomic.read_json(path) == VALUE
    atomic.write_text(path, "ä\r\n")
    assert read(path) == b"\xc3\xa4\r\n"
    atomic.write_bytes(path, b"\xff\0")
    assert read(path) == b"\xff\0"
    atomic.write_text(path, "")
    assert read(path) == b""
    assert storage.list_folder(folder) == ["x"]


def test_no_file_is_no_json_and_another_text_is_named(folder):
    assert atomic.read_json(f"{folder}/x") is None
    for content in (b"", b"{", b"\xff"):
        put(f"{folder}/x", content)
        with pytest.raises(ValueError, match=r"/x is no JSON \(.*\); remove it, or write it again"):
            atomic.read_json(f"{folder}/x")


def test_the_old_file_stays_until_the_new_one_is_whole(folder):
    path = f"{folder}/x"
    put(path, b"old")
    with atomic.new_file(path) as temporary:
        put(temporary, b"new")
        assert read(path) == b"old"
    assert read(path) == b"new"
    assert storage.list_folder(folder) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("begun", [False, True])
def test_after_an_error_the_old_file_stands_alone(folder, error, begun):
    put(f"{folder}/x", b"old")
    with pytest.raises(error), atomic.new_file(f"{folder}/x") as temporary:
        if begun:
            put(temporary, b"half")
        raise error
    assert read(f"{folder}/x") == b"old"
    assert storage.list_folder(folder) == ["x"]


def test_what_is_no_json_leaves_the_old_file(folder):
    atomic.write_json(f"{folder}/x", 1)
    with pytest.raises(TypeError, match="not JSON serializable"):
        atomic.write_json(f"{folder}/x", {"a": 1, "b": object()})
    assert read(f"{folder}/x") == b"1\n"
    assert storage.list_folder(folder) == ["x"]


def test_two_writers_do_not_meet(folder):
    """Each has a file of its own; the one that ends last wins, also if the other one failed."""
    path = f"{folder}/x"
    with atomic.new_file(path) as one:
        put(one, b"one")
        with pytest.raises(ValueError), atomic.new_file(path) as failing:
            put(failing, b"half")
            raise ValueError
        with atomic.new_file(path) as two:
            put(two, b"two")
        assert read(path) == b"two"
    assert read(path) == b"one"
    assert storage.list_folder(folder) == ["x"]


@pytest.mark.parametrize(
    ("name", "suffix", "pattern"),
    [
        ("train-00000-of-00002.tfrecord", "", "train-*"),
        ("train-00000-of-00002.json", "", "*-of-*.json"),
        ("part-00000.npz", "", "part-*[0-9].npz"),
        ("student.keras", ".keras", "student*"),
        ("latest.weights.h5", ".weights.h5", "latest*"),
    ],
)
def test_temporary_names_are_hidden_and_taken_for_nothing_else(tmp_path, name, suffix, pattern):
    folder = str(tmp_path)
    with atomic.new_file(f"{folder}/{name}", suffix) as temporary:
        put(temporary, b"")
        (there,) = storage.list_folder(folder)
        expected = (
            rf"\.{re.escape(name)}\.[0-9a-f]{{8}}-\d+-[0-9a-f]{{4}}\.partial{re.escape(suffix)}"
        )
        assert re.fullmatch(expected, there)
        assert temporary == f"{folder}/{there}"
        assert storage.glob(f"{folder}/{pattern}") == []
    assert storage.glob(f"{folder}/{pattern}") == [f"{folder}/{name}"]


def test_a_new_folder_takes_the_place_of_the_old_one(folder):
    path = f"{folder}/x"
    for round, slash in enumerate(("", "", "/")):
        with atomic.new_folder(path + slash, "a") as new:
            assert storage.list_folder(new) == []
            put(f"{new}/{round}", b"")
            earlier = [f"{path}/{round - 1}"] if round else []
            assert storage.glob(f"{path}/**") == earlier
        assert storage.list_folder(path) == [str(round)]
        assert storage.list_folder(folder) == ["x"]


def test_after_an_error_the_old_folder_stands_alone(folder):
    storage.make_folder(f"{folder}/x/sub")
    put(f"{folder}/x/sub/old", b"old")
    with pytest.raises(KeyboardInterrupt), atomic.new_folder(f"{folder}/x", "a") as new:
        put(f"{new}/half", b"")
        raise KeyboardInterrupt
    assert storage.glob(f"{folder}/**") == [f"{folder}/x/sub/old"]
    assert storage.list_folder(folder) == ["x"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    folder = str(tmp_path)
    storage.make_folder(f"{folder}/x")
    put(f"{folder}/x/old", b"")
    rename = storage.rename

    def failing(source, target, **overwrite):
        if source.endswith(".partial"):
            raise PermissionError(source)
        rename(source, target, **overwrite)

    monkeypatch.setattr(storage, "rename", failing)
    with pytest.raises(PermissionError), atomic.new_folder(f"{folder}/x", "a") as new:
        put(f"{new}/new", b"")
    assert storage.glob(f"{folder}/**") == [f"{folder}/x/old"]
    assert storage.list_folder(folder) == ["x"]


def test_a_file_is_not_replaced_by_a_folder(folder):
    put(f"{folder}/x", b"old")
    refused = pytest.raises(
        FileExistsError, match=r"/x is a file, not a folder; choose another name"
    )
    with refused, atomic.new_folder(f"{folder}/x", "a"):
        raise AssertionError("it should not come to this")
    assert read(f"{folder}/x") == b"old"
    assert storage.list_folder(folder) == ["x"]


def test_a_move_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    path, rename = f"{tmp_path}/x", storage.rename
    with atomic.new_folder(path, "a") as new:
        put(f"{new}/a", b"old")

    def break_off(source, target, overwrite=False):
        if target == path and ".partial" in source:
            raise OSError("the disk is gone")
        rename(source, target, overwrite)

    monkeypatch.setattr(storage, "rename", break_off)
    with pytest.raises(OSError, match="the disk is gone"), atomic.new_folder(path, "a") as new:
        put(f"{new}/a", b"new")
    assert storage.list_folder(str(tmp_path)) == ["x"] and storage.list_folder(path) == ["a"]
    assert read(f"{path}/a") == b"old"


def test_of_two_new_folders_the_first_stays_and_nothing_is_left_over(tmp_path, monkeypatch):
    """The other process takes the place just when the old folder is out of the way."""
    path, rename = str(tmp_path / "x"), storage.rename
    with atomic.new_folder(path, "a") as new:
        put(f"{new}/a", b"old")

    def meanwhile(source, target, overwrite=False):
        rename(source, target, overwrite)
        if target.endswith(".replaced"):
            storage.make_folder(path)
            put(f"{path}/a", b"the other's")

    monkeypatch.setattr(storage, "rename", meanwhile)
    with pytest.raises(FileExistsError), atomic.new_folder(path, "a") as new:
        put(f"{new}/a", b"mine")
    assert storage.list_folder(str(tmp_path)) == ["x"] and read(f"{path}/a") == b"the other's"


WRITE_AND_WAIT = """
import sys
from soundnet_tf.files import atomic
write = atomic.new_folder if sys.argv[2] == "folder" else atomic.new_file
with write(sys.argv[1], *["a"][: sys.argv[2] == "folder"]) as temporary:
    if sys.argv[2] == "file":
        open(temporary, "w").close()
    print(temporary, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_goes_and_that_of_a_living_one_stays(tmp_path, kind):
    """Both write the same; a third one begins when one of them is gone."""
    path = str(tmp_path / "x")
    command = [sys.executable, "-c", WRITE_AND_WAIT, path, kind]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as killed, subprocess.Popen(command, **pipes) as alive:
        left, kept = (process.stdout.readline().strip() for process in (killed, alive))
        killed.kill()
        killed.wait()
        assert storage.exists(left) and storage.exists(kept)
        with atomic.new_folder(path, "a") if kind == "folder" else atomic.new_file(path) as own:
            if kind == "file":
                put(own, b"whole")
            assert not storage.exists(left) and storage.exists(kept)
        assert sorted(storage.list_folder(str(tmp_path))) == sorted([Path(kept).name, "x"])
        alive.communicate()
    assert storage.list_folder(str(tmp_path)) == ["x"]


def test_where_a_folder_should_be_stands_a_file(tmp_path):
    (tmp_path / "x").touch()
    assert atomic.read_json(str(tmp_path / "x" / "run.json")) is None


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_that_a_killed_process_had_moved_aside_is_put_back_or_goes(tmp_path, is_there):
    """Killed before the new one was in its place, or after; no process has so high a number."""
    aside = tmp_path / f".x.{atomic._HOST}-99999999-00ff.replaced"
    aside.mkdir()
    (aside / "a").write_text("old")
    if is_there:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "a").write_text("new")
    with pytest.raises(KeyError), atomic.new_folder(str(tmp_path / "x"), "a"):
        raise KeyError("in the middle")
    assert storage.list_folder(str(tmp_path)) == ["x"]
    assert (tmp_path / "x" / "a").read_text() == ("new" if is_there else "old")


def test_folders_above_a_new_one_are_made(folder):
    with atomic.new_folder(f"{folder}/a/b/x", "a") as temporary:
        put(f"{temporary}/y", b"whole")
    assert read(f"{folder}/a/b/x/y") == b"whole"
    assert storage.list_folder(f"{folder}/a/b") == ["x"]


def test_a_remote_folder_is_known_by_a_file_that_is_last(bucket, monkeypatch):
    """Broken off after each of the three uploads: never is `last` beside what is not all of one
    folder, and the next one writes it anew, without what only the old one had."""
    path, upload = f"s3://{bucket}/x", remote.upload

    def write(names, content):
        with atomic.new_folder(path, "last") as new:
            storage.make_folder(f"{new}/sub")
            for name in names:
                put(f"{new}/{name}", content)

    for after in range(3):
        write(("a", "last", "old"), b"old")
        done = []

        def break_off(local, far, done=done, after=after):
            if len(done) == after:
                raise OSError("the network is gone")
            done.append(far)
            upload(local, far)

        monkeypatch.setattr(remote, "upload", break_off)
        with pytest.raises(OSError, match="the network is gone"):
            write(("a", "last", "sub/b"), b"new")
        assert not storage.exists(f"{path}/last") and len(done) == after
        monkeypatch.setattr(remote, "upload", upload)
        write(("a", "last", "sub/b"), b"new")
        assert storage.list_folder(path) == ["a", "last", "sub"]
        assert all(read(f"{path}/{name}") == b"new" for name in ("a", "last", "sub/b"))
