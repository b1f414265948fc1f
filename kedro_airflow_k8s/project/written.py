"""The text behind a number of a configuration file, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS = {MappingNode: "a section of keys and values", SequenceNode: "a list", ScalarNode: "text"}
TAGS = "tag:yaml.org,2002:"
MERGE = f"{TAGS}merge"
_SHOWN = 60


def as_written(content: Any, files: Sequence[Path]) -> Any:
    """Return the content with text for each number, boolean and date that stands so in one of the files.

    YAML takes `1.10` for 1.1, `12:30` for 750, `2024_01` for 202401 and `no` for false. The last file counts.
    """
    tree: Any = None
    for _, root in composed(files):
        # `<<` with something that is no section passes a loader of the project's own only.
        with suppress(ValueError):
            tree = _overlaid(tree, _tree(root))
    return _restored(content, tree)


def composed(files: Sequence[Path]) -> Iterator[tuple[Path, Node | None]]:
    """Yield each file that is plain YAML, and its root."""
    for file in files:
        try:
            yield file, yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=_FAST)
        except (OSError, ValueError, yaml.YAMLError):
            # The project's own loader reads this file all the same: its letters may be anything.
            continue


def _tree(node: Node | None) -> Any:
    """Return the maps and lists of a file with the letters of its unquoted scalars, None for the others."""
    if isinstance(node, SequenceNode):
        return [_tree(entry) for entry in node.value]
    if isinstance(node, MappingNode):
        own = {key.value: _tree(value) for key, value in node.value if isinstance(key, ScalarNode) and key.tag != MERGE}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                for each in reversed(value.value if isinstance(value, SequenceNode) else [value]):
                    merged |= _tree(each)
        return {**merged, **own}
    return node.value if isinstance(node, ScalarNode) and not node.style else None


def _overlaid(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: _overlaid(base.get(key), value) for key, value in over.items()}}
    return over


def _restored(value: Any, letters: Any) -> Any:
    if isinstance(value, Mapping):
        below = letters if isinstance(letters, dict) else {}
        return {key: _restored(entry, below.get(key)) for key, entry in value.items()}
    if isinstance(value, list):
        entries = letters if isinstance(letters, list) and len(letters) == len(value) else [None] * len(value)
        return [_restored(entry, text) for entry, text in zip(value, entries, strict=True)]
    if isinstance(letters, str) and isinstance(value, bool | int | float | date) and _means(letters, value):
        return letters
    return value


def _means(letters: str, value: Any) -> bool:
    """Tell whether YAML reads the letters so; as for numbers like `1e3`, loaders differ."""
    try:
        read = yaml.safe_load(letters)
        # By what they look like: not-a-number is not equal to itself, and true is equal to 1.
        return repr(read) == repr(value) or (isinstance(value, float) and repr(float(letters)) == repr(value))
    except (ValueError, yaml.YAMLError):
        return False
