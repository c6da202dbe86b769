"""What is done with files gives the same locally and remotely (a bucket in memory).

Expected values stand in the tests; local ones are checked against Python's own functions too.
"""

import os
import secrets
import subprocess
import sys

import numpy as np
import pytest
import synthetic_media

from soundnet_tf.files import storage

UNUSUAL = "ä\r\nb\rc\n日本\n"  # a text whose line ends are all to stay


@pytest.fixture(params=["local", "memory", "s3", "gs"])
def folder(request, tmp_path):
    if request.param == "local":
        return str(tmp_path)
    if request.param == "memory":
        return f"memory://storage-{secrets.token_hex(4)}"
    return f"{request.param}://{request.getfixturevalue('bucket')}/folder"


@pytest.fixture
def tree(folder):
    """a.txt, .hidden.txt, b/c.txt, b/d/e.txt, b/d/f.dat of 0 to 4 bytes."""
    storage.make_folder(f"{folder}/b/d")
    for i, name in enumerate(("a.txt", ".hidden.txt", "b/c.txt", "b/d/e.txt", "b/d/f.dat")):
        write(f"{folder}/{name}", b"x" * i)
    return folder


def write(path, content):
    with storage.open_file(path, "wb") as file:
        file.write(content)


def read(path):
    with storage.open_file(path, "rb") as file:
        return file.read()


def test_bytes_come_back(folder):
    content = np.random.default_rng(0).bytes(3_000_001)
    write(f"{folder}/x", content)
    assert read(f"{folder}/x") == content
    with storage.open_file(f"{folder}/x", "rb") as file:
        assert file.seek(-5, os.SEEK_END) == 2_999_996
        assert file.read() == content[-5:]
        assert file.seek(1_000_000) == file.tell() == 1_000_000
        assert file.read(7) == content[1_000_000:1_000_007]
        assert file.seek(10, os.SEEK_END) == file.tell() == 3_000_011
        assert file.read() == b""
        assert file.seek(-3_000_011, os.SEEK_CUR) == 0
        assert file.read(2) == content[:2]


def test_text_is_utf_8_with_its_line_ends_as_they_are(folder):
    with storage.open_file(f"{folder}/x", "w") as file:
        file.write(UNUSUAL)
    assert read(f"{folder}/x") == UNUSUAL.encode()
    with storage.open_file(f"{folder}/x") as file:
        assert file.read() == UNUSUAL
    with storage.open_file(f"{folder}/x") as file:
        assert "".join(file) == UNUSUAL
    write(f"{folder}/x", b"\xff")
    with pytest.raises(UnicodeDecodeError), storage.open_file(f"{folder}/x") as file:
        file.read()


def test_an_empty_file_is_a_file(folder):
    write(f"{folder}/x", b"")
    assert storage.exists(f"{folder}/x") and storage.size(f"{folder}/x") == 0
    assert read(f"{folder}/x") == b""


def test_unknown_modes_are_refused(folder):
    for mode in ("a", "r+", "x", "br"):
        with pytest.raises(ValueError, match=r"mode .* choose one of"):
            storage.open_file(f"{folder}/x", mode)


