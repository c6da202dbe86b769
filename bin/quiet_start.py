"""TensorFlow starts without lines that are no news; whatever else it says is let through.

TensorFlow writes them from C++ straight to file descriptor 2 when it is imported and when it first
looks for devices, some of them as errors. So for that while the descriptor leads to another
process, this file run as a script, which passes the other lines on as they come: also if TensorFlow
ends ours, for example on a processor that it was not built for.
"""

import glob
import importlib.abc
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_NO_NEWS = (
    r"^I\d{4} \d\d:",  # information, written before TensorFlow has read its level
    r"^\S+ \S+: I (tensorflow|external)/",
    r"rebuild TensorFlow with the appropriate compiler flags",  # the second line of one
    r"All log messages before absl::InitializeLog\(\) is called",
    r"Unable to register cu(FFT|DNN|BLAS) factory",
    r"TF-TRT Warning: Could not find TensorRT",  # nothing here uses it
    r"Ignored (output_format|drop_control_dependency)\.",  # of each conversion for LiteRT
)
_NO_NEWS_WITHOUT_GPU = (r"failed call to cuInit",)
_NEWS_WITH_GPU = (r"Could not find cuda drivers", r"Cannot dlopen some GPU libraries")


def arrange() -> None:
    """To be called before TensorFlow is imported, whose first import will be quiet.

    Warnings only, unless TF_CPP_MIN_LOG_LEVEL says otherwise: TensorFlow logs each start of its own
    and every step of saving. With 0, which asks for information, nothing is left out.
    """
    os.environ.setdefault(_LEVEL, "1")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


def is_news(line: str, has_gpu: bool) -> bool:
    """Whether a user should see a line of TensorFlow's start, on a machine with an NVIDIA GPU or
    without."""
    if has_gpu and _matches(line, _NEWS_WITH_GPU):
        return True
    return not _matches(line, _NO_NEWS + (() if has_gpu else _NO_NEWS_WITHOUT_GPU))


@contextmanager
def only_news() -> Iterator[None]:
    """Within, what is written to file descriptor 2 goes through `is_news`, line by line; all of it
    where information is asked for."""
    if os.environ.get(_LEVEL) == "0":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    # In a session of its own, so that Ctrl-C does not end it before the one that it listens to.
    passing_on = [sys.executable, "-SE", __file__]
    with subprocess.Popen(passing_on, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        os.dup2(process.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow, once, as the others do, and has it run quietly."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                with only_news():
                    execute(module)
                    module.config.list_physical_devices()  # which says what it has to say

            spec.loader.exec_module = exec_module
        return spec


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU, or the user expects one."""
    return bool(glob.glob("/dev/nvidia[0-9]*") or os.environ.get("CUDA_VISIBLE_DEVICES"))


def _matches(line: str, patterns: tuple[str, ...]) -> bool:
    return any(re.search(pattern, line) for pattern in patterns)


def _pass_on() -> None:
    with_gpu = has_gpu()
    for line in sys.stdin.buffer:
        if is_news(line.decode("utf-8", "replace"), with_gpu):
            sys.stderr.buffer.write(line)
            sys.stderr.flush()


if __name__ == "__main__":
    _pass_on()
