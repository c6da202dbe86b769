"""The faults do not rot: each still fits the code, and the tests that should notice are there.

That they notice is tried by `run.py`, which takes too long for every run of the tests; what it
takes for noticing, and whose code it runs, is tested here.
"""

import ast
import pathlib
import runpy

import pytest
from mutations.fault import Fault, apply
from mutations.faults import FAULTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_no_name_stands_twice():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 50


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits_the_code(fault):
    """Put in, it is still Python, of other statements than before. (What a page is made of is only
    looked at in a browser, by the tests that should notice.)"""
    code = (ROOT / fault.file).read_text("utf-8")
    changed = apply(fault, code)
    assert changed != code
    if fault.file.endswith(".py"):
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(code))


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


@pytest.fixture
def runner(monkeypatch):
    """What `run.py` defines."""
    folder = pathlib.Path(__file__).parent
    monkeypatch.syspath_prepend(folder)
    return runpy.run_path(str(folder / "run.py"), run_name="run")


def test_only_a_test_that_failed_notices(runner):
    """Not one that pytest could not collect (2), nor a fixture that could not be made."""
    first_failure, failed = runner["first_failure"], "FAILED tests/a/test_b.py::test_c[1] - boom\n"
    assert first_failure(0, "2 passed") is None
    assert first_failure(1, f"...\n{failed}1 failed") == "test_b.py::test_c[1]"
    for code, output in ((1, "ERROR tests/a/test_b.py::test_c - boom"), (2, failed), (5, "")):
        with pytest.raises(runner["NotTriedError"], match=f"ended with {code}"):
            first_failure(code, output)


def test_the_copys_code_is_what_runs(runner, tmp_path):
    """In processes of processes too; told otherwise, they import this checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: copies have the files that git knows")
    copy = runner["Copy"](runner["snapshot"](str(tmp_path)), str(tmp_path))
    copy.check_imports()
    copy.environment["PYTHONPATH"] = str(ROOT)
    with pytest.raises(runner["NotTriedError"], match="not in the copy"):
        copy.check_imports()
