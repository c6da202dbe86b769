"""Who imports whom, read from the source of every module without running any of it."""

import ast
import pathlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Import(NamedTuple):
    """One import: `target` is a module, with its dots; `is_lazy` if it stands in a function."""

    module: str
    target: str
    is_lazy: bool


def first_party() -> dict[str, pathlib.Path]:
    """All modules of the package, of `bin` (soundnet_tf.bin, as it is installed) and benchmark."""
    paths = [p for top in ("soundnet_tf", "bin", "benchmark") for p in (ROOT / top).rglob("*.py")]
    return {_name(path.relative_to(ROOT)): path for path in sorted(paths)}


def _name(path: pathlib.Path) -> str:
    parts = [*path.with_suffix("").parts]
    if parts[0] == "bin":
        parts.insert(0, "soundnet_tf")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(code: str, module: str, is_package: bool, known: Mapping) -> list[Import]:
    """Every import of a module's code, relative ones too. `from a import b` is of `a.b` if that is
    one of the `known` modules, else of `a`."""
    found = []
    for node, is_lazy in _walk(ast.parse(code), False):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                package = module.split(".")[: None if is_package else -1]
                package = package[: len(package) - node.level + 1]
                source = ".".join([*package, *([node.module] if node.module else [])])
            names = [f"{source}.{alias.name}" for alias in node.names]
            targets = [name if name in known else source for name in names]
        else:
            continue
        found += [Import(module, target, is_lazy) for target in dict.fromkeys(targets)]
    return found


def _walk(node: ast.AST, is_lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes, and whether they run only when some function is called."""
    yield node, is_lazy
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, is_lazy or is_function)


def all_imports() -> list[Import]:
    """Every import of every first-party module."""
    known = first_party()
    return [
        found
        for name, path in known.items()
        for found in imports_of(path.read_text("utf-8"), name, path.name == "__init__.py", known)
    ]


def way_to(start: str, tops: set[str], imports: list[Import]) -> list[str]:
    """The shortest chain of modules from `start` to one below `tops` ("tensorflow", ...) by what is
    imported when a module is; empty if there is none. A module brings its packages along."""
    edges = {}
    for found in imports:
        if not found.is_lazy:
            edges.setdefault(found.module, []).append(found.target)
    came_from, waiting = {start: None}, [start]
    while waiting:
        module = waiting.pop(0)
        if module.split(".")[0] in tops:
            way = [module]
            while came_from[way[0]]:
                way.insert(0, came_from[way[0]])
            return way
        parts = module.split(".")
        packages = [".".join(parts[:i]) for i in range(1, len(parts))]
        for target in [*packages, *edges.get(module, [])]:
            if target not in came_from:
                came_from[target] = module
                waiting.append(target)
    return []
