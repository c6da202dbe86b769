"""Finding videos: folders, patterns, lists, remote ones; names that do not depend on the place."""

import hashlib

import pytest

from soundnet_tf.data.videos import find_videos, split_and_shard
from soundnet_tf.files import remote


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "films"
    for name in ("b.mp4", "a/x.MKV", "a/deep/y.webm", "a/notes.txt", "clips.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"." * len(name))
    return root


def ids(source) -> list[str]:
    return [video.id for video in find_videos(str(source))]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_is_searched_to_the_bottom(folder, slash):
    found = find_videos(f"{folder}{slash}")
    assert [video.id for video in found] == ["a/deep/y.webm", "a/x.MKV", "b.mp4"]
    assert [video.identity.bytes for video in found] == [13, 7, 5]
    assert found[1].path == str(folder / "a/x.MKV")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["b.mp4"]),
        ("*.mp4", ["b.mp4"]),
        ("*/*", ["a/x.MKV"]),
        ("**", ["a/deep/y.webm", "a/x.MKV", "b.mp4"]),
        ("**/*.mp4", ["b.mp4"]),
        ("**/deep/*", ["a/deep/y.webm"]),
        ("a/**/?.webm", ["deep/y.webm"]),
        ("a/[wxyz].MKV", ["x.MKV"]),
    ],
)
def test_patterns_name_videos_below_their_fixed_beginning(folder, pattern, expected):
    assert ids(folder / pattern) == expected


def test_a_list_names_videos_below_their_common_parent(folder):
    """Relative entries are below the list's folder, wherever one is."""
    (folder / "lists").mkdir()
    listed = folder / "lists" / "list.txt"
    listed.write_text(f"{folder}/a/x.MKV\n\n../a/deep/y.webm\n../a/x.MKV\n")
    assert ids(listed) == ["deep/y.webm", "x.MKV"]


def test_a_listed_video_that_is_gone_has_no_bytes(folder):
    (folder / "list.txt").write_text("a/gone.mp4\na/x.MKV\n")
    found = find_videos(str(folder / "list.txt"))
    assert [(video.id, video.identity.bytes) for video in found] == [("gone.mp4", 0), ("x.MKV", 7)]


def test_one_video_is_a_source_too(folder):
    assert ids(folder / "a/x.MKV") == ["x.MKV"]


def test_remote_videos_are_found_and_named_alike(folder):
    for name in ("b.mp4", "a/x.MKV", "a/notes.txt"):
        remote.upload(str(folder / name), f"memory://bucket/films/{name}")
    found = find_videos("memory://bucket/films/")
    assert [(v.id, v.path, v.identity.bytes) for v in found] == [
        ("a/x.MKV", "memory://bucket/films/a/x.MKV", 7),
        ("b.mp4", "memory://bucket/films/b.mp4", 5),
    ]
    assert ids("memory://bucket/**/*.mp4") == ["films/b.mp4"]
    assert ids("memory://bucket/films/*/*") == ["a/x.MKV"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "nowhere: no such folder, pattern, video or list"),
        ("films/*.mkv", r"\*\.mkv: no videos found, looked for \.3gp .* \.mp4 .* \.wmv"),
        ("films/a/notes.txt", "a/notes.txt: no videos found"),
    ],
)
def test_finding_nothing_names_what_was_looked_for(folder, source, message):
    (folder / "a/notes.txt").write_text("\n\n")
    with pytest.raises(FileNotFoundError, match=message):
        find_videos(str(folder.parent / source))


def test_a_list_that_is_no_text_is_refused(folder):
    (folder / "film.dat").write_bytes(b"\x00\xff\xfe\x80")
    with pytest.raises(ValueError, match="film.dat is neither a list of videos in UTF-8 nor a vid"):
        find_videos(str(folder / "film.dat"))


def test_split_and_shard_come_from_sha256_of_the_id():
    """The digest's first 8 bytes over 2**64 are below the fraction for "val"; the next 8 modulo
    the number of shards are the shard. By another way here: hexadecimal digits."""
    counts = {"train": 7, "val": 3}
    seen = set()
    for number in range(200):
        name = f"film {number}.mp4"
        digits = hashlib.sha256(name.encode()).hexdigest()
        expected_split = "val" if int(digits[:16], 16) < 0.25 * 2**64 else "train"
        expected = (expected_split, int(digits[16:32], 16) % counts[expected_split])
        assert split_and_shard(name, 0.25, counts) == expected
        seen.add(expected)
    assert len(seen) == 10  # every shard of both splits gets some


def test_split_and_shard_of_a_known_name():
    """Pinned, so that no later version moves videos of a prepared folder. `sha256sum` says
    ad78e07c14bcfaa4 6f65678c9d6eab3f ...: 0xad78... / 2**64 is 0.678, and 0x...3f % 16 is 15."""
    assert split_and_shard("walks/park.mp4", 0.67, {"train": 16, "val": 1}) == ("train", 15)
    assert split_and_shard("walks/park.mp4", 0.68, {"train": 1, "val": 16}) == ("val", 15)


def test_a_table_gives_what_it_keeps(folder, tmp_path):
    """Relative paths are below its folder, and what is not kept still tells what all have in
    common: the id of a video, and so its split, does not change with what else is kept."""
    table = tmp_path / "keep.csv"
    rows = "path,keep,reason\nfilms/b.mp4,{},copy\nfilms/a/x.MKV,yes,\nfilms/a/deep/y.webm,yes,\n"
    table.write_text(rows.format("yes"))
    assert ids(table) == ["a/deep/y.webm", "a/x.MKV", "b.mp4"]
    table.write_text(rows.format("no"))
    assert ids(table) == ["a/deep/y.webm", "a/x.MKV"]
    assert find_videos(str(table))[1].path == str(folder / "a/x.MKV")


def test_a_table_that_keeps_nothing_is_refused(folder, tmp_path):
    (tmp_path / "keep.csv").write_text("path,keep\nfilms/b.mp4,no\n")
    with pytest.raises(FileNotFoundError, match=r"keep\.csv: keep is no in all of its 1 rows"):
        find_videos(str(tmp_path / "keep.csv"))


def test_an_entry_of_a_table_that_is_not_there_is_named_with_its_line(folder, tmp_path):
    (tmp_path / "keep.csv").write_text("path,keep\nfilms/b.mp4,no\nfilms/c.mp4,yes\n")
    with pytest.raises(FileNotFoundError, match="none of its 1 entries is there; line 3: no such"):
        find_videos(str(tmp_path / "keep.csv"))
