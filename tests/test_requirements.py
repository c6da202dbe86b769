"""setup.py promises what was tried: from the oldest to the newest minor version in the locks."""

import pathlib
import re
import runpy
from unittest import mock

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-tf2.21.lock")


def promised():
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    arguments = setup.call_args.kwargs
    optional = arguments["extras_require"]
    extras = [
        *optional["io"][:1],
        *optional["parquet"],
        *optional["beam"],
        *optional["s3"],
        *optional["report"],
    ]
    ranges = [one for one in (*arguments["install_requires"], *extras) if ">=" in one]
    return {re.split("[<>=]", one)[0]: one for one in ranges}


def locked(name):
    """(major, minor) in each of the locks that has it."""
    found = [
        re.search(rf"^{name}==(\d+)\.(\d+)", (ROOT / lock).read_text(), re.MULTILINE)
        for lock in LOCKS
    ]
    return [tuple(map(int, match.groups())) for match in found if match]


@pytest.mark.parametrize("name", promised())
def test_a_range_reaches_from_the_oldest_to_the_newest_that_was_run(name):
    requirement = promised()[name]
    versions = locked(name)
    assert versions, f"{name} is in no lock"
    lower, upper = re.fullmatch(rf"{name}>=([\d.]+),<([\d.]+)", requirement).groups()
    assert tuple(map(int, lower.split(".")[:2])) == min(versions)
    newest_major, newest_minor = max(versions)
    assert upper == f"{newest_major}.{newest_minor + 1}"
