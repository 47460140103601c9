"""The code that a function's result depends on, found from imports, so that an edit of this code outdates old results.

Of the function's own module, only the definitions that the function uses count: after an edit of a task's `evaluate`,
data is not prepared again. Of every other module of this package that the function uses, the whole file counts, with
the data files beside it.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rnn_tasks.files import file_digest, json_digest

PACKAGE = Path(__file__).parent
INDIFFERENT = ("activity", "code", "config", "errors", "line_stream", "locks", "records", "registry", "task")
"""Modules that connect parts but do not change results: an edit of them does not outdate any result."""


def code_digest(*functions: Callable[..., Any]) -> str:
    """sha256 over the code that functions of this package or of a task depend on.

    Comments and layout of a function's own module do not count. Names that get their value at run time (such as a
    function that is passed as an argument) are not followed.
    """
    own = [_reached(function)[0] for function in functions]
    files = set().union(*(_files(_reached(function)[1]) for function in functions))
    return json_digest([own, {str(path.relative_to(PACKAGE)): file_digest(path) for path in files}])


@functools.cache
def package_digest() -> str:
    """sha256 over all files of this package."""
    paths = (path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return json_digest({str(path.relative_to(PACKAGE)): file_digest(path) for path in paths})


def code_files(*functions: Callable[..., Any]) -> set[Path]:
    """The files that `code_digest` covers, including those of the functions themselves."""
    reached = (_files(_reached(function)[1]) for function in functions)
    return set().union(*reached, (Path(inspect.getfile(function)) for function in functions))


def _files(modules: set[str]) -> set[Path]:
    """The files of modules, and the files in a folder `data` beside each of them."""
    paths = {_path(module) for module in modules}
    beside = (path.parent / "data" for path in paths)
    return paths | {file for folder in set(beside) if folder.is_dir() for file in folder.rglob("*") if file.is_file()}


@functools.cache
def _reached(function: Callable[..., Any]) -> tuple[dict[str, str], set[str]]:
    """The definitions in the function's own module that it uses, as text, and the modules of this package it uses."""
    tree = ast.parse(Path(inspect.getfile(function)).read_text(encoding="utf-8"))
    definitions = {name: node for node in tree.body for name in _defined(node)}
    imported = _imported(tree)
    own: dict[str, str] = {}
    modules: set[str] = set()
    waiting = [function.__name__]
    while waiting:
        name = waiting.pop()
        if name in own or name not in definitions:
            continue
        node = definitions[name]
        own[name] = ast.unparse(node)
        waiting += {part.id for part in _walk(node) if isinstance(part, ast.Name)}
        modules |= set(_used(node, imported))
    reached: set[str] = set()
    while modules:
        module = modules.pop()
        if module not in reached and module.removeprefix("rnn_tasks.") not in INDIFFERENT:
            reached.add(module)
            modules |= _dependencies(module)
    return own, reached


@functools.cache
def _dependencies(module: str) -> frozenset[str]:
    """The modules of this package that a module imports and uses outside of type annotations."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    return frozenset(_used(tree, _imported(tree)))


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


def _imported(tree: ast.AST) -> dict[str, str]:
    """Local name -> the dotted name of the object of this package that it refers to."""
    names: dict[str, str] = {}
    for node in _walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rnn_tasks":
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname and "rnn_tasks." in alias.name}
    return names


def _used(node: ast.AST, imported: dict[str, str]) -> Iterator[str]:
    """The modules that define the imported names used in a piece of code."""
    for part in _walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in imported:
            yield from _modules(f"{imported[part.value.id]}.{part.attr}")
        elif isinstance(part, ast.Name) and part.id in imported:
            yield from _modules(imported[part.id])


def _modules(dotted: str) -> Iterator[str]:
    """The module that defines the object with a dotted name, found through the packages' lists of public names."""
    parts = dotted.split(".")
    for end in range(len(parts), 1, -1):
        module = ".".join(parts[:end])
        if not _path(module).is_file():
            continue
        if _path(module).name != "__init__.py":
            yield module
        elif end < len(parts) and (home := _public(module).get(parts[end])):
            yield f"{module}.{home}"
        return


@functools.cache
def _public(package: str) -> dict[str, str]:
    """Public name -> module within a lazy package, from its `__init__.pyi`."""
    stub = _path(package).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8")) if stub.is_file() else ast.Module([], [])
    found = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module)
    return {alias.asname or alias.name: str(node.module) for node in found for alias in node.names}


def _path(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node except annotations and code that only type checkers run."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns"):
                waiting += [
                    part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST)
                ]