def test_what_there_is(tree):
    assert storage.list_folder(tree) == [".hidden.txt", "a.txt", "b"]
    assert storage.list_folder(f"{tree}/b") == ["c.txt", "d"]
    names = ("a.txt", ".hidden.txt", "b/c.txt", "b/d/e.txt", "b/d/f.dat")
    assert sorted(storage.files_below(tree)) == sorted(f"{tree}/{name}" for name in names)
    assert [storage.size(f"{tree}/{name}") for name in names] == [0, 1, 2, 3, 4]
    assert storage.is_folder(f"{tree}/b") and not storage.is_folder(f"{tree}/a.txt")
    assert storage.exists(f"{tree}/b") and storage.exists(f"{tree}/a.txt")
    assert not storage.exists(f"{tree}/z") and not storage.is_folder(f"{tree}/z")
    assert storage.size(f"{tree}/z") is None and storage.modified_ns(f"{tree}/z") is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", [".hidden.txt", "a.txt"]),
        ("*", [".hidden.txt", "a.txt", "b"]),
        ("?/[ce].txt", ["b/c.txt"]),
        ("b/*/*.[td]*", ["b/d/e.txt", "b/d/f.dat"]),
        ("[^.a]*", ["b"]),
        ("**/[^ac].txt", ["b/d/e.txt"]),
        ("**/*.txt", [".hidden.txt", "a.txt", "b/c.txt", "b/d/e.txt"]),
        ("b/**", ["b/c.txt", "b/d/e.txt", "b/d/f.dat"]),
        ("b/**/d/*.dat", ["b/d/f.dat"]),
        ("b/d/e.txt", ["b/d/e.txt"]),
        ("z/*", []),
        ("z/**/*.txt", []),
        ("*.mp3", []),
    ],
)
def test_patterns(tree, pattern, expected):
    """`*` stays within one level: "*.txt" does not give b/c.txt; `**` spans none, one or two."""
    assert storage.glob(f"{tree}/{pattern}") == [f"{tree}/{name}" for name in expected]


def test_local_patterns_may_be_relative(tmp_path, monkeypatch):
    write(f"{tmp_path}/a.txt", b"")
    monkeypatch.chdir(tmp_path)
    assert storage.glob("*.txt") == ["a.txt"]
    assert storage.glob("**/a.txt") == ["./a.txt"]


def _skip_where_the_server_cannot_copy(folder):
    if folder.startswith("gs://"):
        pytest.skip("the S3 server does not know how Google's store is asked for a copy")


def test_names_change_and_go(tree):
    _skip_where_the_server_cannot_copy(tree)
    storage.rename(f"{tree}/b/c.txt", f"{tree}/c.txt")
    assert read(f"{tree}/c.txt") == b"xx" and not storage.exists(f"{tree}/b/c.txt")
    with pytest.raises(FileExistsError):
        storage.rename(f"{tree}/c.txt", f"{tree}/a.txt")
    assert read(f"{tree}/c.txt") == b"xx" and read(f"{tree}/a.txt") == b""
    storage.rename(f"{tree}/c.txt", f"{tree}/a.txt", overwrite=True)
    assert read(f"{tree}/a.txt") == b"xx" and not storage.exists(f"{tree}/c.txt")
    for _ in range(2):  # the second time there is nothing
        storage.remove(f"{tree}/a.txt")
        storage.remove_folder(f"{tree}/b")
        assert storage.list_folder(tree) == [".hidden.txt"]


def test_folders_get_other_names(tree):
    _skip_where_the_server_cannot_copy(tree)
    storage.rename(f"{tree}/b", f"{tree}/g")
    assert storage.glob(f"{tree}/g/**") == [
        f"{tree}/g/{n}" for n in ("c.txt", "d/e.txt", "d/f.dat")
    ]
    assert not storage.exists(f"{tree}/b")


@pytest.mark.parametrize(
    "action",
    [
        lambda path: storage.open_file(path),
        lambda path: storage.open_file(path, "rb"),
        lambda path: storage.list_folder(path),
        lambda path: list(storage.files_below(path)),
        lambda path: storage.rename(path, f"{path}2"),
    ],
    ids=["text", "bytes", "list", "walk", "rename"],
)
def test_what_is_missing_is_pythons_error_and_named(folder, action, request):
    if "rename" in request.node.name:
        _skip_where_the_server_cannot_copy(folder)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        action(f"{folder}/nowhere")


def test_a_folder_where_a_file_is_is_refused(tmp_path):
    """In a bucket both may be: a folder is but the beginning of names."""
    tree = str(tmp_path)
    write(f"{tree}/a.txt", b"")
    storage.make_folder(f"{tree}/b")
    with pytest.raises(FileExistsError, match=r"a\.txt: cannot be made a folder \(.*\); choose"):
        storage.make_folder(f"{tree}/a.txt")
    storage.make_folder(f"{tree}/b")  # that one is there


