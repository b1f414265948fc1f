"""Whether two functions of a project do the same."""

from __future__ import annotations

from functools import partial
from types import CodeType, FunctionType
from typing import Any

_Seen = set[tuple[int, int]]


def alike(one: Any, other: Any) -> bool:
    """Tell whether two functions are the same, as far as that can be told.

    A pipeline that is made twice has lambdas, closures and partials that are no more the same objects.
    """
    return _alike(one, other, set())


def _alike(one: Any, other: Any, seen: _Seen) -> bool:
    if one is other or (id(one), id(other)) in seen:
        return True
    if type(one) is not type(other):
        return False
    # A function can hold itself.
    seen.add((id(one), id(other)))
    if isinstance(one, FunctionType | CodeType | partial):
        return _alike(_parts(one), _parts(other), seen)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(_alike(a, b, seen) for a, b in zip(one, other, strict=True))
    if isinstance(one, type):
        return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)
    return _equal(one, other)


def _parts(value: FunctionType | CodeType | partial[Any]) -> tuple[Any, ...]:
    if isinstance(value, partial):
        return value.func, value.args, tuple(sorted(value.keywords.items()))
    if isinstance(value, CodeType):
        # Not the line it is written at.
        return value.co_code, value.co_consts, value.co_names
    held = tuple(cell.cell_contents for cell in value.__closure__ or ())
    return value.__module__, value.__qualname__, value.__code__, value.__defaults__, held


def _equal(one: Any, other: Any) -> bool:
    # An object without an equality of its own would only be equal to itself.
    if getattr(type(one), "__eq__", None) is object.__eq__:
        return True
    try:
        return bool(one == other)
    except Exception:
        # An array has no one answer.
        return True
