"""From a command line to a stage: exit codes, what is said, and what is not imported too early."""

import pathlib
import subprocess
import sys

import pytest

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
STAGE = '''
"""What the stage does."""
import dataclasses
from soundnet_tf.bin import launch
from soundnet_tf.settings import Settings, setting

@dataclasses.dataclass(frozen=True)
class Config(Settings):
    top: int = setting("How many.", 3, at_least=1)

    def check_inputs(self, files=()):
        if self.top == 13 or "missing" in files:
            raise FileNotFoundError("it is not there")

def main(config, *files):
    {body}

if __name__ == "__main__":
    launch.run(main, Config, {options})
'''


@pytest.fixture
def run(tmp_path):
    def run_(body, *arguments, options=""):
        path = tmp_path / "stage.py"
        path.write_text(STAGE.format(body=body, options=options))
        return subprocess.run(
            [sys.executable, str(path), *arguments], capture_output=True, text=True, check=False
        )

    return run_


def test_the_exit_code_is_the_stages_or_0(run):
    done = run("print(config.top)", "--top=5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
    assert run("return 4").returncode == 4


@pytest.mark.parametrize(
    "error", ["ValueError", "FileNotFoundError", "RuntimeError", "ModuleNotFoundError"]
)
def test_what_can_be_expected_is_said_in_one_line(run, error):
    done = run(f"raise {error}('the file is blue; paint it')")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "stage.py: the file is blue; paint it\n"


def test_where_an_error_came_from_is_told_if_asked(run):
    done = run("raise ValueError('blue')", "--verbosity=1")
    assert done.returncode == 1 and "Traceback" in done.stderr and "stage.py: blue" in done.stderr


def test_other_errors_are_faults_and_keep_their_traceback(run):
    for error in ("KeyError", "NotImplementedError"):
        done = run(f"raise {error}('blue')")
        assert done.returncode == 1 and "Traceback" in done.stderr


def test_an_error_of_tensorflow_is_one_line_once_it_is_imported(run):
    """A stand-in, which takes no seconds to import."""
    body = (
        "import sys, types; error = type('OpError', (Exception,), {}); "
        "sys.modules['tensorflow'] = types.SimpleNamespace("
        "errors=types.SimpleNamespace(OpError=error)); raise error('damaged')"
    )
    done = run(body)
    assert (done.returncode, done.stderr) == (1, "stage.py: damaged\n")


def test_ctrl_c_says_what_is_kept(run):
    done = run("raise KeyboardInterrupt", options="interrupted='it goes on at the next'")
    assert done.returncode == 130
    assert done.stderr == "\nInterrupted: it goes on at the next.\n"


def test_ctrl_c_is_no_traceback_where_nothing_is_kept(run):
    done = run("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "\nInterrupted.\n")


def test_sigterm_is_like_ctrl_c_where_asked(run):
    body = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    options = "interrupted='kept', ends_like_ctrl_c=True"
    assert run(body, options=options).returncode == 130
    assert run(body, options="interrupted='kept'").returncode == -15


def test_settings_that_are_refused_are_one_line_and_the_stage_is_not_begun(run):
    done = run("print('begun')", "--top=0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "stage.py: top is 0; it should be at least 1\n"


def test_inputs_are_checked_before_the_stage_is_begun(run):
    for arguments, options in ((["--top=13"], ""), (["a.wav", "missing"], "files='a file'")):
        done = run("print('begun')", *arguments, options=options)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "stage.py: it is not there\n"


def test_arguments_are_refused_or_given_as_files(run):
    done = run("print('begun')", "film*.mp4")
    assert (done.returncode, done.stdout) == (1, "") and "What the stage does." in done.stderr
    assert "unexpected arguments ['film*.mp4']; every setting is a --flag" in done.stderr
    done = run("print(files)", "a.wav", "b.wav", options="files='a file'")
    assert done.stdout == "(['a.wav', 'b.wav'],)\n"
    done = run("print(files)", options="files='at least one file'")
    assert done.returncode == 1 and "name at least one file" in done.stderr


COMMANDS = ["prepare", "label", "train", "export", "extract", "recognize", "evaluate", "finetune"]
COMMANDS += ["reproduce", "benchmark", "demo"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_the_stage_and_its_flags_without_tensorflow(command):
    """`sys.modules[...] = None` makes each import of it an error."""
    script = (
        "import sys, runpy\n"
        "sys.modules.update(tensorflow=None, keras=None, sklearn=None, av=None)\n"
        "path = sys.argv.pop(1); sys.argv[0] = path; sys.path[0] = path.rpartition('/')[0]\n"
        "runpy.run_path(path, run_name='__main__')"
    )
    path = str(BIN / f"{command}.py")
    done = subprocess.run(
        [sys.executable, "-c", script, path, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr == ""  # absl's exit code for --help
    documentation = (BIN / f"{command}.py").read_text().split('"""')[1].splitlines()[0]
    assert documentation.strip() in done.stdout
    assert f"\n{path}:\n" in done.stdout, "the flags are the command's own"


SEVERAL = '''
"""What the program does."""
import dataclasses
from soundnet_tf.bin import launch
from soundnet_tf.settings import Settings, setting

@dataclasses.dataclass(frozen=True)
class Config(Settings):
    top: int = setting("How many.", 3)

@dataclasses.dataclass(frozen=True)
class Other(Settings):
    low: int = setting("How few.", 1)

def first(config):
    """Does the first thing.

        as this

    And so on.
    """
    print("first", config)

def second(config):
    """Does the second thing."""
    print("second", config)
    return 7

if __name__ == "__main__":
    launch.run_one_of({"first": (first, Config), "second": (second, Other)})
'''


@pytest.fixture
def run_several(tmp_path):
    def run_(*arguments):
        path = tmp_path / "stage.py"
        path.write_text(SEVERAL)
        done = subprocess.run(
            [sys.executable, str(path), *arguments], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run_


def test_of_several_stages_the_named_one_is_run_with_flags_of_its_own(run_several):
    assert run_several("first", "--top=4") == (0, "first Config(top=4)\n", "")
    assert run_several("second", "--low=2") == (7, "second Other(low=2)\n", "")
    code, out, err = run_several("second", "--top=4")
    assert (code, out) == (1, "") and "Unknown command line flag 'top'" in err


@pytest.mark.parametrize("flag", ["--help", "-help", "--helpfull"])
def test_help_lists_the_stages_and_each_tells_its_own(run_several, flag):
    listed = "    first   Does the first thing.\n    second  Does the second thing.\n"
    assert run_several(flag) == (0, f"What the program does.\n\n{listed}", "")
    code, out, err = run_several("first", flag)
    assert code == 1 and err == ""  # absl's exit code for --help
    assert "\nDoes the first thing.\n\n    as this\n\nAnd so on.\n" in out
    assert "--top: How many." in out and "--low" not in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "nothing was named"),
        (("third", "--top=4"), "there is no 'third'"),
        (("--top=4", "first"), "there is no '--top=4'"),
        (("help",), "there is no 'help'"),
    ],
)
def test_a_stage_that_is_not_there_is_one_sentence(run_several, given, said):
    remedy = "begin with one of first, second (see --help)"
    assert run_several(*given) == (1, "", f"stage.py: {said}; {remedy}\n")
