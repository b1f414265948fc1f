"""`${name}` and `${name|default}` in the text of a configuration file, put into OmegaConf's own syntax."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from kedro_airflow_k8s.contract import CONFIG_PREFIX

PREFIX = CONFIG_PREFIX
RESOLVER = "kedro_airflow_k8s.variable"

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = re.compile(r"(\\*)\$\{")
_REFERENCE = re.compile(r"\s*(\w+)\s*([|}])", re.ASCII)
_IN_FILE = re.compile(rf"\$\{{{_REFERENCE.pattern}", re.ASCII)


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each variable KEDRO_CONFIG_<NAME> by its name in lower case."""
    # Capitals sort first, so that of two names which differ only by case the one in capitals wins.
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in sorted(environment.items(), reverse=True)
        if name.startswith(PREFIX) and name != PREFIX
    }


def translated(text: str, names: Iterable[str]) -> str:
    """Return YAML text in which each reference to a variable is a call of the resolver `RESOLVER`.

    A reference is `${name|default}`, or `${name}` if it is one of the `names`, within a value; all else stays as it is,
    and so does text that is no YAML.
    """
    names = frozenset(names)
    if not any(match[2] == "|" or match[1] in names for match in _IN_FILE.finditer(text)):
        return text
    parts, done, is_key = [], 0, False
    try:
        for token in yaml.scan(text, Loader=_FAST):
            if isinstance(token, yaml.ScalarToken) and not is_key:
                value = _translated(token.value, names)
                if value != token.value:
                    start, end = token.start_mark.index, token.end_mark.index
                    # What comes after a block of lines begins on a line of its own.
                    parts += [text[done:start], _quoted(value), "\n" if text[start:end].endswith("\n") else ""]
                    done = end
            # Between the mark of a key and its text there may be an anchor and a tag.
            marks = isinstance(token, yaml.AnchorToken | yaml.TagToken)
            is_key = isinstance(token, yaml.KeyToken) or (is_key and marks)
    except yaml.YAMLError:
        return text
    return "".join([*parts, text[done:]])


def value(variables: Mapping[str, str], name: str, *default: Any, again: bool = False) -> Any:
    """Resolve a call that `translated` wrote: the variable's value, else the default put together again.

    `again` tells that OmegaConf will resolve the result once more: what would not stay as it is then, is a call, too.
    """
    name = _text(name)
    kept = _as_call if again else str
    if name in variables:
        return kept(variables[name])
    if not default:
        raise ValueError(f"{PREFIX}{name.upper()} is not set any more")
    pieces = [piece if number % 2 else kept(_text(piece)) for number, piece in enumerate(default)]
    # A default that is nothing but one interpolation keeps its type.
    filled = [piece for piece in pieces if piece != ""]
    return filled[0] if len(pieces) == 3 and len(filled) == 1 else "".join(map(str, filled))


def lines(text: str, name: str) -> list[int]:
    """Return the numbers of the lines on which `${name}` stands."""
    wanted = re.finditer(rf"\$\{{\s*{re.escape(name)}\s*\}}", text)
    return sorted({text.count("\n", 0, match.start()) + 1 for match in wanted})


def _translated(text: str, names: frozenset[str]) -> str:
    parts, done = [], 0
    for start, end in _interpolations(text):
        # The inner part of OmegaConf's own interpolations may refer to variables, too.
        parts += [text[done:start], _call(text[start:end], names)]
        done = end
    return "".join([*parts, text[done:]])


def _call(interpolation: str, names: frozenset[str]) -> str:
    match = _REFERENCE.match(interpolation, 2)
    if match is None:
        return "${" + _translated(interpolation[2:], names)
    name = match[1].lower() if match[2] == "|" else match[1]
    if name in names:
        return f"${{{RESOLVER}:{_hex(name)}}}"
    if match[2] == "}":
        return interpolation
    # In OmegaConf's syntax a default could not hold what it likes: its text is handed over as digits.
    pieces = _pieces(interpolation[match.end() : -1].strip(), names)
    return f"${{{RESOLVER}:{','.join([_hex(name), *pieces])}}}"


def _pieces(default: str, names: frozenset[str]) -> Iterator[str]:
    """Yield in turn text in digits and an interpolation; text comes first and last."""
    done = 0
    for start, end in _interpolations(default):
        yield _hex(_unescaped(default[done : start + 2])[:-2])
        yield _call(default[start:end], names)
        done = end
    yield _hex(_unescaped(default[done:]))


def _interpolations(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each outermost `${...}`, up to the brace that closes it; `\\${` is none."""
    position = 0
    while match := _OPENING.search(text, position):
        position = match.end()
        end = None if len(match[1]) % 2 else _closed(text, match.end())
        if end is not None:
            yield match.end() - 2, end
            position = end


def _closed(text: str, position: int) -> int | None:
    depth = 1
    for index in range(position, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return index + 1
    return None


def _as_call(text: str) -> str:
    # Of no variable, with the text as its default. What may come after a backslash is an interpolation.
    return f"${{{RESOLVER}:{_hex('')},{_hex(text)}}}" if "${" in text or text.endswith("\\") else text


def _unescaped(text: str) -> str:
    # As OmegaConf does it: backslashes count only before `${`.
    return _OPENING.sub(lambda match: f"{match[1][: len(match[1]) // 2]}${{", text)


def _quoted(text: str) -> str:
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)).removesuffix("\n")


def _hex(text: str) -> str:
    # A letter first: digits alone would be a number.
    return f"x{text.encode().hex()}"


def _text(digits: str) -> str:
    return bytes.fromhex(digits[1:]).decode()
