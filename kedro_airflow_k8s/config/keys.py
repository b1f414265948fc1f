"""The keys of a section as its source describes them: the type as written, and the text below it."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from typing import Any, get_args, get_origin

from kedro_airflow_k8s.config.section import Section


def described(section: type[Section]) -> dict[str, tuple[ast.expr, str]]:
    """Return of each key, those of the section's bases first, the type as it is written and what the key means."""
    found = {}
    for owner in reversed(section.__mro__):
        if issubclass(owner, Section) and owner is not Section:
            body = [line for node in ast.parse(inspect.getsource(owner)).body for line in ast.iter_child_nodes(node)]
            for field, text in pairwise(body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    meaning = " ".join(ast.literal_eval(text.value).split())
                    found[ast.unparse(field.target)] = (field.annotation, meaning)
    return found


def inner(annotation: Any) -> tuple[type[Section], ...]:
    """Return the sections that a value of the type may be, or is a list or a map of."""
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    return tuple(section for part in get_args(annotation) for section in inner(part))
