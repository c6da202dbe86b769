"""A film in a bucket is surveyed by its index alone, and that says what reading all of it says."""

import struct

import numpy as np
import pytest
from media_formats import FILMS, SOUNDS
from media_writer import Sound, write

from soundnet_tf.files import ranges, remote
from soundnet_tf.media import payload, read_audio
from soundnet_tf.media.survey import survey

FORMATS = [form for form in FILMS + SOUNDS if form.suffix in (".mp4", ".mov", ".m4a", ".3gp")]


@pytest.fixture
def fetched(monkeypatch):
    """Bytes of each request."""
    counts, read_range = [], remote.read_range

    def counted(*arguments):
        content = read_range(*arguments)
        counts.append(len(content))
        return content

    monkeypatch.setattr(remote, "read_range", counted)
    monkeypatch.setattr(ranges, "_kept", type(ranges._kept)())
    return counts


def assert_same_survey(path, far):
    near, there = survey(str(path)), survey(far)
    assert near.keys() == there.keys()
    for index, packets in near.items():
        assert (packets.kind, packets.tick) == (there[index].kind, there[index].tick)
        for name in ("order", "pts", "dts", "duration", "position", "size"):
            np.testing.assert_array_equal(getattr(packets, name), getattr(there[index], name))


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_the_index_says_what_the_whole_file_says(form, tmp_path):
    if form.missing:
        pytest.skip(form.missing)
    path, far = form.write(tmp_path), f"memory://{tmp_path.name.lower()}/x{form.suffix}"
    remote.upload(str(path), far)
    assert_same_survey(path, far)


def test_zeros_stand_for_payload_only_and_only_in_such_files(tmp_path):
    """By hand: a box of 12 bytes, one of 20 with a long length, one that goes to the end."""
    boxes = struct.pack(">I4s4s", 12, b"ftyp", b"isom")
    boxes += struct.pack(">I4sQ4s", 1, b"mdat", 20, b"abcd")
    boxes += struct.pack(">I4s6s", 0, b"moov", b"efghij")
    path = tmp_path / "x"
    path.write_bytes(boxes)
    with open(path, "rb") as file:
        holed = payload.without_payload(file)
        assert holed.read() == boxes.replace(b"abcd", bytes(4))
        holed.seek(30)
        assert holed.read(4) == boxes[30:32].replace(b"cd", bytes(2)) + boxes[32:34]
    for other in (b"RIFF" + boxes, b"", boxes[:5], b"\0\0\0\x04ftyp" + boxes):
        path.write_bytes(other)
        with open(path, "rb") as file:
            assert payload.without_payload(file) is None
            assert file.read() == other


def test_a_clip_of_a_long_recording_takes_a_few_blocks(tmp_path, fetched):
    """30 s of stereo are 5.3 MB, a second 0.18: its blocks and the index come, all told under a
    quarter."""
    wave = np.random.default_rng(0).uniform(-1, 1, (30 * 44100, 2))
    path = write(tmp_path / "long.mov", Sound("pcm_s16le", 44100, wave, 0.0, {}))
    far = f"memory://{tmp_path.name.lower()}/long.mov"
    remote.upload(str(path), far)
    np.testing.assert_array_equal(read_audio(far, 20, 1), read_audio(str(path), 20, 1))
    assert 0 < sum(fetched) < path.stat().st_size / 4
