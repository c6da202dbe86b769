"""Puts each fault of `faults.py` into a copy of the checkout and runs the tests that should notice.

    .venv/bin/python tests/mutations/run.py                  all of them, an hour or so
    .venv/bin/python tests/mutations/run.py --only=cosine    those with it in name or file
    .venv/bin/python tests/mutations/run.py --jobs=2 --shard=1/4

Prints a Markdown table; the exit code is 1 if a fault was not noticed or could not be tried. Copies
have the files that git knows, as they are in the working tree. First the unchanged copy must pass
all those tests, else it would mean nothing that they fail.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from mutations.fault import Fault, apply  # noqa: E402
from mutations.faults import FAULTS  # noqa: E402

LIMIT_SECS = 1800.0  # for one fault; a fault may also make a program wait for ever

# An editable install knows the checkout, and `soundnet_tf.bin` is a folder beside the package. So
# every Python process, those that tests start too, is told where the copy is before it looks there.
SITE = """
import importlib.machinery, sys
class Copy:
    def find_spec(self, name, path=None, target=None):
        if name in ("soundnet_tf", "soundnet_tf.bin", "soundnet_tf.flags", "benchmark"):
            return importlib.machinery.PathFinder.find_spec(name, [{copy!r}])
sys.meta_path.insert(0, Copy())
"""
IMPORTED = (
    "import soundnet_tf, soundnet_tf.bin, soundnet_tf.constants, benchmark; "
    "print(*(m.__file__ for m in "
    "(soundnet_tf, soundnet_tf.bin, soundnet_tf.constants, benchmark)), sep='\\n')"
)
NESTED = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"


class NotTriedError(Exception):
    """A fault, or the control, of which nothing can be said; the message says why."""


def snapshot(folder: str) -> pathlib.Path:
    """The files that git knows, as they are in the working tree now: all faults are tried on one
    state, whatever is edited in the meantime."""
    tree = pathlib.Path(folder, "tree")
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in filter(None, names.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    return tree


class Copy:
    """A copy of a snapshot, and the environment in which its code is what is imported."""

    def __init__(self, tree: pathlib.Path, folder: str):
        self.root = pathlib.Path(folder, "checkout")
        shutil.copytree(tree, self.root)
        site = pathlib.Path(folder, "site")
        site.mkdir()
        (site / "sitecustomize.py").write_text(SITE.format(copy=str(self.root)), "utf-8")
        self.environment = os.environ | {"PYTHONPATH": str(site), "PYTHONNOUSERSITE": "1"}
        if (ROOT.parent / "shared").is_dir():
            self.environment.setdefault("SOUNDNET_SHARED", str(ROOT.parent / "shared"))

    def check_imports(self) -> None:
        """NotTriedError unless a process, and one that it starts, import the copy's code."""
        for command in (["-c", IMPORTED], ["-c", NESTED, IMPORTED]):
            found = subprocess.check_output(
                [sys.executable, *command], cwd="/", env=self.environment, text=True
            )
            for path in found.split():
                if not pathlib.Path(path).is_relative_to(self.root):
                    raise NotTriedError(f"{path} is imported, which is not in the copy {self.root}")

    def test(self, tests: Sequence[str]) -> tuple[int, str]:
        """Exit code and output of pytest, which stops at the first failure."""
        options = ["-x", "-q", "--color=no", "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=LIMIT_SECS)
        except subprocess.TimeoutExpired as error:
            raise NotTriedError(f"{' '.join(tests)} took more than {LIMIT_SECS:g} s") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return process.returncode, output


def first_failure(code: int, output: str) -> str | None:
    """The test that failed; None if all passed.

    Only pytest's exit code 1 with a test that FAILED counts. A module that cannot be imported or a
    fixture that cannot be made would notice any nonsense.

    Raises:
        NotTriedError: anything else.
    """
    if code == 0:
        return None
    failed = re.search(r"^FAILED \S*?(\w+\.py::\S+)", output, re.MULTILINE)
    if code != 1 or not failed:
        last = [line for line in output.strip().splitlines() if line.strip()][-12:]
        raise NotTriedError(f"pytest ended with {code}:\n" + "\n".join(last))
    return failed[1]


def control(tree: pathlib.Path, faults: Sequence[Fault]) -> None:
    """NotTriedError unless the unchanged copy passes the tests of all faults."""
    tests = sorted({test for fault in faults for test in fault.tests})
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(tree, folder)
        copy.check_imports()
        if failed := first_failure(*copy.test(tests)):
            raise NotTriedError(f"{failed} fails without any fault")


def attempt(tree: pathlib.Path, fault: Fault) -> tuple[str | None, float]:
    """The test that notices, if any, and the seconds it took.

    Raises:
        NotTriedError: a stale fault, or no verdict of the tests.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(tree, folder)
        path = copy.root / fault.file
        try:
            path.write_text(apply(fault, path.read_text("utf-8")), "utf-8")
        except (OSError, ValueError) as error:
            raise NotTriedError(f"stale: {error}") from error
        return first_failure(*copy.test(fault.tests)), time.monotonic() - start


def verdicts(
    tree: pathlib.Path, faults: Sequence[Fault], jobs: int
) -> Iterator[tuple[Fault, str, float, bool]]:
    """Each fault, what is said of it, seconds, and whether a test noticed; in order."""

    def verdict(fault):
        try:
            noticed_by, seconds = attempt(tree, fault)
        except NotTriedError as error:
            print(f"{fault.name}: {error}", file=sys.stderr, flush=True)
            return fault, f"**not tried**: {str(error).splitlines()[0]}", 0.0, False
        return fault, noticed_by or "**nobody**", seconds, bool(noticed_by)

    with ThreadPoolExecutor(jobs) as threads:
        yield from threads.map(verdict, faults)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="faults with this in their name or file")
    parser.add_argument("--jobs", type=int, default=1, help="faults that are tried at once")
    parser.add_argument("--shard", default="1/1", help="i/n: every n-th fault from the i-th on")
    options = parser.parse_args()
    first, every = map(int, options.shard.split("/"))
    word = options.only.lower()
    chosen = [f for f in FAULTS[first - 1 :: every] if word in f"{f.name}\n{f.file}".lower()]
    if not chosen:
        parser.error(f"no fault of shard {options.shard} has {options.only!r} in its name or file")
    with tempfile.TemporaryDirectory() as folder:
        tree = snapshot(folder)
        try:
            control(tree, chosen)
        except NotTriedError as error:
            print(f"control: {error}", file=sys.stderr)
            return 1
        print("| fault | noticed by | seconds |\n| --- | --- | --- |", flush=True)
        survived = 0
        for fault, said, seconds, is_noticed in verdicts(tree, chosen, options.jobs):
            print(f"| {fault.name} | {said} | {seconds:.0f} |", flush=True)
            survived += not is_noticed
    print(f"\n{len(chosen) - survived} of {len(chosen)} noticed")
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main())
