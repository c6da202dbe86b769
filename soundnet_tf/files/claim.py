"""Whose a file or folder is: what is gone on with must have been begun with the same settings."""

import json
from collections.abc import Collection, Mapping
from typing import Any


def refuse_other(
    path: str, found: Mapping, settings: Mapping, may_differ: Collection[str] = ()
) -> None:
    """Refuses to go on with what was made with other settings.

    Args:
        path: what is there.
        found: the settings it was made with.
        settings: those of now.
        may_differ: as of `differences`.

    Raises:
        ValueError: they differ; says where.
    """
    if differing := differences(found, settings, may_differ):
        raise ValueError(
            f"{path} was made with other settings ({'; '.join(differing)}): choose another --out, "
            "remove it first, or go on with the settings it was made with"
        )


def differences(old: Mapping, new: Mapping, may_differ: Collection[str] = ()) -> list[str]:
    """Each difference as "NAME was OLD, is NEW", sorted by name.

    Args:
        old, new: settings, compared as JSON keeps them (a tuple is a list). They may be nested;
            names of inner ones are OUTER.INNER. What is missing is as good as None.
        may_differ: names that are not compared, nor anything within them.
    """
    return _differences(_as_json(old), _as_json(new), may_differ, "")


def _differences(old: Any, new: Any, may_differ: Collection[str], name: str) -> list[str]:
    if old == new or name in may_differ:
        return []
    if not isinstance(old, dict | None) or not isinstance(new, dict | None):
        return [f"{name} was {old}, is {new}"]
    old, new = old or {}, new or {}
    return [
        difference
        for key in sorted(old.keys() | new.keys())
        for difference in _differences(
            old.get(key), new.get(key), may_differ, f"{name}.{key}" if name else key
        )
    ]


def _as_json(settings: Mapping) -> Any:
    return json.loads(json.dumps(dict(settings)))
