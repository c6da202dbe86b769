"""Which Python and lock bin/test and bin/demo take, with Pythons that only say who they are."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("bash", "cat", "cksum", "cp", "dirname", "env", "mkdir", "rm")
# Installs nothing: pip's arguments go to a file beside the environment. Run, it tells what it is.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) echo {version} ;;
  *ensurepip*) exit {lacks_venv} ;;
  --version) echo Python {version}.9 ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*) echo "$*" >>"${{0%/bin/python}}.pip" ;;
  *) d=${{0%/bin/python}} && echo "{name} {version} ${{d##*/}} $*" ;;
esac
"""
NOTICE = (
    "TensorFlow 2.16 has no Python 3.13, so TensorFlow 2.21 is taken; missing there: "
    "tensorflow-io's native operations (shards of flac or vorbis)."
)
WANTED = "found. Install one, or name it: PYTHON=/path/to/python"
NEWER = "TensorFlow 2.21 takes 3.13 too: bin/test --tensorflow=2.21"


class Machine:
    """A checkout's scripts, and a PATH of nothing but the Pythons that are added."""

    def __init__(self, folder):
        self.root = folder / "checkout"
        self.path = folder / "path"
        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool))
        for name in (
            *("bin/test", "bin/demo", "bin/environment.sh", "setup.py", "soundnet_tf/version.py"),
            *("requirements.lock", "requirements-tf2.21.lock", "requirements-weights.lock"),
        ):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)

    def add(self, name, version, lacks_venv=0, folder=None):
        python = (folder or self.path) / name
        python.write_text(FAKE_PYTHON.format(name=name, version=version, lacks_venv=lacks_venv))
        python.chmod(0o755)
        return python

    def run(self, command, python=None):
        environment = {"PATH": str(self.path)} | ({"PYTHON": str(python)} if python else {})
        done = subprocess.run(
            command.split(), cwd=self.root, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()

    def installed(self, environment):
        lines = (self.root / f"{environment}.pip").read_text().splitlines()
        return [Path(line.split()[-1]).name for line in lines if "--require-hashes" in line]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("python3.11=3.11 python3.12=3.12 python3.13=3.13 python3=3.13", "python3.12 3.12"),
        ("python3.11=3.11 python3.13=3.13 python3=3.13 python=3.13", "python3.11 3.11"),
        ("python3.13=3.13 python3=3.11 python=3.12", "python 3.12"),
        ("python3.13=3.13 python3=3.11", "python3 3.11"),
    ],
)
def test_an_older_python_and_tensorflow_2_16_come_first(machine, names, taken):
    for name in names.split():
        machine.add(*name.split("="))
    version = taken.split()[1]
    status, out, errors = machine.run("bin/test -k some")
    assert (status, out) == (0, [f"{taken} .venv -m pytest -k some"])
    assert errors == [
        f"Setting up .venv with Python {version}.9, requirements.lock (first run only, "
        "some minutes) ..."
    ]
    assert machine.installed(".venv") == ["requirements.lock", "requirements-weights.lock"]
    _, out, errors = machine.run("bin/test --tensorflow=2.21")
    assert out == [f"{taken} .venv-tf2.21 -m pytest"]
    assert errors[0].startswith(f"Setting up .venv-tf2.21 with Python {version}.9")


@pytest.mark.parametrize("name", ["python3.13", "python3", "python"])
def test_a_machine_with_3_13_alone_gets_2_21_and_is_told_what_is_missing(machine, name):
    machine.add(name, "3.13")
    machine.add("python3.12", "2.7")  # a name is no proof
    status, out, errors = machine.run("bin/demo --epochs=1")
    demo = machine.root / "bin/demo.py"
    assert (status, out) == (0, [f"{name} 3.13 .venv-tf2.21 {demo} --epochs=1"])
    assert errors == [
        NOTICE,
        "Setting up .venv-tf2.21 with Python 3.13.9, requirements-tf2.21.lock (first run only, "
        "some minutes) ...",
    ]
    assert machine.installed(".venv-tf2.21") == [
        "requirements-tf2.21.lock",
        "requirements-weights.lock",
    ]
    assert machine.run("bin/test") == (0, [f"{name} 3.13 .venv-tf2.21 -m pytest"], [NOTICE])
    # Who asks for 2.21 knows.
    assert machine.run("bin/test --tensorflow=2.21")[2] == []
    assert not (machine.root / ".venv").exists()


