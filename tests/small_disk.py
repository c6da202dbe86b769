"""File systems of some kilobytes, that can be made larger or read-only: real ones, of memory."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted tmpfs; what it holds stays when its size or mode changes."""

    def __init__(self, path: Path):
        self.path = path

    def resize(self, kilobytes: int) -> None:
        self._remount(f"size={kilobytes}k,rw")

    def make_read_only(self) -> None:
        self._remount("ro")

    def _remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)


@contextlib.contextmanager
def mounted(path: Path, kilobytes: int) -> Iterator[SmallDisk]:
    """For the `with` block; skips the test where nobody may mount (it takes root on Linux)."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(path)]
    if not sys.platform.startswith("linux") or subprocess.run(command, stderr=-3).returncode:
        pytest.skip("needs a file system of its own: run it as root on Linux")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
