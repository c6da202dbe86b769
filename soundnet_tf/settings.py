"""How a stage's settings are declared: each once, with all that is known of it.

    @dataclass(frozen=True)
    class PrepareConfig(Settings):
        out: str = setting("Folder of the shards, local or remote.")
        workers: int | None = setting("Processes that decode; default: cores.", None, at_least=1)
        cutting: Cutting = Cutting()

They are frozen dataclasses, checked when they are made, and one may hold others. Programs make them
as any dataclass; `soundnet_tf.bin.stage_flags` makes the flags of commands from the same fields.
Nothing here or in a module of settings imports TensorFlow: `--help` is to be quick.
"""

import dataclasses
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_METADATA = "setting"
_BOUNDS = {  # of numbers: how a bound is called, and what holds within it
    "at_least": ("at least", operator.ge),
    "above": ("above", operator.gt),
    "at_most": ("at most", operator.le),
    "below": ("below", operator.lt),
}


class Setting(NamedTuple):
    """What is known of a setting, besides its type.

    Attributes:
        help: a sentence for `--help`.
        default: `dataclasses.MISSING` if one has to be given.
        flag: its flag's name; None: as the field.
        choices: what it may be, or of a tuple its items; None: anything.
        bounds: names of _BOUNDS to numbers.
    """

    help: str
    default: Any = dataclasses.MISSING
    flag: str | None = None
    choices: tuple[str, ...] | None = None
    bounds: Mapping[str, float] = {}


def setting(
    help: str,
    default: Any = dataclasses.MISSING,
    *,
    flag: str | None = None,
    choices: Iterable[str] | None = None,
    **bounds: float,
) -> Any:
    """A field of `Settings`, see `Setting`; bounds are at_least, above, at_most and below.

    None as a default means that there is none: it is always allowed.
    """
    chosen = None if choices is None else tuple(choices)
    declared = Setting(help, default, flag, chosen, bounds)
    if unknown := bounds.keys() - _BOUNDS.keys():
        raise TypeError(f"bounds {sorted(unknown)} are unknown; there are {[*_BOUNDS]}")
    return dataclasses.field(default=default, metadata={_METADATA: declared})


def same_as(settings: type["Settings"], name: str) -> Any:
    """A field that is declared as another's is, with its default."""
    (field,) = (field for field in dataclasses.fields(settings) if field.name == name)
    return dataclasses.field(default=field.default, metadata=field.metadata)


def by_head(**heads: Setting) -> Any:
    """A field that maps heads to values, each with a flag of its own. Heads whose default is None
    are not in it unless they are given."""
    defaults = {head: known.default for head, known in heads.items() if known.default is not None}
    return dataclasses.field(default_factory=lambda: dict(defaults), metadata={_METADATA: heads})


def known(field: dataclasses.Field) -> Setting | Mapping[str, Setting] | None:
    """What was declared of a field, by `setting` or `by_head`; None: no flag sets it."""
    return field.metadata.get(_METADATA)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of dataclasses of settings. Those with more checks call this `__post_init__` too.

    Raises:
        ValueError: a value that is not among the choices or not within the bounds; names it, the
            flag, and what would be.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            declared, value = known(field), getattr(self, field.name)
            kind: Any = field.type
            if isinstance(declared, Setting):
                _check(field.name, declared, value)
            elif declared is not None:
                for head in value.keys() & declared.keys():
                    _check(f"{field.name}[{head!r}]", declared[head], value[head])
            elif _is_settings(kind) and not isinstance(value, kind):
                raise TypeError(f"{field.name} is {value!r}; give a {kind.__name__}")

    def check_inputs(self) -> None:
        """Refuses what can be seen to be wrong before any work, and without TensorFlow: inputs that
        are not there or of another kind, names that nothing has, an `out` that is something else.

        Commands call it before they import TensorFlow. The stage decides by the same functions when
        it reads; what only TensorFlow can look for, remote files above all, is left to it.

        Raises:
            ValueError, OSError, ImportError: as the stage would.
        """
        for field in dataclasses.fields(self):
            if isinstance(value := getattr(self, field.name), Settings):
                value.check_inputs()


def _is_settings(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Settings)


def flag_of(settings: type[Settings], name: str, head: str | None = None) -> str:
    """The name of a field's flag, of one that `by_head` declared that of a head."""
    (field,) = (field for field in dataclasses.fields(settings) if field.name == name)
    declared: Any = known(field)
    return (declared[head] if head else declared).flag or name


def bounds_in_words(declared: Setting) -> str:
    """Such as "at least 0 and below 1"; nothing if there are none."""
    return " and ".join(f"{_BOUNDS[bound][0]} {n:g}" for bound, n in declared.bounds.items())


def _check(name: str, declared: Setting, value: Any) -> None:
    if declared.flag not in (None, name):
        name = f"{name} (--{declared.flag})"
    if value is None:
        if declared.default is None:
            return
        raise ValueError(f"{name} is None; it should be given")
    for item in value if isinstance(value, tuple | list) else (value,):
        if declared.choices is not None and item not in declared.choices:
            raise ValueError(
                f"{name} {item!r} is unknown; choose one of {', '.join(declared.choices)}"
            )
        if isinstance(item, float) and math.isinf(item):
            raise ValueError(f"{name} is {value}; it should be finite")
        if not all(_BOUNDS[bound][1](item, limit) for bound, limit in declared.bounds.items()):
            raise ValueError(f"{name} is {value}; it should be {bounds_in_words(declared)}")