def test_2_16_is_refused_where_there_is_3_13_alone(machine):
    newer = machine.add("python3.13", "3.13")
    refused = f"No Python 3.12 or 3.11 {WANTED} bin/test. {NEWER}"
    assert machine.run("bin/test --tensorflow=2.16") == (1, [], [refused])
    refused = f"PYTHON={newer} does not run, or is not Python 3.12 or 3.11. {NEWER}"
    assert machine.run("bin/test --tensorflow=2.16", newer) == (1, [], [refused])


def test_without_any_suitable_python_the_call_is_refused(machine):
    machine.add("python3", "3.10")
    refused = f"No Python 3.12 or 3.11 {WANTED} bin/demo. {NEWER}"
    assert machine.run("bin/demo") == (1, [], [refused])
    refused = f"No Python 3.12 or 3.11 or 3.13 {WANTED} bin/test"
    assert machine.run("bin/test --tensorflow=2.21") == (1, [], [refused])
    assert machine.run("bin/test", "/nowhere/python")[0] == 1


def test_the_named_python_decides(machine, tmp_path):
    machine.add("python3.12", "3.12")
    newer = machine.add("newer", "3.13", folder=tmp_path)
    older = machine.add("older", "3.11", folder=tmp_path)
    _, out, errors = machine.run("bin/test", newer)
    assert out == ["newer 3.13 .venv-tf2.21 -m pytest"]
    assert errors[0] == NOTICE
    _, out, _ = machine.run("bin/test", older)
    assert out == ["older 3.11 .venv -m pytest"]
    # The environment keeps it, though the PATH has a newer one.
    assert machine.run("bin/test") == (0, out, [])


def test_a_named_python_need_not_be_named_again(machine, tmp_path):
    """With nothing on the PATH: the environment that is there says which TensorFlow."""
    newer = machine.add("newer", "3.13", folder=tmp_path)
    _, out, _ = machine.run("bin/test", newer)
    assert machine.run("bin/test") == (0, out, [NOTICE])
    older = machine.add("older", "3.12", folder=tmp_path)
    _, out, _ = machine.run("bin/test", older)
    assert machine.run("bin/test") == (0, out, [])


def test_a_refused_python_leaves_the_environment_as_it_is(machine):
    machine.add("python3.12", "3.12")
    newer = machine.add("python3.13", "3.13")
    machine.run("bin/test")
    assert machine.run("bin/test --tensorflow=2.16", newer)[0] == 1
    assert machine.run("bin/test")[2] == []


def test_a_python_without_venv_is_passed_over_or_named(machine):
    machine.add("python3.12", "3.12", lacks_venv=1)
    status, out, errors = machine.run("bin/test")
    assert (status, out) == (1, [])
    assert len(errors) == 1
    assert errors[0].startswith("python3.12 lacks the module venv or ensurepip. Install it (on")
    machine.add("python3.13", "3.13")
    _, out, errors = machine.run("bin/test")
    assert out == ["python3.13 3.13 .venv-tf2.21 -m pytest"]
    assert errors[0] == NOTICE
    machine.add("python3.11", "3.11")
    assert machine.run("bin/test")[1] == ["python3.11 3.11 .venv -m pytest"]


def test_an_unknown_tensorflow_is_refused(machine):
    machine.add("python3.12", "3.12")
    for version in ("2.17", ""):
        refused = f"no locked environment with TensorFlow '{version}', only with 2.16 and 2.21."
        status, _, errors = machine.run(f"bin/test --tensorflow={version}")
        assert (status, errors) == (1, [f"There is {refused}"])
