"""Cuts the operators that a DAG uses out of their modules' source, which is read and never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kedro_airflow_k8s.model import Ref

PACKAGE = "kedro_airflow_k8s.operators"
VERSIONS = f"{PACKAGE}._airflow"
"""The module whose names come from different places in Airflow 2 and 3."""

CONTRACT = "kedro_airflow_k8s.contract"
_FOLDER = Path(__file__).parent.parent


@dataclass(frozen=True)
class Embedded:
    """The definitions to write into the file, bases first, and the objects they need imported."""

    definitions: tuple[str, ...]
    imports: tuple[Ref, ...]
    names: frozenset[str]


@dataclass
class _Module:
    """The top level of an operator module: source and syntax of each definition, and the origin of each import."""

    definitions: dict[str, tuple[str, ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Ref] = field(default_factory=dict)


def embed(wanted: Iterable[Ref]) -> Embedded:
    """Collect the source of the wanted operators and of everything of ours that they use.

    Raises `ValueError` for source that it cannot follow, rather than leaving something out.
    """
    sources: dict[str, tuple[str, str]] = {}
    imports: dict[Ref, None] = {}

    def visit(ref: Ref) -> None:
        if not is_ours(ref.module) or ref.module == VERSIONS:
            imports[ref] = None
            return
        if ref.name in sources:
            if sources[ref.name][0] != ref.module:
                raise ValueError(f"{ref.module} and {sources[ref.name][0]} both define {ref.name}")
            return
        module = _read(ref.module)
        if ref.name not in module.definitions:
            raise ValueError(f"{ref.module} defines no {ref.name}")
        source, statement = module.definitions[ref.name]
        sources[ref.name] = (ref.module, source)
        for name in _used(statement):
            if name in module.imports:
                visit(module.imports[name])
            elif name in module.definitions:
                visit(Ref(ref.module, name))
        # Dependencies were added after it; a class has to follow its bases, and a constant's user the constant.
        sources[ref.name] = sources.pop(ref.name)

    for ref in wanted:
        visit(ref)
    return Embedded(tuple(source for _, source in sources.values()), tuple(imports), frozenset(sources))


@cache
def versions() -> tuple[dict[str, str], dict[str, str]]:
    """Return for each name that moved between Airflow 2 and 3 its module in Airflow 3, and the same for Airflow 2."""
    tree = ast.parse(_text(VERSIONS))
    (block,) = (statement for statement in tree.body if isinstance(statement, ast.Try))
    return _origins(block.body), _origins(block.handlers[0].body)


def _origins(statements: list[ast.stmt]) -> dict[str, str]:
    return {
        alias.name: str(statement.module)
        for statement in statements
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


@cache
def _read(module: str) -> _Module:
    text = _text(module)
    lines = text.splitlines()
    found = _Module()
    end = 0
    for statement in ast.parse(text).body:
        start, end = end, statement.end_lineno or 0
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, ref in _imported(module, statement):
                found.imports[name] = ref
        elif isinstance(statement, ast.ClassDef | ast.FunctionDef):
            found.definitions[statement.name] = (_cut(lines[start:end]), statement)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found.definitions[statement.targets[0].id] = (_cut(lines[start:end]), statement)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            raise ValueError(f"{module}, line {statement.lineno}: cannot be embedded: {lines[statement.lineno - 1]}")
    return found


def _imported(module: str, statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Ref]]:
    for alias in statement.names:
        origin = statement.module if isinstance(statement, ast.ImportFrom) else None
        if alias.asname or alias.name == "*" or (isinstance(statement, ast.ImportFrom) and statement.level):
            raise ValueError(f"{module}, line {statement.lineno}: only plain absolute imports can be embedded")
        if origin == "__future__":
            continue
        if origin is None:
            if "." in alias.name:
                raise ValueError(f"{module}, line {statement.lineno}: import {alias.name} with 'from ... import'")
            yield alias.name, Ref("", alias.name)
        else:
            yield alias.name, Ref(origin, alias.name)


def _used(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom) and is_ours(node.module or ""):
            raise ValueError(f"{ast.unparse(node)}: a sibling has to be imported at the top of its module")


def is_ours(module: str) -> bool:
    """Tell whether a module belongs to this package, so that its objects are embedded rather than imported."""
    return module.split(".")[0] == PACKAGE.split(".")[0]


def _cut(lines: list[str]) -> str:
    """Drop the blank lines around a definition, and keep the comments right above it."""
    return "\n".join(lines).strip("\n")


def _text(module: str) -> str:
    if module != CONTRACT and not module.startswith(f"{PACKAGE}."):
        raise ValueError(f"{module} is not made for Airflow: neither one of {PACKAGE} nor {CONTRACT}")
    return _FOLDER.joinpath(*module.split(".")[1:]).with_suffix(".py").read_text(encoding="utf-8")
