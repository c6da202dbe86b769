"""README shows users what is public, and nothing else of the package."""

import os
import pathlib
import re

import soundnet_tf

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MODULES = {"hear"}  # imported by its name, as HEAR wants


def test_names_are_those_at_the_top_of_the_package():
    named = set(re.findall(r"\bsoundnet_tf\.(\w+(?:\.\w+)*)", README))
    assert named and named <= {*soundnet_tf.__all__, *MODULES}
    imported = re.findall(r"from soundnet_tf(\S*) import (.+)", README)
    assert all(
        not inner and {*names.split(", ")} <= {*soundnet_tf.__all__} for inner, names in imported
    )


def test_commands_can_be_called_as_they_stand_there():
    commands = {ROOT / name for name in re.findall(r"(?<![\w/])bin/\w+(?:\.py)?\b", README)}
    assert len(commands) > 9
    assert [path.name for path in sorted(commands) if not os.access(path, os.X_OK)] == []


def test_every_public_name_is_there():
    for name in soundnet_tf.__all__:
        assert getattr(soundnet_tf, name) is not None
    public = {"Stream", "load", "probe", "read_clip", "embed", "recognize", "SoundNet8"}
    assert public < set(soundnet_tf.__all__)
