"""Tars for tests, also such as no honest program writes."""

import io
import tarfile
from pathlib import Path


def write_tar(path: Path, members: dict[str, bytes], odd: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """Plain members, then odd ones without content."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in odd:
            tar.addfile(info)
    return path


def odd_member(name: str, type: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, target
    return info
