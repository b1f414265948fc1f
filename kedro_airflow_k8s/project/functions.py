"""Whether two functions of a project are plainly not the same."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import FunctionType, MethodType
from typing import Any

_PLAIN = (str, bytes, bool, int, float)


def differ(one: Any, other: Any) -> bool:
    """Tell whether two functions have other code, or hold other functions or plain values.

    A pipeline that is made twice has lambdas, closures and partials that are no more the same objects. What cannot be
    told of those, such as whether two models are the same, does not count.
    """
    if one is other:
        return False
    bare, other_bare = _bare(one), _bare(other)
    if not isinstance(bare, FunctionType) or not isinstance(other_bare, FunctionType):
        return _name(bare) != _name(other_bare)
    return _code(bare) != _code(other_bare) or dict(_held(one, bare)) != dict(_held(other, other_bare))


def _bare(function: Any) -> Any:
    """Return the function that is called in the end, without what is around it."""
    while isinstance(function, partial | MethodType):
        function = function.func if isinstance(function, partial) else function.__func__
    with suppress(ValueError):
        return inspect.unwrap(function)
    return function


def _name(value: Any) -> tuple[Any, Any]:
    named = value if hasattr(value, "__qualname__") else type(value)
    return getattr(named, "__module__", None), named.__qualname__


def _code(function: FunctionType) -> tuple[Any, ...]:
    code = function.__code__
    # Not the line that it is written at.
    constants = tuple((type(constant), constant) for constant in code.co_consts)
    return _name(function), code.co_code, constants, code.co_names, code.co_varnames, code.co_flags, code.co_argcount


def _held(whole: Any, function: FunctionType) -> Iterator[tuple[Any, Any]]:
    """Yield what a function has for its arguments and its surroundings: code and plain values, each by its place."""
    given: dict[Any, Any] = dict(enumerate(function.__defaults__ or ()))
    given |= {("keyword", name): value for name, value in (function.__kwdefaults__ or {}).items()}
    if isinstance(whole, partial):
        given |= {("partial", place): value for place, value in enumerate(whole.args)}
        given |= {("partial", name): value for name, value in whole.keywords.items()}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        # One can be empty still.
        with suppress(ValueError):
            given["closure", name] = cell.cell_contents
    for place, value in given.items():
        if isinstance(bare := _bare(value), FunctionType):
            yield place, _code(bare)
        elif type(value) in _PLAIN:
            # Of not a number, too, there is one way to write it.
            yield place, repr(value)
