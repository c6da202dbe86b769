"""Tars: what they hold, members read in place, and those that are broken or mean harm."""

import io
import os
import tarfile
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tar_material import odd_member, write_tar

from soundnet_tf import media
from soundnet_tf.files import find, patterns, remote, storage, tars, windows
from soundnet_tf.files.identity import identities_of

VIDEO = (".mp4",)


def names(path) -> list[str]:
    return sorted(tars.contents(str(path)).files)


def ids(source) -> list[str]:
    return list(find.find_files(str(source), VIDEO, "video"))


@pytest.fixture
def parts(tmp_path):
    """part-08 to part-10, each with a film, its JSON and a file of another kind."""
    for number in ("08", "09", "10"):
        members = {"a.mp4": b"film " + number.encode(), "a.json": b"{}", "deep/b.MP4": b"second"}
        write_tar(tmp_path / f"part-{number}.tar", members)
    return tmp_path


def test_members_are_read_in_place(parts):
    """Each window gives the member's bytes and no more, from any place in it."""
    path = tars.contents(str(parts / "part-09.tar")).files["a.mp4"]
    assert storage.read_bytes(path) == b"film 09"
    with storage.open_file(path, "rb") as file:
        assert file.seek(0, io.SEEK_END) == 7
        assert file.seek(-2, io.SEEK_CUR) == 5
        assert (file.read(), file.read()) == (b"09", b"")
    modified = os.stat(parts / "part-09.tar").st_mtime_ns
    assert storage.size_and_time(path) == (7, modified)
    assert identities_of({"x": path})["x"].bytes == 7
    with storage.local(path) as copy, open(copy, "rb") as file:
        assert (os.path.basename(copy), file.read()) == ("a.mp4", b"film 09")
    with pytest.raises(OSError, match="members of tars are only read"):
        storage.open_file(path, "wb")


def test_a_tar_in_capitals_is_one(tmp_path):
    """As old disks and Windows name it."""
    path = write_tar(tmp_path / "PART.TAR", {"a.mp4": b"film"})
    assert tars.is_tar(str(path)) and ids(path) == ["PART.TAR/a.mp4"]
    assert storage.read_bytes(tars.contents(str(path)).files["a.mp4"]) == b"film"


def test_members_of_remote_tars_are_read_in_place(parts):
    remote.upload(str(parts / "part-08.tar"), "memory://tars/part-08.tar")
    found = find.find_files("memory://tars/part-{08..08}.tar", VIDEO, "video")
    assert list(found) == ["part-08.tar/a.mp4", "part-08.tar/deep/b.MP4"]
    path = found["part-08.tar/a.mp4"]
    assert storage.is_remote(path) and storage.read_bytes(path) == b"film 08"
    assert storage.sizes_and_times([path])[path][0] == 7
    assert storage.exists(path) and not storage.exists(path.replace("part-08", "part-07"))


def test_tars_are_folders_of_their_names(parts, tmp_path):
    eight = ["part-08.tar/a.mp4", "part-08.tar/deep/b.MP4"]
    nine, ten = ([name.replace("08", number) for name in eight] for number in ("09", "10"))
    assert ids(parts) == ids(parts / "*.tar") == ids(parts / "part-{08..10}.tar")
    assert ids(parts) == [*eight, *nine, *ten]
    assert ids(parts / "part-{08..09}.tar") == [*eight, *nine]
    assert ids(parts / "part-0{8..9}.tar") == [*eight, *nine]
    assert ids(parts / "part-08.tar") == eight
    assert ids(parts / "part-08.tar/a.mp4") == eight[:1]
    (tmp_path / "list").write_text("part-08.tar\npart-10.tar/a.mp4\n")
    assert ids(tmp_path / "list") == [*eight, ten[0]]
    assert ids(f"{os.path.dirname(parts)}/{parts.name}/*.tar") == ids(parts)


