"""The texts in the plugin's own source, with a gap wherever a value is put in."""

import ast
from functools import cache
from pathlib import Path

GAP = "\0"


@cache
def of(package: Path) -> set[str]:
    """Return every text in the package."""
    return {" ".join(text.split()) for tree in _trees(package) for node in ast.walk(tree) if (text := _text(node))}


@cache
def raised(package: Path) -> set[str]:
    """Return the texts of the errors that are raised in the package."""
    calls = [node.exc for tree in _trees(package) for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    arguments = [call.args[0] for call in calls if isinstance(call, ast.Call) and call.args]
    return {" ".join(text.split()) for argument in arguments if (text := _text(argument))}


def says(text: str, message: str) -> bool:
    """Tell whether a text of the source can be read as a message in which `…` stands for values."""
    place = 0
    for part in filter(None, (piece.strip() for piece in message.split("…"))):
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


@cache
def _trees(package: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted(package.rglob("*.py")))


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
