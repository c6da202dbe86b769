"""Flags of the fields of a stage's settings: their names, defaults, choices and help stand there
alone, see `soundnet_tf.settings`."""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from absl import flags

from soundnet_tf.settings import Setting, Settings, bounds_in_words, known

# Flags belong to the module that calls, whose --help shows them.
flags.disclaim_key_flags()


class _Leaf(NamedTuple):
    """A flag: its name, what is known of it, and its type (of a tuple's items)."""

    flag: str
    declared: Setting
    kind: type
    is_tuple: bool


def define(settings: type[Settings], values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines a flag for each field of the settings, and of those that they hold."""
    for leaf in _leaves(settings):
        _define(leaf, values)


def read(settings: type[Settings], values: flags.FlagValues = flags.FLAGS) -> Any:
    """The settings that the flags give.

    Raises:
        ValueError: a value that the settings refuse.
    """
    given: dict[str, Any] = {}
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        declared = known(field)
        if _is_settings(hints[field.name]):
            given[field.name] = read(hints[field.name], values)
        elif isinstance(declared, Setting):
            given[field.name] = _value(_leaf(field.name, declared, hints[field.name]), values)
        elif declared:
            named = {head: values[leaf.flag].value for head, leaf in _heads(declared, hints, field)}
            # Empty, as in --imagenet_teacher=, is how a head with a default is left out.
            given[field.name] = {h: value for h, value in named.items() if value not in (None, "")}
    return settings(**given)


def as_text(*settings: type[Settings], values: flags.FlagValues = flags.FLAGS) -> str:
    """Those of the settings' flags that were given, as a flagfile."""
    names = sorted(leaf.flag for one in settings for leaf in _leaves(one))
    present = [name for name in names if values[name].present]
    return "".join(f"{values[flag].serialize()}\n" for flag in present)


def _leaves(settings: type[Settings]) -> Iterator[_Leaf]:
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        declared, hint = known(field), hints[field.name]
        if _is_settings(hint):
            yield from _leaves(hint)
        elif isinstance(declared, Setting):
            yield _leaf(field.name, declared, hint)
        elif declared:
            yield from (leaf for _, leaf in _heads(declared, hints, field))


def _heads(declared, hints: dict, field: dataclasses.Field) -> Iterator[tuple[str, _Leaf]]:
    _, kind = typing.get_args(hints[field.name])
    for head, of_head in declared.items():
        yield head, _leaf(head, of_head, kind)


def _leaf(name: str, declared: Setting, hint: Any) -> _Leaf:
    if type(None) in typing.get_args(hint):
        (hint,) = (kind for kind in typing.get_args(hint) if kind is not type(None))
    is_tuple = typing.get_origin(hint) is tuple
    kind = typing.get_args(hint)[0] if is_tuple else hint
    return _Leaf(declared.flag or name, declared, kind, is_tuple)


def _is_settings(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Settings)


def _define(leaf: _Leaf, values: flags.FlagValues) -> None:
    name, declared = leaf.flag, leaf.declared
    required = declared.default is dataclasses.MISSING
    default = None if required else declared.default
    options: dict[str, Any] = {"flag_values": values, "required": required}
    bounds = bounds_in_words(declared)
    text = f"{declared.help.rstrip('.')}; {bounds}." if bounds else declared.help
    if leaf.is_tuple:
        items = None if default is None else [_text(item) for item in default]
        flags.DEFINE_list(name, items, text, **options)
    elif declared.choices is not None:
        flags.DEFINE_enum(name, default, list(declared.choices), text, **options)
    else:
        definers: dict[type, Callable[..., Any]] = {
            bool: flags.DEFINE_bool,
            int: flags.DEFINE_integer,
            float: flags.DEFINE_float,
            str: flags.DEFINE_string,
        }
        definers[leaf.kind](name, default, text, **options)


def _text(item: Any) -> str:
    return str(item).removesuffix(".0") if isinstance(item, float) else str(item)


def _value(leaf: _Leaf, values: flags.FlagValues) -> Any:
    value = values[leaf.flag].value
    if not leaf.is_tuple or value is None:
        return value
    try:
        return tuple(leaf.kind(item) for item in value)
    except ValueError as error:
        raise ValueError(
            f"--{leaf.flag}={','.join(value)}; give numbers, such as 1 or 1,2"
        ) from error