def test_sound_in_a_tar_is_heard_as_it_is_beside_it(tmp_path):
    """Of 0.1 s of a WAV file at 22 050 Hz, which is not resampled: samples over 2^15."""
    samples = np.arange(-1000, 1205, dtype="<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    write_tar(tmp_path / "a.tar", {"deep/a.wav": (tmp_path / "a.wav").read_bytes()})
    found = find.find_media(str(tmp_path))
    assert list(found) == ["a.tar/deep/a.wav", "a.wav"]
    for path in found.values():
        np.testing.assert_array_equal(media.read_audio(path), samples / np.float32(2**15))


def test_a_table_of_members_may_have_spans(parts, tmp_path):
    table = tmp_path / "spans.csv"
    table.write_text("path,start,end\npart-08.tar/a.mp4,1,2\npart-08.tar/a.mp4,5,6\n")
    found = find.find_parts(str(table), VIDEO, "video")
    assert found.spans == {"part-08.tar/a.mp4": ((1, 2), (5, 6))}
    table.write_text("path,start,end\npart-08.tar,1,2\n")
    with pytest.raises(ValueError, match=r"line 2: part-08.tar is a tar, which has no start and e"):
        find.find_parts(str(table), VIDEO, "video")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("x{8..11}y", ["x8y", "x9y", "x10y", "x11y"]),
        ("x{08..11}y", ["x08y", "x09y", "x10y", "x11y"]),
        ("{0..1}/{1..2}", ["0/1", "0/2", "1/1", "1/2"]),
        ("a{b}", ["a{b}"]),
    ],
)
def test_ranges_stand_for_each_number(text, numbers):
    assert patterns.each_number(text) == numbers


def test_a_range_that_ends_before_it_begins_is_refused(parts):
    with pytest.raises(ValueError, match=r"\{10..08\} ends before it begins; write \{08..10\}"):
        ids(parts / "part-{10..08}.tar")


def test_what_a_range_names_and_is_not_there_is_left_to_its_reader(parts, caplog):
    found = find.find_files(str(parts / "part-{10..11}.tar"), VIDEO, "video")
    assert list(found) == ["part-10.tar/a.mp4", "part-10.tar/deep/b.MP4", "part-11.tar"]
    assert "there is no" in caplog.text and "part-11.tar" in caplog.text
    with pytest.raises(FileNotFoundError, match="none of its 2 files is there"):
        ids(parts / "part-{20..21}.tar")


def test_nothing_leads_out_of_a_tar(tmp_path, caplog):
    """Names with "..", absolute ones, links (to what is outside, or inside) and devices."""
    odd = (
        odd_member("link.mp4", tarfile.SYMTYPE, "/etc/passwd"),
        odd_member("hard.mp4", tarfile.LNKTYPE, "good.mp4"),
        odd_member("device.mp4", tarfile.CHRTYPE),
        odd_member("pipe.mp4", tarfile.FIFOTYPE),
        odd_member("folder", tarfile.DIRTYPE),
    )
    members = ("good.mp4", "../up.mp4", "a/../../up.mp4", "/etc/up.mp4", "a/../in.mp4", "./x.mp4")
    path = write_tar(
        tmp_path / "odd.tar",
        {**dict.fromkeys(members, b"."), "a.tar/b.mp4": b".", "B.TAR/c": b"."},
        odd,
    )
    assert names(path) == ["good.mp4", "in.mp4", "x.mp4"]
    assert tars.contents(str(path)).left_out == 9
    assert ids(path) == ["odd.tar/good.mp4", "odd.tar/in.mp4", "odd.tar/x.mp4"]
    assert "odd.tar: 9 members were left out" in caplog.text


def test_of_two_members_of_a_name_the_last_counts(tmp_path):
    with tarfile.open(tmp_path / "twice.tar", "w") as tar:
        for content in (b"first", b"second one"):
            info = tarfile.TarInfo("a.mp4")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (path,) = find.find_files(str(tmp_path / "twice.tar"), VIDEO, "video").values()
    assert storage.read_bytes(path) == b"second one"


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read_in_all_formats(tmp_path, format):
    long = "/".join(["folder"] * 30) + "/ä.mp4" if format != tarfile.USTAR_FORMAT else "f/ä.mp4"
    with tarfile.open(tmp_path / "long.tar", "w", format=format) as tar:
        info = tarfile.TarInfo(long)
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    (path,) = tars.contents(str(tmp_path / "long.tar")).files.values()
    assert names(tmp_path / "long.tar") == [long] and storage.read_bytes(path) == b"abc"


