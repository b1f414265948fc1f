"""Where a configuration file is wrong, and what is wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from kedro_airflow_k8s.project.written import MERGE, TAGS, composed

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS = {MappingNode: "a section of keys and values", SequenceNode: "a list", ScalarNode: "text"}
_SHOWN = 60


def emptied(files: Sequence[Path]) -> tuple[Path, str, Path] | None:
    """Return the first file, and the key in it, where nothing stands in the place of another file's section, and that.

    Laid over the other one, it would take all of the section away; `null` says that it shall.
    """
    roots: list[tuple[Path, Node]] = []
    for file, root in composed(files):
        if root is None:
            continue
        for other, base in roots:
            # All of a file that is empty drops nothing.
            if path := next(_emptied(base, root, ""), None):
                return file, path, other
        roots.append((file, root))
    return None


def _emptied(base: Node, node: Node, path: str) -> Iterator[str]:
    if isinstance(base, MappingNode) and isinstance(node, ScalarNode) and not node.value and not node.style:
        yield path
    elif isinstance(base, MappingNode) and isinstance(node, MappingNode):
        yield from _both(base, node, path, _emptied)


def mistake(files: Sequence[Path], *, layered: bool) -> tuple[Path, str] | None:
    """Return the first file that is wrong by itself, or if they are layered over those before it, and where and why."""
    roots: list[tuple[Path, Node]] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8-sig")
            # The slow loader has the better words, but lets some pass that the fast one refuses.
            root, _ = (yaml.compose(text, Loader=loader) for loader in (yaml.SafeLoader, _FAST))
            if root is None:
                continue
            if not isinstance(root, MappingNode) and root.tag != f"{TAGS}null":
                return file, f"should be {_KINDS[MappingNode]}, not {_shown(root)}"
            wrong = next(_wrong(root, ()), None)
        except RecursionError:
            return file, "too many brackets within brackets"
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            return file, f"line {line}: should be text in UTF-8, got the byte 0x{error.object[error.start]:02x}"
        except ReaderError as error:
            line = text[: error.position].count("\n") + 1
            return file, f"line {line}: the character {chr(error.character)!r} may not stand in YAML as such"
        except yaml.MarkedYAMLError as error:
            return file, _said(error, text)
        for other, base in roots if layered and not wrong else ():
            path = next(_clashes(base, root, ""), None)
            wrong = wrong or (path and f"{path}, while {other.name} in {other.parent.name} has it otherwise")
        if wrong:
            return file, wrong
        roots.append((file, root))
    return None


def _said(error: yaml.MarkedYAMLError, text: str) -> str:
    mark, begin = error.problem_mark, error.context_mark
    since = f" ({error.context}, from line {begin.line + 1} on)" if error.context and begin else ""
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    # The braces of a reference mean something else to YAML within brackets.
    quotes = "; put ${...} in quotes" if mark and text[: mark.index + 1].endswith("${") else ""
    return f"{place}{error.problem}{since}{quotes}"


def _wrong(node: Node, above: tuple[Node, ...]) -> Iterator[str]:
    """Yield what is wrong with a node or below it, although it is well-formed."""
    place = f"line {node.start_mark.line + 1}: "
    if node in above:
        yield f"{place}an alias stands within what it is the alias of"
        return
    if node.tag not in yaml.SafeLoader.yaml_constructors:
        yield f"{place}{node.tag.replace(TAGS, '!!')} is no type that a configuration has; put text in quotes"
    if isinstance(node, MappingNode):
        seen: Counter[str] = Counter()
        for key, value in node.value:
            place = f"line {key.start_mark.line + 1}, column {key.start_mark.column + 1}: "
            if not isinstance(key, ScalarNode):
                yield f"{place}a key should be text; put in quotes what begins with a bracket"
            elif key.tag == f"{TAGS}null" or not (above or key.tag in {f"{TAGS}str", MERGE}):
                yield f"{place}the key {key.value!r} is no text for YAML; put it in quotes"
            else:
                seen[key.value] += 1
                if seen[key.value] > 1 and key.tag != MERGE:
                    yield f"{place}the key {key.value!r} stands here for the second time"
            yield from _wrong(value, (*above, node))
    elif isinstance(node, SequenceNode):
        for value in node.value:
            yield from _wrong(value, (*above, node))


def _clashes(base: Node, node: Node, path: str) -> Iterator[str]:
    """Yield where one has a list and the other a section, which cannot be laid over each other."""
    kinds = {type(base), type(node)}
    if kinds == {MappingNode, SequenceNode}:
        yield f"{path}: is {_KINDS[type(node)]}"
    elif isinstance(base, MappingNode) and isinstance(node, MappingNode):
        yield from _both(base, node, path, _clashes)


def _both(
    base: MappingNode, node: MappingNode, path: str, look: Callable[[Node, Node, str], Iterator[str]]
) -> Iterator[str]:
    """Look at each two values that have the same key."""
    below = {key.value: value for key, value in base.value if isinstance(key, ScalarNode)}
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value in below:
            yield from look(below[key.value], value, f"{path}.{key.value}".lstrip("."))


def _shown(node: Node) -> str:
    text = f" {node.value[:_SHOWN]!r}" if isinstance(node, ScalarNode) else ""
    return f"{_KINDS[type(node)]}{text}"
