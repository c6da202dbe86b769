"""Names of files that stand in other files, which anyone may have written: plain ones only."""

import os


def check_plain(name: object, source: str) -> None:
    """ValueError unless a name is one of a file in the folder itself: no path, and nothing hidden
    that leads out of it.

    Args:
        name: what was read.
        source: where it stands, for the error.
    """
    signs = ("/", "\\", "\0", os.sep)
    is_named = isinstance(name, str) and name not in ("", os.curdir, os.pardir)
    if not is_named or any(sign in str(name) for sign in signs):
        raise ValueError(
            f"{source} names the file {name!r}, where the name of one in its own folder belongs; "
            "it was changed or is no file of this program, fetch it or write it again"
        )
