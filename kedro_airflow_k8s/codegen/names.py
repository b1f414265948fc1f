"""Chooses the names of variables in the generated file."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping


def identifiers(task_ids: Iterable[str], taken: Iterable[str]) -> Mapping[str, str]:
    """Return a variable's name for each task id, all different, none of them in `taken` or a word of Python's."""
    used = {*taken, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    chosen: dict[str, str] = {}
    for task_id in task_ids:
        name = identifier(task_id)
        while name in used:
            name += "_"
        used.add(name)
        chosen[task_id] = name
    return chosen


def identifier(text: str) -> str:
    """Return an identifier close to the text; different texts may give the same one."""
    name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", text)).strip("_")
    if not name.isidentifier():
        name = f"task_{name}".rstrip("_")
    return name if name.isidentifier() else "task"