def broken(tmp_path, content: bytes) -> str | None:
    (tmp_path / "broken.tar").write_bytes(content)
    tars._contents.cache_clear()  # sizes and times may be those of the last one
    return tars.contents(str(tmp_path / "broken.tar")).problem


def test_a_broken_tar_says_what_is_wrong(parts, tmp_path):
    """Each member here is a header of 512 bytes and one block of content."""
    whole = (parts / "part-08.tar").read_bytes()
    assert "cut off in 'a.json', at byte 1537" in broken(tmp_path, whole[:1537])
    assert "cut off" in broken(tmp_path, whole[: 5 * 512 + 3])
    assert "there is no header at byte 1024" in broken(
        tmp_path, whole[:1024] + b"x" * 512 + whole[1536:]
    )
    assert "broken tar" in broken(tmp_path, b"")
    assert "broken tar" in broken(tmp_path, b"\x1f\x8b" + whole)
    assert broken(tmp_path, whole) is None
    huge = tarfile.TarInfo("x.mp4")
    huge.size = 2**62
    assert "cut off in 'x.mp4'" in broken(tmp_path, huge.tobuf(tarfile.GNU_FORMAT))
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 2**40
    assert "a header says that it has" in broken(tmp_path, name.tobuf(tarfile.GNU_FORMAT))
    back = tarfile.TarInfo("back.mp4")
    back.size = -1024
    assert "leads backwards" in broken(tmp_path, whole[:1024] + back.tobuf(tarfile.GNU_FORMAT))


def test_what_is_behind_the_end_of_a_tar_is_not_passed_over(parts, tmp_path):
    """Two tars in one file, and a header whose block was lost: zeros, which end a tar."""
    whole = (parts / "part-08.tar").read_bytes()
    assert "it goes on behind its end at byte" in broken(tmp_path, 2 * whole)
    assert "it goes on behind its end at byte 1024" in broken(
        tmp_path, whole[:1024] + bytes(512) + whole[1536:]
    )
    assert broken(tmp_path, whole + bytes(1 << 21)) is None


def test_a_broken_tar_stands_for_itself(parts):
    cut = (parts / "part-09.tar").read_bytes()[:600]
    (parts / "part-09.tar").write_bytes(cut)
    assert ids(parts / "part-{08..09}.tar")[-1] == "part-09.tar"


def test_a_tar_that_shrank_is_not_read(parts):
    path = tars.contents(str(parts / "part-08.tar")).files["deep/b.MP4"]
    os.truncate(parts / "part-08.tar", 1024)
    assert not storage.exists(path)
    with pytest.raises(OSError, match="the tar is not the one that it was; begin again"):
        storage.open_file(path, "rb")


@given(flips=st.lists(st.tuples(st.integers(0, 4 * 512 - 1), st.integers(0, 255)), max_size=6))
def test_no_bytes_make_the_look_fail_or_lead_out(flips, tmp_path_factory):
    """Whatever stands in headers (their checksums made good): members lie in the file."""
    folder = tmp_path_factory.mktemp("fuzz")
    path = write_tar(folder / "fuzz.tar", {"a.mp4": b"a" * 100, "b/" * 60 + "c.mp4": b"b"})
    content = bytearray(path.read_bytes())
    for place, value in flips:
        content[place] = value
        header = memoryview(content)[place - place % 512 :][:512]
        total = sum(header[:148]) + 8 * 32 + sum(header[156:])
        header[148:156] = b"%06o\0 " % total
    path.write_bytes(content)
    for name, member in tars.contents(str(path)).files.items():
        found = windows.member(member)
        assert found.tar == str(path) and found.name == name and ".." not in name.split("/")
        assert len(storage.read_bytes(member)) == found.size