@pytest.mark.parametrize(
    "path", ["https://example.org/a.wav", "HTTPS://a/b", "ftp://a/b", "hdfs://a/b", "nosuch://x/y"]
)
def test_other_places_are_not_read(path):
    with pytest.raises(OSError, match=r"(?i)[a-z]+:// is not read; download it first.*/"):
        storage.open_file(path, "rb")
    with pytest.raises(OSError, match="download it first"):
        storage.exists(path)


def test_local_facts_are_the_systems(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"123")
    os.utime(path, ns=(5, 1_234_567_890_123_456_789))
    assert storage.modified_ns(str(path)) == 1_234_567_890_123_456_789
    assert storage.size(path) == 3  # a pathlib.Path serves too
    assert storage.size(str(path / "below a file")) is None
    (tmp_path / "link").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y").touch()
    found = sorted(storage.files_below(str(tmp_path)))
    assert found == [str(tmp_path / name) for name in ("b/y", "x")]  # the link is a second name
    storage.remove_folder(str(tmp_path / "link"))
    assert storage.list_folder(str(tmp_path)) == ["b", "x"]
    assert storage.list_folder(str(tmp_path / "b")) == ["y"]


def test_what_folders_hold_is_given_once_and_loops_end(tmp_path):
    """`a` leads out, `m/up` back to where the walk began, `z` to `n`, `m/q` and `a` to one folder:
    plain names come first, then links, each folder's under the first that leads to it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "m", root / "n", outside / "deep"):
        folder.mkdir(parents=True)
        (folder / f"{folder.name}.txt").touch()
    for link, target in (("a", outside), ("m/q", outside), ("m/up", root), ("z", root / "n")):
        (root / link).symlink_to(target, target_is_directory=True)
    (outside / "back").symlink_to(root / "m", target_is_directory=True)
    again = []
    found = list(storage.files_below(str(root), again))
    assert found == [str(root / n) for n in ("m/m.txt", "n/n.txt", "a/deep/deep.txt")]
    assert sorted(again) == [str(root / name) for name in ("a/back", "m/q", "m/up", "z")]
    assert storage.glob(f"{root}/**/*.txt") == sorted(found)


def test_what_a_file_is_under_all_its_names(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "x")
    (tmp_path / "soft").symlink_to("x")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    names = ("x", "hard", "soft", "y", "nowhere", "gone", "loop")
    x, hard, soft, y, nowhere, gone, loop = (storage.real(str(tmp_path / n)) for n in names)
    assert x == hard == soft
    assert nowhere == gone
    assert len({x, y, gone, loop}) == 4
    assert storage.size(str(tmp_path / "loop")) is None
    assert storage.real("memory://x/y") == "memory://x/y"


def test_nothing_local_imports_tensorflow(tmp_path):
    """Neither this room nor what reads media and labelled sets."""
    synthetic_media.write_clock_video(tmp_path / "a.mp4", 1)
    (tmp_path / "set.csv").write_text(
        "path,label,fold\na.mp4,x,1\nb.mp4,x,2\nc.mp4,y,1\nd.mp4,y,2\n"
    )
    for name in "bcd":
        (tmp_path / f"{name}.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    code = """
import sys
from soundnet_tf.files import atomic, claim, find, lock, progress, storage
from soundnet_tf.media import read_audio
from soundnet_tf.sounds import esc_dcase
folder = sys.argv[1]
found = find.find_media(folder)
assert len(found) == len(find.find_media(folder + "/**/*.mp4")) == 4
assert len(read_audio(found["a.mp4"])) > 20_000
assert len(esc_dcase.load("csv", folder + "/set.csv").clips) == 4
with atomic.new_folder(folder + "/new", "x.json") as new:
    atomic.write_json(new + "/x.json", 1)
assert atomic.read_json(folder + "/new/x.json") == 1
claim.refuse_other(folder, {}, {})
with lock.hold_folder(folder, "test"):
    pass
progress.progress_bar(3, "t", "u").close()
print([name for name in ("tensorflow", "keras") if name in sys.modules])
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
