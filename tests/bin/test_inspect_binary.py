"""bin/inspect.py has the name of a module of Python's own, and gives way to it."""

import os
import pathlib
import subprocess
import sys

import synthetic_media

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_python_finds_its_own_inspect_beside_the_binaries():
    """As from a command: its folder comes first where modules are looked for."""
    script = "import inspect; print(inspect.signature(lambda a, *, b=1: a), inspect.__file__)"
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'bin')!r}); {script}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    signature, _, path = done.stdout.strip().rpartition(" ")
    assert signature == "(a, *, b=1)"
    assert pathlib.Path(path).resolve() == pathlib.Path(os.__file__).resolve().parent / "inspect.py"


def test_the_command_looks_and_says_what_is_next(tmp_path):
    """In a process of its own, with worker processes, without importing TensorFlow."""
    synthetic_media.write_clock_video(tmp_path / "clock.mp4", 5, fps=10, width=64, height=48)
    code = (
        "import runpy, sys; sys.modules.update(tensorflow=None, keras=None); "
        "sys.path[0] = 'bin'; runpy.run_path('bin/inspect.py', run_name='__main__')"
    )
    arguments = [f"--videos={tmp_path}/clock.mp4", f"--out={tmp_path}/out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 videos, 1 clips" in done.stdout
    assert f"Next: bin/prepare.py --videos={tmp_path}/out/keep.csv --out=SHARDS" in done.stdout
    assert (tmp_path / "out" / "index.html").is_file()
