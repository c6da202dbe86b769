"""Flagfiles that come with the package: `--flagfile=continue` finds them in a wheel too.

They stand in the folder `flags` beside this one, in a checkout as in an installed package. Each has
in its comments how it is run, with the name of its command.
"""

import os
import pathlib
import textwrap
from collections.abc import Iterable, Iterator

_FOLDER = pathlib.Path(__file__).resolve().parents[1] / "flags"
_SUFFIX = ".flags"
_WIDTH = 80  # of a terminal
_FLAGS = ("--flagfile", "-flagfile")


def packaged(command: str) -> dict[str, pathlib.Path]:
    """Paths by names, such as "continue" and "ablations/loss_l2"; those of folders come last.

    Args:
        command: whose flagfiles are wanted, "train" for example.
    """
    found = {
        path.relative_to(_FOLDER).with_suffix("").as_posix(): path
        for path in _FOLDER.rglob(f"*{_SUFFIX}")
        if f"bin/{command}.py --flagfile=" in path.read_text("utf-8")
    }
    return dict(sorted(found.items(), key=lambda item: ("/" in item[0], item[0])))


def resolved(arguments: Iterable[str], command: str) -> list[str]:
    """A command line in which the names of packaged flagfiles have become their paths.

    Raises:
        FileNotFoundError: `--flagfile` names neither a file nor one of those.
    """
    return list(_resolved(iter(arguments), packaged(command)))


def _resolved(arguments: Iterator[str], known: dict[str, pathlib.Path]) -> Iterator[str]:
    for argument in arguments:
        flag, equals, name = argument.partition("=")
        if flag in _FLAGS and not equals:
            name = next(arguments, "")
        yield f"{flag}={_path(name.strip(), known)}" if flag in _FLAGS and name else argument
        if argument == "--":
            yield from arguments


def _path(name: str, known: dict[str, pathlib.Path]) -> str | pathlib.Path:
    """A file that is there comes before a packaged one of the same name."""
    if os.path.isfile(os.path.expanduser(name)):
        return name
    if name.removesuffix(_SUFFIX) in known:
        return known[name.removesuffix(_SUFFIX)]
    raise FileNotFoundError(
        f"--flagfile={name}: no such file; "
        + (f"this package has {', '.join(known)}" if known else "this command has none of its own")
    )


def help_text(command: str) -> str:
    """For the end of `--help`: which there are and where; nothing if there are none."""
    if not (known := packaged(command)):
        return ""
    lines = textwrap.wrap(f"Flagfiles, for --flagfile=NAME: {', '.join(known)}.", _WIDTH)
    return "\n".join(["", *lines, f"They are in {_FOLDER}.", ""])
