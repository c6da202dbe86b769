"""Names of files that are made of recordings."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundnet_tf.serving.file_names import unique_names


def test_the_same_name_is_numbered():
    """Whatever the case, as of file systems that do not tell it; also beside names that are
    numbered themselves."""
    paths = ["a/rain.wav", "b/Rain.mp3", "rain-2.ogg", "rain", "s3://bucket/sea.flac"]
    assert unique_names(paths) == ["rain", "Rain-2", "rain-2-2", "rain-3", "sea"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("My film (1).tar.mp4", "My film (1).tar"),
        ("Straße 東京 ☂.wav", "Straße 東京 ☂"),
        ('a"b<script>*?.wav', "a_b_script___"),
        ("one\ntwo\x1b[2J\u2028.wav", "one_two_[2J_"),
        ("caf\udce9.wav", "caf_xe9"),
        ("-rf.wav", "_rf"),
        ("..wav", "__wav"),
        (".hidden.wav", "_hidden"),
        ("C:\\Temp\\x.wav", "C__Temp_x"),
        ("end. .wav", "end"),
        (b"bytes.wav", "bytes"),
    ],
)
def test_unsafe_characters(path, name):
    assert unique_names([path]) == [name]


def test_a_long_name_is_cut_between_characters():
    """180 bytes are 60 of three bytes each, and 59 of them with two more before."""
    assert unique_names(["東" * 80 + ".wav", "ab" + "東" * 80]) == ["東" * 60, "ab" + "東" * 59]


@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_names_can_be_files_of_one_folder(names):
    found = unique_names([f"{i}/{name}" for i, name in enumerate(names)])
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert name and name == os.path.basename(name) and name[0] not in ".-"
        assert name.encode() and len(name.encode()) < 200
