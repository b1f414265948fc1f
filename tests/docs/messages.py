"""The texts in the plugin's own source, with a gap wherever a value is put in."""

import ast
from collections.abc import Iterator
from pathlib import Path

GAP = "\0"


def of(package: Path) -> list[str]:
    """Return every text in the package, with a gap for each value in it."""
    found = []
    for file in sorted(package.rglob("*.py")):
        found += texts(ast.parse(file.read_text(encoding="utf-8")))
    return found


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module."""
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            yield node.value


def says(text: str, message: str) -> bool:
    """Tell whether a text of the source can be read as a message in which `…` stands for values."""
    place = 0
    for part in filter(None, (piece.strip() for piece in message.split("…"))):
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True
