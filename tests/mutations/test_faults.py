"""The faults do not rot: each still fits the code, and the tests that should notice are there.

That they notice is tried by `run.py`, which takes too long for every run of the tests.
"""

import ast
import pathlib

import pytest
from mutations.faults import FAULTS, Fault, apply

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_no_name_stands_twice():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 50


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits_the_code(fault):
    """Put in, it is still Python, of other statements than before."""
    code = (ROOT / fault.file).read_text("utf-8")
    changed = ast.parse(apply(fault, code))
    assert ast.dump(changed) != ast.dump(ast.parse(code))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_tests_that_should_notice_are_there(fault):
    assert fault.tests
    for test in fault.tests:
        file, *names = test.split("::")
        assert (ROOT / file).exists(), f"{file} is gone; name what has its tests now"
        assert not names or f"def {names[-1].partition('[')[0]}(" in (ROOT / file).read_text(
            "utf-8"
        )


@pytest.mark.parametrize("code", ["b = 1", "a = 1\na = 1"])
def test_a_stale_fault_is_refused(code):
    with pytest.raises(ValueError, match="a = 1"):
        apply(Fault("stale", "x.py", "a = 1", "a = 2", ()), code)
